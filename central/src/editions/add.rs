//! Takes a folder of lists as the next edition.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use preau::{
    lists::{
        self, Options, Report,
        edition::{self, Manifest},
    },
    protocol::names::{LISTS_INDEX, Role},
    system::clock::Clock,
};
use tokio::task::spawn_blocking;

use super::known::{Known, index_of, latest};
use crate::{
    audit::{self, Who},
    channel::{Channel, Stored, Whose},
    database::{Database, Value, Write},
};

/// Editions whose differences stay in the channel: a box that was away for longer takes the whole.
const KEPT: u32 = 40;

/// How many editions boxes may be ahead: one that says more says nothing that ever was.
const AHEAD_MAX: u64 = 10_000;

/// The name of the table in the folder of work.
const TABLE: &str = "categories.table";

/// Where editions are made. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Editions {
    database: Database,
    channel: Channel,
    work_dir: PathBuf,
    clock: Clock,
}

/// What came of a folder of lists.
#[derive(Debug)]
pub enum Added {
    /// It is the next edition.
    Edition {
        /// The edition.
        known: Known,
        /// What was read and left out.
        report: Report,
    },
    /// It is what the edition in force already is.
    Same(Known),
    /// The guards refuse it: the report says why, and nothing was changed.
    Refused(Report),
}

impl Editions {
    /// Editions that are made in `work_dir`.
    #[must_use]
    pub fn new(database: Database, channel: Channel, work_dir: PathBuf, clock: Clock) -> Self {
        Self { database, channel, work_dir, clock }
    }

    /// The table of the edition in force, by which drafts are judged; none before the first, or where another instance made
    /// it and this one was not asked since.
    #[must_use]
    pub fn table_path(&self) -> Option<PathBuf> {
        Some(self.work_dir.join(TABLE)).filter(|path| path.is_file())
    }

    /// Takes the lists in `folder` as the next edition, unless the guards refuse. Its number is higher than `at_boxes`, the
    /// highest that a box says it has: after the database was restored from a backup, boxes know editions that it does not.
    ///
    /// # Errors
    /// When the folder is no folder of lists, or something cannot be read or written: then nothing was changed.
    pub async fn add(
        &self,
        folder: &Path,
        options: Options,
        at_boxes: u64,
        who: &Who,
    ) -> anyhow::Result<Added> {
        // From an edition that is not known any more there is no difference.
        let before = latest(&self.database, 1).await?.into_iter().next();
        let at_boxes = at_boxes.min(before.as_ref().map_or(0, |known| known.number) + AHEAD_MAX);
        let before = before.filter(|known| known.number >= at_boxes);
        let old_dir = match &before {
            Some(known) => Some(self.edition_dir(known).await?),
            None => None,
        };
        let (work_dir, folder) = (self.work_dir.clone(), folder.to_owned());
        let made = spawn_blocking(move || make(&work_dir, &folder, &options, old_dir.as_deref())).await??;
        let made = match (made, &before) {
            (Made::Refused(report), _) => return Ok(Added::Refused(*report)),
            (Made::Edition(made), Some(known)) if made.manifest.digest() == known.digest => {
                return Ok(Added::Same(known.clone()));
            }
            (Made::Edition(made), _) => made,
        };
        let Edition { manifest, report, dir, whole, difference } = *made;
        let number = before.map_or(at_boxes, |known| known.number) + 1;
        let mut known = Known {
            number,
            at: self.clock.now(),
            date: manifest.date.to_string(),
            digest: manifest.digest(),
            names: u64::try_from(report.names)?,
            whole: Stored { sha256: [0; 32], length: 0 },
            difference: None,
        };
        known.whole = self.channel.store(&known.whole_name(), whole).await?;
        if let Some(difference) = difference {
            known.difference = Some(self.channel.store(&known.difference_name(), difference).await?);
        }
        self.publish(&known, who).await?;
        self.keep(&dir, number)?;
        Ok(Added::Edition { known, report })
    }

    /// Enters the edition and has every view name it.
    async fn publish(&self, known: &Known, who: &Who) -> anyhow::Result<()> {
        let mut editions = latest(&self.database, KEPT).await?;
        editions.insert(0, known.clone());
        let index = index_of(&editions).context("there is an edition")?;
        let index = self.channel.store(LISTS_INDEX, Bytes::from(serde_json::to_vec(&index)?)).await?;
        let mut write = self.database.write().await?;
        enter(&mut write, known).await?;
        place(&mut write, LISTS_INDEX, &index).await?;
        place(&mut write, &known.whole_name(), &known.whole).await?;
        if let Some(difference) = &known.difference {
            place(&mut write, &known.difference_name(), difference).await?;
        }
        // The wholes of the editions before, and differences that nobody needs any more.
        if let Some(before) = editions.get(1) {
            Channel::remove(&mut write, Whose::Everyone, Role::Lists, &before.whole_name()).await?;
        }
        for old in editions.iter().skip(usize::try_from(KEPT)?) {
            Channel::remove(&mut write, Whose::Everyone, Role::Lists, &old.difference_name()).await?;
        }
        let text = format!("edition {} of {}, {} names", known.number, known.date, known.names);
        audit::note(&mut write, known.at, who, "lists", None, &text).await?;
        write.commit().await
    }

    /// The folder of an edition: as it was made here, or made again of what is in the repository.
    async fn edition_dir(&self, known: &Known) -> anyhow::Result<PathBuf> {
        let dir = self.work_dir.join(format!("edition-{}", known.number));
        let digest = known.digest.clone();
        if Manifest::of(&dir).is_ok_and(|found| found.is_some_and(|found| found.digest() == digest)) {
            return Ok(dir);
        }
        let bytes = self.channel.read(&known.whole_name(), &known.whole).await?;
        let room = dir.clone();
        spawn_blocking(move || -> anyhow::Result<()> {
            clear(&room)?;
            fs::create_dir_all(&room)?;
            edition::read_whole(&bytes[..], &digest, &room).map(drop)
        })
        .await?
        .context("cannot bring the edition before back from the repository")?;
        Ok(dir)
    }

    /// Keeps the folder that became edition `number`, and none of those before.
    fn keep(&self, made_dir: &Path, number: u64) -> anyhow::Result<()> {
        let kept = self.work_dir.join(format!("edition-{number}"));
        clear(&kept)?;
        fs::rename(made_dir, &kept).with_context(|| format!("cannot keep `{}`", kept.display()))?;
        for entry in fs::read_dir(&self.work_dir)?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("edition-") && entry.path() != kept {
                clear(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// What a folder of lists came to.
enum Made {
    Refused(Box<Report>),
    Edition(Box<Edition>),
}

struct Edition {
    manifest: Manifest,
    report: Report,
    dir: PathBuf,
    whole: Bytes,
    difference: Option<Bytes>,
}

/// Builds table, edition and difference in the folder of work.
fn make(work_dir: &Path, folder: &Path, options: &Options, before: Option<&Path>) -> anyhow::Result<Made> {
    fs::create_dir_all(work_dir).with_context(|| format!("cannot make `{}`", work_dir.display()))?;
    let report = lists::build(folder, &work_dir.join(TABLE), options)?;
    if !report.refusals.is_empty() {
        return Ok(Made::Refused(Box::new(report)));
    }
    let dir = work_dir.join("being-made");
    clear(&dir)?;
    let manifest = edition::gather(folder, &dir)?;
    let mut whole = Vec::new();
    edition::write_whole(&dir, &mut whole)?;
    let difference = match before {
        Some(before) => {
            let mut bytes = Vec::new();
            edition::write_difference(before, &dir, &mut bytes)?;
            // A change of nearly everything is fetched as a whole.
            Some(bytes).filter(|bytes| bytes.len() < whole.len()).map(Bytes::from)
        }
        None => None,
    };
    ensure!(dir.is_dir(), "the edition that was made is gone");
    Ok(Made::Edition(Box::new(Edition { manifest, report, dir, whole: Bytes::from(whole), difference })))
}

async fn enter(write: &mut Write, known: &Known) -> anyhow::Result<()> {
    let sql =
        "INSERT INTO edition (number, at, date, digest, names, whole_sha256, whole_length, difference_sha256,
        difference_length) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let difference = known.difference.as_ref();
    let length = difference.map(|stored| i64::try_from(stored.length)).transpose()?;
    let values: [Value; 9] = [
        i64::try_from(known.number)?.into(),
        known.at.unix_milliseconds().into(),
        known.date.as_str().into(),
        known.digest.as_str().into(),
        i64::try_from(known.names)?.into(),
        known.whole.sha256.as_slice().into(),
        i64::try_from(known.whole.length)?.into(),
        difference.map(|stored| stored.sha256.as_slice()).into(),
        length.into(),
    ];
    write
        .execute(sql, &values)
        .await
        .context("cannot enter the edition; was another one added meanwhile?")?;
    Ok(())
}

async fn place(write: &mut Write, name: &str, stored: &Stored) -> anyhow::Result<()> {
    Channel::place(write, Whose::Everyone, Role::Lists, name, stored).await
}

fn clear(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot clear `{}`", dir.display()))
        }
        _ => Ok(()),
    }
}
