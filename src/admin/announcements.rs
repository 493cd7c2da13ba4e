//! Announcements on the home page: a few lines of plain text, for a time, for everybody or for some roles.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension as _, params};
use thiserror::Error;
use tokio::sync::watch;

use super::{Act, Granted, Paragraph, Store, store::Traced};
use crate::model::{Moment, Role};

/// The announcements on disk; `roles` holds the words of roles joined by spaces, nothing for everybody.
pub(super) const TABLE: &str = "CREATE TABLE announcement (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        words TEXT NOT NULL,
        begins INTEGER NOT NULL,
        until INTEGER NOT NULL,
        roles TEXT NOT NULL
    ) STRICT;";

/// Announcements that run or will run: more than that nobody reads.
const ANNOUNCEMENTS_MAX: u32 = 10;

/// What is to be announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The text.
    pub words: Paragraph,
    /// From when.
    pub from: Moment,
    /// Until when, later than `from` and than now.
    pub until: Moment,
    /// For whom; nobody named is everybody.
    pub roles: Vec<Role>,
}

/// An announcement that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its number.
    pub number: i64,
    /// The text: lines joined by line feeds.
    pub words: String,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// For whom; nobody named is everybody.
    pub roles: Vec<Role>,
}

/// Why something is not announced, or not removed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnnouncementRefusal {
    /// It would end before it begins, or has ended.
    #[error("the announcement ends too early")]
    EndsTooEarly,
    /// There are as many as people read.
    #[error("there are too many announcements")]
    TooMany,
    /// There is no such announcement, or somebody removed it meanwhile.
    #[error("there is no such announcement")]
    Unknown,
}

/// The announcements. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Announcements {
    store: Store,
    standing: watch::Sender<Arc<Vec<Announcement>>>,
}

impl Announcements {
    /// The announcements in `store`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(store: Store) -> anyhow::Result<Self> {
        let standing = watch::Sender::new(Arc::new(store.read_at_start(all)?));
        Ok(Self { store, standing })
    }

    /// What runs at `now` for people of `role`, or for whoever has none; the latest first. Never waits.
    #[must_use]
    pub fn running(&self, role: Option<Role>, now: Moment) -> Vec<Announcement> {
        let is_for = |announcement: &&Announcement| {
            let roles = &announcement.roles;
            announcement.from <= now
                && now < announcement.until
                && (roles.is_empty() || role.is_some_and(|role| roles.contains(&role)))
        };
        self.standing.borrow().iter().filter(is_for).cloned().collect()
    }

    /// What runs or will run at `now`, for whomever; the latest first.
    #[must_use]
    pub fn standing(&self, now: Moment) -> Vec<Announcement> {
        self.standing.borrow().iter().filter(|announcement| now < announcement.until).cloned().collect()
    }

    /// Announces something; when this returns it is on disk and on the home page.
    ///
    /// # Errors
    /// When the disk refuses. That it may not be announced is a value.
    pub async fn announce(
        &self,
        granted: &Granted,
        announced: Announced,
        now: Moment,
    ) -> anyhow::Result<Result<(), AnnouncementRefusal>> {
        granted.is_for(Act::Announce)?;
        let Announced { words, from, until, roles } = announced;
        if until <= now || until <= from {
            return Ok(Err(AnnouncementRefusal::EndsTooEarly));
        }
        let over = self.store.too_old(now, Duration::ZERO);
        let decided = self.store.act_and_tell(granted, now, move |on| {
            on.execute("DELETE FROM announcement WHERE until <= ?1", [over.unix_milliseconds()])?;
            let count: u32 = on.query_row("SELECT count(*) FROM announcement", [], |row| row.get(0))?;
            if count >= ANNOUNCEMENTS_MAX {
                return Ok(Err(AnnouncementRefusal::TooMany));
            }
            let roles: Vec<_> = roles.into_iter().map(Role::word).collect();
            on.execute(
                "INSERT INTO announcement (words, begins, until, roles) VALUES (?1, ?2, ?3, ?4)",
                params![words.as_str(), from.unix_milliseconds(), until.unix_milliseconds(), roles.join(" ")],
            )?;
            Ok(Ok(Traced { result: (), what: format!("annonce « {} »", beginning(words.as_str())) }))
        });
        self.publish(decided.await?).await
    }

    /// Removes an announcement.
    ///
    /// # Errors
    /// When the disk refuses. That there is none is a value.
    pub async fn remove(
        &self,
        granted: &Granted,
        number: i64,
        now: Moment,
    ) -> anyhow::Result<Result<(), AnnouncementRefusal>> {
        granted.is_for(Act::Announce)?;
        let decided = self.store.act_and_tell(granted, now, move |on| {
            let words: Option<String> = on
                .query_row("DELETE FROM announcement WHERE number = ?1 RETURNING words", [number], |row| {
                    row.get(0)
                })
                .optional()?;
            let Some(words) = words else { return Ok(Err(AnnouncementRefusal::Unknown)) };
            Ok(Ok(Traced { result: (), what: format!("retire l’annonce « {} »", beginning(&words)) }))
        });
        self.publish(decided.await?).await
    }

    async fn publish(
        &self,
        decided: Result<(), AnnouncementRefusal>,
    ) -> anyhow::Result<Result<(), AnnouncementRefusal>> {
        if decided.is_ok() {
            let standing = self.standing.clone();
            // Within the reading, so that of two acts at once the later one's state is what stays.
            self.store
                .read(move |on| {
                    standing.send_replace(Arc::new(all(on)?));
                    Ok(())
                })
                .await?;
        }
        Ok(decided)
    }
}

/// The first words of a text, for the trail.
fn beginning(words: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = words.lines().next().unwrap_or("");
    let start: String = line.chars().take(CHARS_MAX).collect();
    if start.len() < words.len() { format!("{start}…") } else { start }
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<Announcement>> {
    let mut query = connection.prepare(
        "SELECT number, words, begins, until, roles FROM announcement ORDER BY begins DESC, number DESC",
    )?;
    let rows = query.query_map([], |row| {
        let roles: String = row.get(4)?;
        Ok(Announcement {
            number: row.get(0)?,
            words: row.get(1)?,
            from: Moment::from_unix_milliseconds(row.get(2)?),
            until: Moment::from_unix_milliseconds(row.get(3)?),
            roles: roles.split_whitespace().filter_map(|word| word.parse().ok()).collect(),
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admin::test_office::{Office, granted_to};

    const HOUR: Duration = Duration::from_secs(3600);

    fn announced(words: &str, from: Moment, roles: &[Role]) -> Announced {
        Announced { words: Paragraph::read(words).unwrap(), from, until: from + HOUR, roles: roles.to_vec() }
    }

    fn words(announcements: &Announcements, role: Option<Role>, now: Moment) -> Vec<String> {
        announcements.running(role, now).into_iter().map(|one| one.words).collect()
    }

    #[tokio::test]
    async fn an_announcement_is_read_in_its_time_by_those_it_is_for() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::Announce);
        let now = office.now();
        let announcements = Announcements::open(office.store()).unwrap();
        for one in [
            announced("À tous", now, &[]),
            announced("Aux professeurs\nSalle 12", now + HOUR, &[Role::Enseignant, Role::Administratif]),
        ] {
            announcements.announce(&granted, one, now).await.unwrap().unwrap();
        }
        assert_eq!(words(&announcements, None, now), ["À tous"]);
        assert_eq!(words(&announcements, Some(Role::Eleve), now), ["À tous"]);
        let later = now + HOUR;
        assert_eq!(words(&announcements, Some(Role::Enseignant), later), ["Aux professeurs\nSalle 12"]);
        assert!(words(&announcements, Some(Role::Eleve), later).is_empty());
        assert!(words(&announcements, None, later).is_empty());
        drop(announcements);
        let (office, _) = office.restarted();
        let announcements = Announcements::open(office.store()).unwrap();
        assert_eq!(announcements.standing(now).len(), 2);
        let number = announcements.standing(now)[1].number;
        announcements.remove(&granted, number, now).await.unwrap().unwrap();
        assert!(words(&announcements, None, now).is_empty());
        let again = announcements.remove(&granted, number, now).await.unwrap();
        assert_eq!(again, Err(AnnouncementRefusal::Unknown));
        let told: Vec<_> = office.store().done(9).await.unwrap().into_iter().map(|done| done.what).collect();
        assert_eq!(
            told,
            ["retire l’annonce « À tous »", "annonce « Aux professeurs… »", "annonce « À tous »"]
        );
    }

    #[tokio::test]
    async fn ten_announcements_are_enough_and_ended_ones_make_room() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::Announce);
        let now = office.now();
        let announcements = Announcements::open(office.store()).unwrap();
        for _ in 0..10 {
            announcements.announce(&granted, announced("Un", now, &[]), now).await.unwrap().unwrap();
        }
        let one_more = || announced("De trop", now, &[]);
        let refused = announcements.announce(&granted, one_more(), now).await.unwrap();
        assert_eq!(refused, Err(AnnouncementRefusal::TooMany));
        let later = now + HOUR;
        let refused = announcements.announce(&granted, one_more(), later).await.unwrap();
        assert_eq!(refused, Err(AnnouncementRefusal::EndsTooEarly));
        announcements.announce(&granted, announced("Place", later, &[]), later).await.unwrap().unwrap();
        assert_eq!(words(&announcements, None, later), ["Place"]);
    }
}
