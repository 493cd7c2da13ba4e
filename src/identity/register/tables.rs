//! The tables of `people.sqlite`. Days are texts such as `2026-12-19`, moments milliseconds since 1970.

/// What brings a file of version n to n + 1; the version is SQLite's `user_version`.
///
/// `schools` is JSON: one array for each school, the main one first, of its code, the classes and the groups, such as
/// `[["0809999Z",["6A"],["6A GR1"]]]`; classes and groups are sorted, so that the same person has the same text.
/// The `key` of a school is what the delivery's persons name it by. `change` is JSON of what a delta says; of `kind` a record is 0 a whole person, 1 a change, 2 a leaving. A waiting feed's
/// `due` is the day it takes effect, nothing where it does at once; of `state` it is 0 waiting, 1 took effect, 2 overtaken.
/// `login_base` and `login_number` stand where the box made the login. Who has `left_on` a day is in the trash.
pub(super) const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE feed (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL CHECK (source IN ('annuaire', 'onde', 'csv')),
        format TEXT NOT NULL,
        is_complete INTEGER NOT NULL CHECK (is_complete IN (0, 1)),
        is_cut INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
        made TEXT,
        day TEXT NOT NULL,
        files TEXT NOT NULL,
        here TEXT NOT NULL,
        content BLOB NOT NULL,
        elsewhere INTEGER NOT NULL,
        staged_at INTEGER NOT NULL,
        due TEXT,
        is_released INTEGER NOT NULL CHECK (is_released IN (0, 1)),
        state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
        ended_at INTEGER
    ) STRICT;
    CREATE TABLE feed_school (
        feed INTEGER NOT NULL REFERENCES feed ON DELETE CASCADE,
        uai TEXT NOT NULL,
        key TEXT,
        PRIMARY KEY (feed, uai)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE record (
        feed INTEGER NOT NULL REFERENCES feed ON DELETE CASCADE,
        id TEXT NOT NULL,
        kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
        change TEXT,
        source_login TEXT,
        family_name TEXT,
        given_name TEXT,
        birth_date TEXT,
        role TEXT,
        schools TEXT,
        password TEXT,
        ends_on TEXT,
        PRIMARY KEY (feed, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE refused (
        number INTEGER PRIMARY KEY,
        feed INTEGER NOT NULL REFERENCES feed ON DELETE CASCADE,
        file TEXT NOT NULL,
        line INTEGER NOT NULL,
        id TEXT,
        reason TEXT NOT NULL,
        is_dismissed INTEGER NOT NULL CHECK (is_dismissed IN (0, 1))
    ) STRICT;
    CREATE INDEX refused_id ON refused (feed, id);
    CREATE TABLE note (
        number INTEGER PRIMARY KEY,
        feed INTEGER NOT NULL REFERENCES feed ON DELETE CASCADE,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX note_feed ON note (feed);
    CREATE TABLE person (
        id TEXT NOT NULL PRIMARY KEY,
        source TEXT NOT NULL,
        login TEXT UNIQUE,
        login_base TEXT,
        login_number INTEGER,
        source_login TEXT,
        family_name TEXT NOT NULL,
        given_name TEXT NOT NULL,
        birth_date TEXT,
        role TEXT NOT NULL,
        schools TEXT NOT NULL,
        password TEXT,
        ends_on TEXT,
        left_on TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX person_login_base ON person (login_base, login_number);
    CREATE INDEX person_left ON person (left_on) WHERE left_on IS NOT NULL;
    CREATE INDEX person_ends ON person (ends_on) WHERE ends_on IS NOT NULL;
    CREATE TABLE revision (number INTEGER NOT NULL) STRICT;
    INSERT INTO revision VALUES (0);
"];

/// What a plan is made in; it belongs to one connection and vanishes with it. The numbers of `act` are those of
/// [`super::preview::Move`].
pub(super) const PLAN: &str = "CREATE TEMP TABLE IF NOT EXISTS plan (
        id TEXT NOT NULL PRIMARY KEY,
        act INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";
