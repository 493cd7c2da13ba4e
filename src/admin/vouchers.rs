//! Visitors' vouchers: issued in batches, printed once, withdrawn one by one or together.
//!
//! Only digests of the codes are on disk. The codes themselves are in memory for ten minutes, for the one who issued them
//! to print; after that nobody can read them any more, and a lost sheet is a batch to withdraw and issue anew.
//!
//! The holder of the third voucher of batch 12 is the account `voucher:12:3`: the connection record names it, and the
//! trail says who issued batch 12. Numbers of batches are never given twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use thiserror::Error;

use super::{Act, Granted, OneLine, Store, store::Traced};
use crate::{
    identity::{Identity, Voucher, VoucherCode, VoucherDigest},
    model::{Account, AccountId, Moment, Role},
};

/// The vouchers on disk. A batch stays for a week after its end, so that the list still says what was.
pub(super) const TABLES: &str = "CREATE TABLE voucher_batch (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        label TEXT NOT NULL,
        wifi TEXT,
        issued_at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        machines_max INTEGER NOT NULL CHECK (machines_max BETWEEN 1 AND 3)
    ) STRICT;
    CREATE TABLE voucher (
        batch INTEGER NOT NULL REFERENCES voucher_batch (number),
        number INTEGER NOT NULL,
        code BLOB NOT NULL UNIQUE CHECK (length(code) = 32),
        PRIMARY KEY (batch, number)
    ) STRICT, WITHOUT ROWID;";

/// How long the codes of a batch can be printed.
const PRINTABLE: Duration = Duration::from_secs(10 * 60);

/// How long a batch is listed after its end.
const LISTED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Vouchers that are good at once: more visitors than a zone has addresses.
const VOUCHERS_MAX: u32 = 1000;

/// What is to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What the vouchers are for.
    pub label: OneLine,
    /// The name of the Wi-Fi network that the cards show, if any.
    pub wifi: Option<OneLine>,
    /// How many, 1 to [`Issue::COUNT_MAX`].
    pub count: u8,
    /// When they end: later than now, at most [`Issue::LIFETIME_MAX`] later.
    pub until: Moment,
    /// Machines that one voucher signs in at once, 1 to [`Issue::MACHINES_MAX`].
    pub machines_max: u8,
}

impl Issue {
    /// Vouchers of a batch at most: a conference, six sheets.
    pub const COUNT_MAX: u8 = 60;
    /// Machines of a voucher at most: telephone, tablet, computer.
    pub const MACHINES_MAX: u8 = 3;
    /// How long a voucher may be good: who stays longer gets an account.
    pub const LIFETIME_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
}

/// A batch as pages list it; never with codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub number: i64,
    /// What it is for.
    pub label: String,
    /// The name of the Wi-Fi network that its cards show.
    pub wifi: Option<String>,
    /// When it was issued.
    pub issued_at: Moment,
    /// When it ends.
    pub until: Moment,
    /// Machines that one voucher signs in at once.
    pub machines_max: u8,
    /// The numbers of its vouchers that are not withdrawn, rising.
    pub numbers: Vec<u8>,
}

/// The codes of a batch, to be printed.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The batch's number.
    pub batch: i64,
    /// What was issued.
    pub issue: Issue,
    /// Until when the sheet can be printed.
    pub printable_until: Moment,
    /// The vouchers.
    pub codes: Vec<SheetCode>,
}

/// One card of a sheet.
#[derive(Clone, Debug)]
pub struct SheetCode {
    /// The voucher's number in its batch.
    pub number: u8,
    /// Its code.
    pub code: VoucherCode,
}

/// Why vouchers are not issued or withdrawn.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VoucherRefusal {
    /// Their count, end or machines are out of bounds.
    #[error("count, end or machines are out of bounds")]
    OutOfBounds,
    /// As many are good already as the box holds.
    #[error("there are too many vouchers")]
    TooMany,
    /// There is no such batch or voucher, or somebody withdrew it meanwhile.
    #[error("there is no such voucher")]
    Unknown,
}

/// The vouchers. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Vouchers {
    store: Store,
    identity: Identity,
    /// What can still be printed, by batch, with who issued it.
    sheets: Arc<Mutex<HashMap<i64, (AccountId, Sheet)>>>,
}

impl Vouchers {
    /// The vouchers in `store`, put into force in `identity`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(store: Store, identity: Identity) -> anyhow::Result<Self> {
        let holders = store.read_at_start(holders)?;
        identity.replace_vouchers(holders);
        Ok(Self { store, identity, sheets: Arc::default() })
    }

    /// Issues a batch; when this returns its vouchers are on disk and in force, and [`Vouchers::sheet`] has their codes.
    /// Gives the batch's number.
    ///
    /// # Errors
    /// When the disk refuses, or the system has no randomness.
    pub async fn issue(
        &self,
        granted: &Granted,
        issue: Issue,
        now: Moment,
    ) -> anyhow::Result<Result<i64, VoucherRefusal>> {
        granted.is_for(Act::KeepVouchers)?;
        let Issue { label: _, wifi: _, count, until, machines_max } = &issue;
        let fits = (1..=Issue::COUNT_MAX).contains(count)
            && (1..=Issue::MACHINES_MAX).contains(machines_max)
            && now < *until
            && until.since(now) <= Issue::LIFETIME_MAX;
        if !fits {
            return Ok(Err(VoucherRefusal::OutOfBounds));
        }
        let mut codes = Vec::new();
        for number in 1..=*count {
            let code = VoucherCode::random().context("the system has no randomness")?;
            codes.push(SheetCode { number, code });
        }
        let digests: Vec<_> = codes.iter().map(|card| (card.number, card.code.digest())).collect();
        let written = issue.clone();
        let too_old = self.store.too_old(now, LISTED);
        let decided = self.store.act_and_tell(granted, now, move |on| {
            forget_before(on, too_old)?;
            write_batch(on, &written, &digests, now)
        });
        let Ok(batch) = self.publish(decided.await?).await? else { return Ok(Err(VoucherRefusal::TooMany)) };
        let sheet = Sheet { batch, issue, printable_until: now + PRINTABLE, codes };
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.retain(|_, (_, sheet)| now < sheet.printable_until);
        sheets.insert(batch, (granted.account().id.clone(), sheet));
        Ok(Ok(batch))
    }

    /// The codes of `batch`, for the one who issued it, within ten minutes.
    ///
    /// # Errors
    /// When something else was granted.
    pub fn sheet(&self, granted: &Granted, batch: i64, now: Moment) -> anyhow::Result<Option<Sheet>> {
        granted.is_for(Act::KeepVouchers)?;
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.retain(|_, (_, sheet)| now < sheet.printable_until);
        let sheet = sheets.get(&batch).filter(|(issuer, _)| *issuer == granted.account().id);
        Ok(sheet.map(|(_, sheet)| sheet.clone()))
    }

    /// Withdraws a voucher of `batch`, or all of them without a `number`: sessions begun with them end.
    ///
    /// # Errors
    /// When the disk refuses. That there is none is a value.
    pub async fn withdraw(
        &self,
        granted: &Granted,
        batch: i64,
        number: Option<u8>,
        now: Moment,
    ) -> anyhow::Result<Result<(), VoucherRefusal>> {
        granted.is_for(Act::KeepVouchers)?;
        let decided = self.store.act_and_tell(granted, now, move |on| {
            let label: Option<String> = on
                .query_row("SELECT label FROM voucher_batch WHERE number = ?1", [batch], |row| row.get(0))
                .optional()?;
            let Some(label) = label else { return Ok(Err(VoucherRefusal::Unknown)) };
            let count = on.execute(
                "DELETE FROM voucher WHERE batch = ?1 AND (?2 IS NULL OR number = ?2)",
                params![batch, number],
            )?;
            if count == 0 {
                return Ok(Err(VoucherRefusal::Unknown));
            }
            let what = match number {
                Some(number) => format!("retire le code {number} du lot {batch} (« {label} »)"),
                None => format!("retire le lot {batch} (« {label} »), {count} codes"),
            };
            Ok(Ok(Traced { result: (), what }))
        });
        let decided = self.publish(decided.await?).await?;
        if decided.is_ok() {
            let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, sheet)) = sheets.get_mut(&batch) {
                sheet.codes.retain(|card| number.is_some_and(|number| card.number != number));
            }
            sheets.retain(|_, (_, sheet)| !sheet.codes.is_empty());
        }
        Ok(decided)
    }

    /// The batches, the latest first; ended ones for a week more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn batches(&self, now: Moment) -> anyhow::Result<Vec<Batch>> {
        self.store.read(move |on| batches(on, now)).await
    }

    async fn publish<T>(
        &self,
        decided: Result<T, VoucherRefusal>,
    ) -> anyhow::Result<Result<T, VoucherRefusal>> {
        if decided.is_ok() {
            let identity = self.identity.clone();
            // Within the reading, so that of two acts at once the later one's state is what stays.
            self.store
                .read(move |on| {
                    identity.replace_vouchers(holders(on)?);
                    Ok(())
                })
                .await?;
        }
        Ok(decided)
    }
}

impl Batch {
    /// The account of the holder of voucher `number`.
    #[must_use]
    pub fn holder(&self, number: u8) -> AccountId {
        holder(self.number, number)
    }
}

fn holder(batch: i64, number: u8) -> AccountId {
    AccountId::new(&format!("voucher:{batch}:{number}"))
}

fn write_batch(
    on: &Transaction<'_>,
    issue: &Issue,
    digests: &[(u8, VoucherDigest)],
    now: Moment,
) -> rusqlite::Result<Result<Traced<i64>, VoucherRefusal>> {
    let Issue { label, wifi, count, until, machines_max } = issue;
    let good: u32 = on.query_row(
        "SELECT count(*) FROM voucher JOIN voucher_batch ON batch = voucher_batch.number WHERE until > ?1",
        [now.unix_milliseconds()],
        |row| row.get(0),
    )?;
    if good + u32::from(*count) > VOUCHERS_MAX {
        return Ok(Err(VoucherRefusal::TooMany));
    }
    on.execute(
        "INSERT INTO voucher_batch (label, wifi, issued_at, until, machines_max) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            label.as_str(),
            wifi.as_ref().map(OneLine::as_str),
            now.unix_milliseconds(),
            until.unix_milliseconds(),
            machines_max
        ],
    )?;
    let batch = on.last_insert_rowid();
    for (number, code) in digests {
        on.execute(
            "INSERT INTO voucher (batch, number, code) VALUES (?1, ?2, ?3)",
            params![batch, number, code.bytes()],
        )?;
    }
    let what = format!("émet le lot {batch} (« {label} »), {count} codes, jusqu’au {}", told(*until));
    Ok(Ok(Traced { result: batch, what }))
}

/// A moment as the trail says it, by the clocks of metropolitan France.
fn told(moment: Moment) -> String {
    let there = jiff::Timestamp::from_millisecond(moment.unix_milliseconds())
        .and_then(|timestamp| Ok(timestamp.to_zoned(jiff::tz::TimeZone::get("Europe/Paris")?)));
    there.map_or_else(|_| moment.to_string(), |there| there.strftime("%d/%m/%Y %H:%M").to_string())
}

/// Removes the batches that ended before `oldest`.
fn forget_before(on: &Transaction<'_>, oldest: Moment) -> rusqlite::Result<()> {
    let oldest = oldest.unix_milliseconds();
    let old = "SELECT number FROM voucher_batch WHERE until < ?1";
    on.execute(&format!("DELETE FROM voucher WHERE batch IN ({old})"), [oldest])?;
    on.execute("DELETE FROM voucher_batch WHERE until < ?1", [oldest]).map(drop)
}

/// The vouchers as sign-in needs them; whether one has ended is for sign-in to see, with the clock of that moment.
fn holders(on: &Connection) -> rusqlite::Result<Vec<Voucher>> {
    let mut query = on.prepare(
        "SELECT batch, voucher.number, label, code, until, machines_max
         FROM voucher JOIN voucher_batch ON batch = voucher_batch.number",
    )?;
    let rows = query.query_map([], |row| {
        let (batch, number, label): (i64, u8, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Voucher {
            account: Account {
                id: holder(batch, number),
                display_name: format!("Visiteur {label} {number}"),
                role: Role::Invite,
                classes: Vec::new(),
            },
            code: VoucherDigest::from_bytes(row.get(3)?),
            until: Moment::from_unix_milliseconds(row.get(4)?),
            machines_max: row.get(5)?,
        })
    })?;
    rows.collect()
}

fn batches(on: &Connection, now: Moment) -> rusqlite::Result<Vec<Batch>> {
    let mut numbers: HashMap<i64, Vec<u8>> = HashMap::new();
    let mut query = on.prepare("SELECT batch, number FROM voucher ORDER BY batch, number")?;
    for row in query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (batch, number) = row?;
        numbers.entry(batch).or_default().push(number);
    }
    let mut query = on.prepare(
        "SELECT number, label, wifi, issued_at, until, machines_max FROM voucher_batch
         WHERE until >= ?1 ORDER BY number DESC",
    )?;
    let rows = query.query_map([(now - LISTED).unix_milliseconds()], |row| {
        let number = row.get(0)?;
        Ok(Batch {
            number,
            label: row.get(1)?,
            wifi: row.get(2)?,
            issued_at: Moment::from_unix_milliseconds(row.get(3)?),
            until: Moment::from_unix_milliseconds(row.get(4)?),
            machines_max: row.get(5)?,
            numbers: numbers.remove(&number).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::test_office::{Office, granted_to};

    const HOUR: Duration = Duration::from_secs(3600);

    fn issue(count: u8, until: Moment) -> Issue {
        let label = OneLine::read("Réunion des parents").unwrap();
        Issue { label, wifi: None, count, until, machines_max: 1 }
    }

    #[tokio::test]
    async fn an_issued_voucher_has_a_holder_at_once_and_after_a_restart_until_it_is_withdrawn() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::KeepVouchers);
        let now = office.now();
        let vouchers = Vouchers::open(office.store(), office.identity.clone()).unwrap();
        let batch = vouchers.issue(&granted, issue(3, now + HOUR), now).await.unwrap().unwrap();
        let name = |identity: &Identity, number| {
            identity.account(&holder(batch, number)).map(|account| account.display_name.clone())
        };
        assert_eq!(name(&office.identity, 3).as_deref(), Some("Visiteur Réunion des parents 3"));
        drop(vouchers);
        let (office, identity) = office.restarted();
        let vouchers = Vouchers::open(office.store(), identity.clone()).unwrap();
        assert!(name(&identity, 1).is_some());
        vouchers.withdraw(&granted, batch, Some(1), now).await.unwrap().unwrap();
        assert_eq!((name(&identity, 1), name(&identity, 2).is_some()), (None, true));
        assert_eq!(vouchers.batches(now).await.unwrap()[0].numbers, [2, 3]);
        vouchers.withdraw(&granted, batch, None, now).await.unwrap().unwrap();
        assert_eq!(name(&identity, 2), None);
        for number in [None, Some(2)] {
            let again = vouchers.withdraw(&granted, batch, number, now).await.unwrap();
            assert_eq!(again, Err(VoucherRefusal::Unknown));
        }
        let told: Vec<_> = office.store().done(9).await.unwrap().into_iter().map(|done| done.what).collect();
        assert_eq!(
            told,
            [
                "retire le lot 1 (« Réunion des parents »), 2 codes",
                "retire le code 1 du lot 1 (« Réunion des parents »)",
                "émet le lot 1 (« Réunion des parents »), 3 codes, jusqu’au 15/01/2027 10:00",
            ]
        );
    }

    #[tokio::test]
    async fn codes_are_read_for_ten_minutes_by_who_issued_them_and_are_nowhere_on_disk() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::KeepVouchers);
        let now = office.now();
        let vouchers = Vouchers::open(office.store(), office.identity.clone()).unwrap();
        let batch = vouchers.issue(&granted, issue(60, now + HOUR), now).await.unwrap().unwrap();
        let sheet =
            vouchers.sheet(&granted, batch, now + PRINTABLE - Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(sheet.codes.len(), 60);
        for entry in std::fs::read_dir(office.school.dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for card in &sheet.codes {
                let text = card.code.text();
                assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
            }
        }
        let mut other = (**granted.account()).clone();
        other.id = AccountId::new("P2");
        let other = crate::admin::may(&crate::admin::Actor(Arc::new(other)), Act::KeepVouchers).unwrap();
        assert!(vouchers.sheet(&other, batch, now).unwrap().is_none());
        vouchers.withdraw(&granted, batch, Some(7), now).await.unwrap().unwrap();
        assert_eq!(vouchers.sheet(&granted, batch, now).unwrap().unwrap().codes.len(), 59);
        assert!(vouchers.sheet(&granted, batch, now + PRINTABLE).unwrap().is_none());
        assert!(vouchers.sheet(&granted, batch, now).unwrap().is_none(), "it is forgotten, not hidden");
    }

    #[tokio::test]
    async fn what_is_out_of_bounds_is_not_issued_and_ended_batches_go_after_a_week() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::KeepVouchers);
        let now = office.now();
        let vouchers = Vouchers::open(office.store(), office.identity.clone()).unwrap();
        let wrong = [
            issue(0, now + HOUR),
            issue(61, now + HOUR),
            issue(1, now),
            issue(1, now + Issue::LIFETIME_MAX + HOUR),
            Issue { machines_max: 0, ..issue(1, now + HOUR) },
            Issue { machines_max: 4, ..issue(1, now + HOUR) },
        ];
        for issue in wrong {
            let refused = vouchers.issue(&granted, issue.clone(), now).await.unwrap();
            assert_eq!(refused, Err(VoucherRefusal::OutOfBounds), "{issue:?}");
        }
        for _ in 0..16 {
            vouchers.issue(&granted, issue(60, now + HOUR), now).await.unwrap().unwrap();
        }
        let refused = vouchers.issue(&granted, issue(60, now + HOUR), now).await.unwrap();
        assert_eq!(refused, Err(VoucherRefusal::TooMany));
        let later = now + LISTED + HOUR + HOUR;
        assert_eq!(vouchers.batches(later).await.unwrap(), []);
        let batch = vouchers.issue(&granted, issue(1, later + HOUR), later).await.unwrap().unwrap();
        assert_eq!(batch, 17, "a number is never given twice");
        assert!(office.identity.account(&holder(1, 1)).is_none());
    }
}
