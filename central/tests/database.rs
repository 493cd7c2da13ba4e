//! What holds of the database, on SQLite and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
mod support;

use std::{pin::pin, time::Duration};

use preau_central::database::{Database, Location, Part, Unreachable, Value, look};
use tokio::{
    sync::broadcast::error::TryRecvError,
    task::JoinSet,
    time::{sleep, timeout},
};

on_both!(
    what_is_kept_comes_back_as_it_was,
    a_text_with_a_nul_character_is_refused,
    a_write_that_is_dropped_never_was,
    a_statement_that_fails_spoils_the_whole_act,
    an_act_that_nobody_waits_for_is_spoiled,
    a_reader_sees_what_is_committed_and_waits_for_nobody,
    of_many_writers_nothing_is_lost,
    a_signal_comes_once_and_only_when_it_is_true,
    the_schema_is_brought_up_to_date_once,
    a_later_schema_is_refused,
    looking_changes_nothing,
    who_reads_cannot_write,
    both_engines_compare_alike,
    a_refusal_is_not_taken_for_an_absence,
);

const NOTES: Part = Part {
    name: "note",
    steps: &["CREATE TABLE note (id BIGINT PRIMARY KEY, number BIGINT, text TEXT, bytes BLOB)"],
};

async fn open(location: &Location) -> Database {
    Database::open(location, &[NOTES]).await.unwrap()
}

async fn count(database: &Database) -> i64 {
    database.read("SELECT COUNT(*) FROM note", &[]).await.unwrap()[0].integer(0).unwrap()
}

/// Writes one line in an act of its own.
async fn add(database: &Database, id: i64) -> anyhow::Result<()> {
    let mut write = database.write().await?;
    write.execute("INSERT INTO note (id) VALUES ($1)", &[id.into()]).await?;
    write.commit().await
}

async fn what_is_kept_comes_back_as_it_was(location: Location) {
    let database = open(&location).await;
    let nothing = || Value::Nothing;
    let kept = [
        [nothing(), nothing(), nothing()],
        [0.into(), "".into(), Value::Bytes(vec![])],
        [
            i64::MAX.into(),
            "Œuvre, naïveté, 漢字, 🦉, 'x' \"y\" \\ $1 ?1".into(),
            Value::Bytes((0..=255).collect()),
        ],
        [i64::MIN.into(), " \t\r\n\u{1}\u{feff}e\u{301}".into(), Value::Bytes(vec![0; 1_000_000])],
        [(-1).into(), "x".repeat(1_000_000).into(), Value::Bytes(vec![0])],
        [nothing(), "12".into(), Value::Bytes(b"12".to_vec())],
    ];
    let mut write = database.write().await.unwrap();
    for (id, [number, text, bytes]) in (0..).zip(kept.clone()) {
        let sql = "INSERT INTO note (id, number, text, bytes) VALUES ($1, $2, $3, $4) RETURNING number, text, bytes";
        let back = write
            .read(sql, &[Value::Integer(id), number.clone(), text.clone(), bytes.clone()])
            .await
            .unwrap();
        assert_eq!(back.len(), 1);
    }
    write.commit().await.unwrap();
    let rows = database.read("SELECT number, text, bytes FROM note ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.len(), kept.len());
    for (row, [number, text, bytes]) in rows.iter().zip(kept) {
        assert_eq!(Value::from(row.integer_or_nothing(0).unwrap()), number);
        assert_eq!(Value::from(row.text_or_nothing(1).unwrap()), text);
        assert_eq!(Value::from(row.bytes_or_nothing(2).unwrap()), bytes);
        assert!(
            row.integer(1).is_err() && row.text(2).is_err() && row.bytes(0).is_err() && row.text(3).is_err()
        );
    }
}

async fn a_text_with_a_nul_character_is_refused(location: Location) {
    let database = open(&location).await;
    assert!(database.read("SELECT id FROM note WHERE text = $1", &["a\0b".into()]).await.is_err());
    let mut write = database.write().await.unwrap();
    let kept = write.execute("INSERT INTO note (id, text) VALUES (1, $1)", &["a\0b".into()]).await;
    assert!(kept.is_err());
    assert!(write.commit().await.is_err());
}

async fn a_write_that_is_dropped_never_was(location: Location) {
    let database = open(&location).await;
    for _ in 0..3 {
        let mut write = database.write().await.unwrap();
        write.execute("INSERT INTO note (id) VALUES (1)", &[]).await.unwrap();
        assert_eq!(write.read("SELECT id FROM note", &[]).await.unwrap().len(), 1);
        drop(write);
        assert_eq!(count(&database).await, 0);
    }
    add(&database, 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

async fn a_statement_that_fails_spoils_the_whole_act(location: Location) {
    let database = open(&location).await;
    add(&database, 1).await.unwrap();
    let mut write = database.write().await.unwrap();
    write.execute("INSERT INTO note (id) VALUES (2)", &[]).await.unwrap();
    assert!(write.execute("INSERT INTO note (id) VALUES (1)", &[]).await.is_err());
    assert!(write.execute("INSERT INTO note (id) VALUES (3)", &[]).await.is_err());
    assert!(write.read("SELECT id FROM note", &[]).await.is_err());
    let refused = write.commit().await.unwrap_err().to_string();
    assert!(refused.contains("earlier"), "{refused}");
    assert_eq!(count(&database).await, 1);
    add(&database, 2).await.unwrap();
}

async fn an_act_that_nobody_waits_for_is_spoiled(location: Location) {
    let database = open(&location).await;
    loop {
        let mut write = database.write().await.unwrap();
        let begun = {
            let mut insert = pin!(write.execute("INSERT INTO note (id) VALUES (1)", &[]));
            futures_util::poll!(&mut insert).is_pending()
        };
        // On a quick machine it may have come to its end at once.
        if begun {
            assert!(write.commit().await.is_err());
            break;
        }
    }
    assert_eq!(count(&database).await, 0);
    add(&database, 1).await.unwrap();
}

async fn a_reader_sees_what_is_committed_and_waits_for_nobody(location: Location) {
    let database = open(&location).await;
    let mut write = database.write().await.unwrap();
    write.execute("INSERT INTO note (id) VALUES (1)", &[]).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(5), count(&database)).await.unwrap(), 0);
    write.commit().await.unwrap();
    assert_eq!(count(&database).await, 1);
}

/// Two that have opened the same database count up, each by reading and then writing.
async fn of_many_writers_nothing_is_lost(location: Location) {
    let databases = [open(&location).await, open(&location).await];
    let mut write = databases[0].write().await.unwrap();
    write.execute("INSERT INTO note (id, number) VALUES (1, 0)", &[]).await.unwrap();
    write.commit().await.unwrap();
    let mut counting = JoinSet::new();
    for database in databases.iter().cycle().take(8) {
        let database = database.clone();
        counting.spawn(async move {
            for _ in 0..10 {
                let mut write = database.write().await.unwrap();
                let rows = write.read("SELECT number FROM note WHERE id = 1", &[]).await.unwrap();
                let next = rows[0].integer(0).unwrap() + 1;
                write.execute("UPDATE note SET number = $1 WHERE id = 1", &[next.into()]).await.unwrap();
                write.commit().await.unwrap();
            }
        });
    }
    counting.join_all().await;
    let rows = databases[1].read("SELECT number FROM note", &[]).await.unwrap();
    assert_eq!(rows[0].integer(0).unwrap(), 80);
}

async fn a_signal_comes_once_and_only_when_it_is_true(location: Location) {
    let database = open(&location).await;
    let mut heard = database.signals().listen();
    let mut write = database.write().await.unwrap();
    write.signal("school/0809999Z");
    drop(write);
    let mut write = database.write().await.unwrap();
    write.signal("view/0809999Z");
    write.signal("view/0809999Z");
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
    write.commit().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(heard.try_recv().unwrap(), "view/0809999Z");
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
}

async fn the_schema_is_brought_up_to_date_once(location: Location) {
    const LATER: Part = Part {
        name: "note",
        steps: &[NOTES.steps[0], "ALTER TABLE note ADD COLUMN more TEXT; INSERT INTO note (id) VALUES (7)"],
    };
    let before = open(&location).await;
    add(&before, 1).await.unwrap();
    let parts = [LATER];
    let (one, other) = tokio::join!(Database::open(&location, &parts), Database::open(&location, &parts));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(count(&one).await, 2);
    assert_eq!(other.read("SELECT more FROM note", &[]).await.unwrap().len(), 2);
    // Who was there before reads on.
    assert_eq!(count(&before).await, 2);
}

async fn a_later_schema_is_refused(location: Location) {
    const LATER: Part = Part { name: "note", steps: &[NOTES.steps[0], "CREATE TABLE note_more (id BIGINT)"] };
    drop(Database::open(&location, &[LATER]).await.unwrap());
    let refused = Database::open(&location, &[NOTES]).await.unwrap_err().to_string();
    assert!(refused.contains("`note` is of a later version (2)"), "{refused}");
}

async fn looking_changes_nothing(location: Location) {
    let versions = async || {
        let standing = look(&location, &[NOTES]).await.unwrap();
        (standing[0].version, standing[0].latest)
    };
    assert_eq!(versions().await, (0, 1));
    if let Location::Sqlite(path) = &location {
        assert!(!path.exists());
    }
    open(&location).await;
    assert_eq!(versions().await, (1, 1));
}

async fn who_reads_cannot_write(location: Location) {
    let database = open(&location).await;
    assert!(database.read("INSERT INTO note (id) VALUES (1) RETURNING id", &[]).await.is_err());
    assert_eq!(count(&database).await, 0);
    add(&database, 1).await.unwrap();
}

async fn both_engines_compare_alike(location: Location) {
    let database = open(&location).await;
    let mut write = database.write().await.unwrap();
    for (id, text) in (0..).zip(["b", "a", "B", "é", "A", "_", "Z", "10", "9"]) {
        write
            .execute("INSERT INTO note (id, text) VALUES ($1, $2)", &[Value::Integer(id), text.into()])
            .await
            .unwrap();
    }
    write.commit().await.unwrap();
    let texts = async |sql: &str, values: &[Value]| {
        let rows = database.read(sql, values).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(texts("SELECT text FROM note ORDER BY text", &[]).await, "10 9 A B Z _ a b é");
    assert_eq!(texts("SELECT text FROM note WHERE text LIKE $1 ORDER BY id", &["a%".into()]).await, "a");
    assert_eq!(
        texts("SELECT text FROM note WHERE text > $1 ORDER BY text LIMIT $2", &["Z".into(), 2.into()]).await,
        "_ a"
    );
    let sums = "SELECT CAST(SUM(id) AS BIGINT), COUNT(*), COUNT(number), MAX(number), 1 = 1, text = 'x' FROM note GROUP BY text = 'x', id ORDER BY id LIMIT 1";
    let rows = database.read(sums, &[]).await.unwrap();
    let found: Vec<_> = (0..6).map(|place| rows[0].integer_or_nothing(place).unwrap()).collect();
    assert_eq!(found, [Some(0), Some(1), Some(0), None, Some(1), Some(0)]);
    let alike = "SELECT text FROM note WHERE number IS NOT DISTINCT FROM $1 ORDER BY id LIMIT 1";
    assert_eq!(texts(alike, &[Value::Nothing]).await, "b");
}

async fn a_refusal_is_not_taken_for_an_absence(location: Location) {
    let database = open(&location).await;
    add(&database, 1).await.unwrap();
    assert!(!add(&database, 1).await.unwrap_err().is::<Unreachable>());
    assert!(!database.read("SELECT nonsense", &[]).await.unwrap_err().is::<Unreachable>());
}
