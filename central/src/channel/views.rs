//! Views that are due: taken by lease, their roles signed, marked when they are published. All of it in the database; what
//! is taken is one value that [`publish`](super::publish) then writes into the bucket.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use preau::{
    model::{Moment, Uai},
    protocol::names::Role,
};
use tough::schema::{RoleType, Root, Signed, Targets};

use super::{
    keys::OnLine,
    metadata::{self, Signer, Written, days},
    targets::{EVERYONE, OF_A_SCHOOL, SHARED},
};
use crate::database::{Database, Row, Write};

/// How long a publisher has a view for itself: a batch takes some seconds. One that fails or dies leaves it until then.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// After how long a view that did not change is signed again; five days more for some, so that not all come at once.
const RENEWED_AFTER: Duration = days(25);
const RENEWAL_SPREAD_DAYS: u32 = 6;

/// After how long a role that did not change is signed again.
const ROLE_RENEWED_AFTER: Duration = days(200);

/// How a view stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewStanding {
    /// The version that was last published; 0 before the first.
    pub version: i64,
    /// Whether something was placed or removed that is not in it.
    pub due: bool,
    /// When what is in it was taken from the database; 1970 before the first.
    pub published: Moment,
    /// A version that somebody has seen and that is higher than all this central has given: it was restored from a backup.
    pub behind: Option<i64>,
}

/// A view that was taken, with all it takes to write it.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) school: Uai,
    /// The number of this publication.
    pub(super) version: i64,
    /// When it was taken.
    pub(super) at: Moment,
    wish: i64,
    pub(super) roots: Arc<Vec<Written>>,
    pub(super) roles: Vec<Arc<Written>>,
    /// The files of the publication before.
    pub(super) files: BTreeSet<String>,
}

/// What came of writing a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is published, with these files.
    Published(BTreeSet<String>),
    /// The bucket has that version, which is not lower.
    Overtaken(i64),
}

/// Whether a view is due.
pub(super) async fn any_due(database: &Database, now: Moment) -> anyhow::Result<bool> {
    let sql = "SELECT 1 AS due FROM channel_view WHERE due_at <= $1 AND seen_version <= version LIMIT 1";
    Ok(!database.read(sql, &[now.unix_milliseconds().into()]).await?.is_empty())
}

/// Takes views that are due, `limit` at most.
pub(super) async fn claim(
    write: &mut Write,
    keys: &OnLine,
    now: Moment,
    limit: i64,
) -> anyhow::Result<Vec<Claim>> {
    let sql = "SELECT school, wish, version, published_version, files FROM channel_view
        WHERE due_at <= $1 AND seen_version <= version ORDER BY due_at, school LIMIT $2";
    let due = write.read(sql, &[now.unix_milliseconds().into(), limit.into()]).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let roots = Arc::new(roots(write).await?);
    let shared = shared_roles(write, keys, now).await?;
    let mut claims = Vec::with_capacity(due.len());
    for row in &due {
        claims.push(claim_one(write, keys, now, row, &roots, &shared).await?);
    }
    Ok(claims)
}

async fn claim_one(
    write: &mut Write,
    keys: &OnLine,
    now: Moment,
    row: &Row,
    roots: &Arc<Vec<Written>>,
    shared: &[Arc<Written>],
) -> anyhow::Result<Claim> {
    let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
    let (wish, before) = (row.integer(1)?, row.integer(2)?);
    let version = before + 1;
    // The publication before was cut short. What it left in the bucket is never relied upon: all is signed anew, with
    // a number of its own.
    let cut_short = before != row.integer(3)?;
    let mut roles = shared.to_vec();
    for role in OF_A_SCHOOL {
        let signing = Signing { keys, now, again: cut_short, version };
        roles.push(Arc::new(signing.role(write, school.as_str(), role).await?));
    }
    if cut_short {
        leave(write, &school, &format!("{before}.snapshot.json"), now).await?;
    }
    let sql = "UPDATE channel_view SET version = $2, due_at = $3 WHERE school = $1";
    let until = (now + LEASE).unix_milliseconds();
    write.execute(sql, &[school.as_str().into(), version.into(), until.into()]).await?;
    let files = row.text(4)?.split_whitespace().map(str::to_owned).collect();
    Ok(Claim { school, version, at: now, wish, roots: Arc::clone(roots), roles, files })
}

/// The roles that all views share: signed off line, or once by whoever first takes a view after they changed.
async fn shared_roles(write: &mut Write, keys: &OnLine, now: Moment) -> anyhow::Result<Vec<Arc<Written>>> {
    let mut roles = Vec::new();
    for name in ["targets", Role::System.word()] {
        roles.push(Arc::new(signed_off_line(write, name).await?));
    }
    for role in SHARED {
        let signing = Signing { keys, now, again: false, version: now.unix_milliseconds() };
        roles.push(Arc::new(signing.role(write, EVERYONE, role).await?));
    }
    Ok(roles)
}

/// How a role is signed where it is not already.
struct Signing<'a> {
    keys: &'a OnLine,
    now: Moment,
    /// Whether it is signed though nothing changed.
    again: bool,
    /// The version it gets then, or one more than it had.
    version: i64,
}

impl Signing<'_> {
    async fn role(&self, write: &mut Write, owner: &str, role: Role) -> anyhow::Result<Written> {
        let signer = self.keys.of(role.word())?;
        let sql = "SELECT wish, done, version, key, signed_at, signed FROM channel_role
            WHERE whose = $1 AND role = $2";
        let rows = write.read(sql, &[owner.into(), role.word().into()]).await?;
        let row = rows.first().with_context(|| format!("the role `{}` is missing", role.word()))?;
        let (wish, version) = (row.integer(0)?, row.integer(2)?);
        let lasts_until = Moment::from_unix_milliseconds(row.integer(4)?) + ROLE_RENEWED_AFTER;
        let stands = wish == row.integer(1)?
            && row.text(3)? == signer.id_text()
            && self.now < lasts_until
            && !self.again;
        if stands {
            return Ok(Written { role: role.word().to_owned(), version, bytes: row.bytes(5)?.to_vec() });
        }
        if let Some(school) = Uai::new(owner)
            && version > 0
        {
            let old = Written { role: role.word().to_owned(), version, bytes: Vec::new() };
            leave(write, &school, &old.name(), self.now).await?;
        }
        let written = self.sign(write, owner, role, self.version.max(version + 1), signer).await?;
        let sql = "UPDATE channel_role SET done = $3, version = $4, key = $5, signed_at = $6, signed = $7
            WHERE whose = $1 AND role = $2";
        let values = [
            owner.into(),
            role.word().into(),
            wish.into(),
            written.version.into(),
            signer.id_text().into(),
            self.now.unix_milliseconds().into(),
            written.bytes.as_slice().into(),
        ];
        write.execute(sql, &values).await?;
        Ok(written)
    }

    async fn sign(
        &self,
        write: &mut Write,
        owner: &str,
        role: Role,
        version: i64,
        signer: &Signer,
    ) -> anyhow::Result<Written> {
        // A school's own comes after everyone's of the same name, and counts.
        let sql = "SELECT name, sha256, length FROM channel_target WHERE role = $1 AND whose IN ('', $2)
            ORDER BY whose, name";
        let rows = write.read(sql, &[role.word().into(), owner.into()]).await?;
        let targets = rows.iter().map(|row| metadata::target(row.text(0)?, row.bytes(1)?, row.integer(2)?));
        metadata::delegated(role.word(), version, self.now, targets, &[signer])
    }
}

/// Keeps in the database what came of writing a view.
pub(super) async fn mark(write: &mut Write, claim: &Claim, outcome: &Outcome) -> anyhow::Result<()> {
    let school = claim.school.as_str();
    let files = match outcome {
        Outcome::Published(files) => files,
        Outcome::Overtaken(seen) => return mark_seen(write, &claim.school, *seen).await,
    };
    let sql = "UPDATE channel_view SET done = $2, published_version = $3, published_at = $4, files = $5
        WHERE school = $1 AND published_version < $3";
    let text = files.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let at = claim.at.unix_milliseconds();
    let values = [school.into(), claim.wish.into(), claim.version.into(), at.into(), text.into()];
    if write.execute(sql, &values).await? == 0 {
        return Ok(());
    }
    // What was placed since keeps it due.
    let sql = "UPDATE channel_view SET due_at = $2 WHERE school = $1 AND wish = done AND version = $3";
    let renewal = (claim.at + RENEWED_AFTER + spread(&claim.school)).unix_milliseconds();
    write.execute(sql, &[school.into(), renewal.into(), claim.version.into()]).await?;
    for file in claim.files.difference(files) {
        leave(write, &claim.school, file, claim.at).await?;
    }
    write.signal(format!("published/{school}"));
    Ok(())
}

/// Keeps that version `seen` of a view is somewhere; where it is higher than all that were given, nothing more is published
/// until the counter is set above it.
pub(super) async fn mark_seen(write: &mut Write, school: &Uai, seen: i64) -> anyhow::Result<()> {
    let sql =
        "UPDATE channel_view SET seen_version = $2 WHERE school = $1 AND version < $2 AND seen_version < $2";
    if write.execute(sql, &[school.as_str().into(), seen.into()]).await? > 0 {
        tracing::error!(
            "a view was published beyond what this database knows: it was restored from a backup; run `preau-central channel mend`"
        );
    }
    Ok(())
}

/// Enters a file of a view that nothing names any more.
async fn leave(write: &mut Write, school: &Uai, file: &str, now: Moment) -> anyhow::Result<()> {
    let sql = "INSERT INTO channel_old (school, file, since) VALUES ($1, $2, $3)
        ON CONFLICT (school, file) DO NOTHING";
    write.execute(sql, &[school.as_str().into(), file.into(), now.unix_milliseconds().into()]).await?;
    Ok(())
}

/// How the view of `school` stands.
pub(super) async fn standing(database: &Database, school: &Uai) -> anyhow::Result<Option<ViewStanding>> {
    let sql = "SELECT published_version, wish, done, published_at, version, seen_version FROM channel_view
        WHERE school = $1";
    let rows = database.read(sql, &[school.as_str().into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let seen = row.integer(5)?;
    Ok(Some(ViewStanding {
        version: row.integer(0)?,
        due: row.integer(1)? != row.integer(2)?,
        published: Moment::from_unix_milliseconds(row.integer(3)?),
        behind: (seen > row.integer(4)?).then_some(seen),
    }))
}

/// The version that is published of the view of `school`, or of every view.
pub(super) async fn published(database: &Database, school: Option<&Uai>) -> anyhow::Result<Vec<(Uai, u64)>> {
    let sql = "SELECT school, published_version FROM channel_view";
    let rows = match school {
        Some(school) => database.read(&format!("{sql} WHERE school = $1"), &[school.as_str().into()]).await?,
        None => database.read(sql, &[]).await?,
    };
    let version = |row: &Row| {
        let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
        Ok((school, u64::try_from(row.integer(1)?)?))
    };
    rows.iter().map(version).collect()
}

/// Every root, from the first on.
pub(super) async fn roots(write: &mut Write) -> anyhow::Result<Vec<Written>> {
    let rows = write.read("SELECT version, signed FROM channel_root ORDER BY version", &[]).await?;
    let root = |row: &Row| {
        Ok(Written { role: "root".to_owned(), version: row.integer(0)?, bytes: row.bytes(1)?.to_vec() })
    };
    rows.iter().map(root).collect()
}

/// The file of a role that is signed off line.
pub(super) async fn signed_off_line(write: &mut Write, role: &str) -> anyhow::Result<Written> {
    let sql = "SELECT version, signed FROM channel_role WHERE whose = '' AND role = $1";
    let rows = write.read(sql, &[role.into()]).await?;
    let row = rows.first().with_context(|| format!("the role `{role}` is missing"))?;
    Ok(Written { role: role.to_owned(), version: row.integer(0)?, bytes: row.bytes(1)?.to_vec() })
}

/// Sees to it that the keys on line are those that the last root and the delegations name.
pub(super) async fn check_keys(write: &mut Write, keys: &OnLine) -> anyhow::Result<()> {
    let roots = roots(write).await?;
    let last = roots.last().context("there is no root of trust")?;
    let root: Signed<Root> = serde_json::from_slice(&last.bytes).context("cannot read the last root")?;
    for (role, name) in [(RoleType::Snapshot, "snapshot"), (RoleType::Timestamp, "timestamp")] {
        let known = root.signed.keys(role).any(|key| keys.of(name).is_ok_and(|signer| signer.key() == key));
        ensure!(known, "the key of `{name}` in the folder of keys is not the one the root names");
    }
    let targets = signed_off_line(write, "targets").await?;
    let targets: Signed<Targets> =
        serde_json::from_slice(&targets.bytes).context("cannot read the delegations")?;
    let delegations = targets.signed.delegations.context("the delegations are missing")?;
    for role in &delegations.roles {
        let Ok(signer) = keys.of(&role.name) else { continue };
        ensure!(
            role.keyids.contains(signer.id()),
            "the key of `{}` in the folder of keys is not the one the delegations name",
            role.name
        );
    }
    Ok(())
}

/// Some days, always the same for a school.
fn spread(school: &Uai) -> Duration {
    let sum = school.as_str().bytes().map(u32::from).fold(0_u32, |sum, byte| sum.wrapping_mul(31) + byte);
    days(u64::from(sum % RENEWAL_SPREAD_DAYS))
}
