//! Boxes that took the place of others, and a central that came back from a backup: both are given everybody again.

use std::{fs, io, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use preau::model::{Moment, Uai};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    give::Accounts,
    send::Giving,
    table::{self, Book},
};
use crate::{
    audit::{self, Who},
    words::Place,
};

/// How often every school is looked at, for what no signal told.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// A school whose feed has to be given again: what it had cannot be opened, since the key of accounts was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The school.
    pub school: Uai,
    /// Where the feed came from: `annuaire`, `onde`, `csv`.
    pub origin: String,
}

impl Accounts {
    /// Gives each box that is another than the one its school's accounts were sealed to all of them, until the stop signal.
    ///
    /// # Errors
    /// None: what fails is tried again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        match fs::remove_dir_all(self.work_dir()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(cause = error.to_string(), "cannot remove what a feed left behind");
            }
            _ => {}
        }
        let mut signals = self.database.signals().listen();
        let mut school = None;
        loop {
            if let Err(cause) = self.give_again(school.as_ref()).await {
                warn!(
                    cause = format!("{cause:#}"),
                    "cannot give a box its accounts again; it is tried again"
                );
            }
            school = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(LOOK_EVERY) => None,
                signal = signals.recv() => match signal {
                    Ok(topic) => match topic.strip_prefix("school/").and_then(Uai::new) {
                        Some(school) => Some(school),
                        None => continue,
                    },
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => {
                        stop.cancelled().await;
                        return Ok(());
                    }
                },
            };
        }
    }

    /// Gives all accounts of `school`, or of every one, to the boxes that came since they were sealed. Says the schools.
    ///
    /// # Errors
    /// The first, when the database or the repository refuses for some; the others are given theirs all the same.
    pub async fn give_again(&self, school: Option<&Uai>) -> anyhow::Result<Vec<Uai>> {
        let sql = "SELECT school, origin, sealed_to FROM account_book";
        let rows = match school {
            Some(school) => {
                self.database.read(&format!("{sql} WHERE school = $1"), &[school.as_str().into()]).await?
            }
            None => self.database.read(sql, &[]).await?,
        };
        let (mut given, mut failed) = (Vec::new(), None);
        for row in rows {
            let Some(school) = Uai::new(row.text(0)?) else { continue };
            let (origin, sealed_to) = (row.text(1)?, row.text(2)?);
            let Some(key) = self.authority.sealing_key(&school).await? else { continue };
            if key.fingerprint == sealed_to {
                continue;
            }
            match self.give_all(&school, origin).await {
                Ok(true) => given.push(school),
                Ok(false) => {}
                Err(cause) => failed = failed.or(Some(cause)),
            }
        }
        failed.map_or(Ok(given), Err)
    }

    /// The schools whose feed somebody has to give again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn waiting(&self) -> anyhow::Result<Vec<Waiting>> {
        let lock = self.lock()?;
        let sql = "SELECT school, origin, content FROM account_book ORDER BY school, origin";
        let mut waiting = Vec::new();
        for row in self.database.read(sql, &[]).await? {
            let Some(school) = Uai::new(row.text(0)?) else { continue };
            let origin = row.text(1)?;
            if lock.open(&school, origin, row.bytes(2)?).is_none() {
                waiting.push(Waiting { school, origin: origin.to_owned() });
            }
        }
        Ok(waiting)
    }

    /// After the database came back from a backup: where boxes have received later deliveries than were given by what is
    /// known here, numbers go on above those, and everybody is given again. Says for how many schools.
    ///
    /// # Errors
    /// When the database or the repository refuses.
    pub async fn mend(&self, received: &[(Uai, u64)]) -> anyhow::Result<u64> {
        let mut mended = 0;
        for (school, sequence) in received {
            let last = table::last_sequence(&self.database, school).await?;
            if *sequence <= last {
                continue;
            }
            let mut write = self.database.write().await?;
            table::take_sequence(&mut write, school, last, *sequence).await?;
            let sql = "UPDATE account_book SET sealed_to = '' WHERE school = $1";
            write.execute(sql, &[school.as_str().into()]).await?;
            let said = format!("the box has delivery {sequence}, the last one known here is {last}");
            let place = Place::School(school.clone());
            audit::note(&mut write, self.clock.now(), &Who::Central, "mend", Some(&place), &said).await?;
            write.signal(format!("school/{}", school.as_str()));
            write.commit().await?;
            self.give_again(Some(school)).await?;
            mended += 1;
        }
        Ok(mended)
    }

    /// Gives the box of `school` everybody of `origin`; says whether there was anybody to open.
    async fn give_all(&self, school: &Uai, origin: &str) -> anyhow::Result<bool> {
        let Some(book) = table::book(&self.database, &self.lock()?, school, origin).await? else {
            return Ok(false);
        };
        let Book { format, made, lines: Some(lines), .. } = book else { return Ok(false) };
        let persons = lines.len();
        let giving = Giving {
            school,
            origin,
            format: &format,
            // The school had them already: nothing waits for holidays once more, nor for a calendar that a box may lack.
            from: made.clone().or_else(|| day_of(self.clock.now())),
            made,
            is_released: false,
            before: None,
            lines,
        };
        let (mut write, sent) = self.deliver(giving).await?;
        let Some(sent) = sent else { return Ok(false) };
        let said = format!("delivery {}: all {persons}, to the box that took its place", sent.sequence);
        let place = Place::School(school.clone());
        audit::note(&mut write, self.clock.now(), &Who::Central, "accounts", Some(&place), &said).await?;
        write.commit().await?;
        info!(sequence = sent.sequence, "a box was given its accounts again");
        Ok(true)
    }
}

/// The day of a moment, such as `2026-11-22`.
fn day_of(moment: Moment) -> Option<String> {
    let at = Timestamp::from_millisecond(moment.unix_milliseconds()).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().to_string())
}
