//! A central that was restored from a backup: boxes know versions of their views that it never gave, and refuse, as they
//! must, to go back. Mending sets the counters above what was seen, and publishes again.

use std::collections::HashMap;

use anyhow::Context as _;
use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{Role, metadata_dir},
};
use tough::schema::{Root, Signed, Snapshot, Timestamp};

use super::{
    Channel, ceremony::keep_signed, metadata::Written, objects::Objects, renew, targets::mark_all_due, views,
};
use crate::{
    audit::{self, Who},
    database::Write,
    words::Place,
};

/// How many versions a box may be ahead: one that says more says nothing that ever was, and counts for nothing.
const AHEAD_MAX: i64 = 1_000_000;

impl Channel {
    /// Takes in which version of its view each school's box has reported, and says which are higher than all this central
    /// has given, the school with the version. Until [`Channel::mend`], nothing more is published for these.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn behind(&self, reported: &[(Uai, u64)]) -> anyhow::Result<Vec<(Uai, u64)>> {
        let rows = self.database.read("SELECT school, version, seen_version FROM channel_view", &[]).await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in &rows {
            known.insert(row.text(0)?, (row.integer(1)?, row.integer(2)?));
        }
        let (mut behind, mut unknown) = (Vec::new(), Vec::new());
        for (school, seen) in reported {
            let Some((given, marked)) = known.get(school.as_str()) else { continue };
            let seen_there = i64::try_from(*seen).unwrap_or(i64::MAX);
            if !(1..=AHEAD_MAX).contains(&seen_there.saturating_sub(*given)) {
                continue;
            }
            behind.push((school.clone(), *seen));
            if seen_there > *marked {
                unknown.push((school, seen_there));
            }
        }
        if !unknown.is_empty() {
            let mut write = self.database.write().await?;
            for (school, seen) in unknown {
                views::mark_seen(&mut write, school, seen).await?;
            }
            write.commit().await?;
        }
        Ok(behind)
    }

    /// Sets every counter above what was seen, takes over from the repository what was signed off line since the backup, and
    /// makes every view due. Says for how many views something was seen that this central had not given.
    ///
    /// # Errors
    /// When the database or the bucket cannot be reached.
    pub async fn mend(&self) -> anyhow::Result<u64> {
        let rows = self.database.read("SELECT school FROM channel_view ORDER BY school", &[]).await?;
        let mut found = Vec::new();
        for row in &rows {
            let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
            if let Some(timestamp) = read::<Timestamp>(&self.objects, &school, "timestamp.json").await? {
                found.push((school, i64::try_from(timestamp.signed.version.get())?));
            }
        }
        let mut write = self.database.write().await?;
        for (school, version) in &found {
            views::mark_seen(&mut write, school, *version).await?;
        }
        let sql = "SELECT school, seen_version FROM channel_view WHERE seen_version > version";
        let behind = write.read(sql, &[]).await?;
        for row in &behind {
            let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
            self.take_over(&mut write, &school).await?;
        }
        let sql = "UPDATE channel_view SET version = seen_version
            WHERE seen_version > version";
        let mended = write.execute(sql, &[]).await?;
        if mended > 0 {
            // Theirs are counted by the clock, which no backup sets back.
            let sql = "UPDATE channel_role SET wish = wish + 1 WHERE whose = ''";
            write.execute(sql, &[]).await?;
            mark_all_due(&mut write).await?;
            let text = format!("{mended} views were behind what was seen");
            let (at, place) = (self.clock.now(), Some(&Place::Academie));
            audit::note(&mut write, at, &Who::Central, "mend", place, &text).await?;
        }
        write.commit().await?;
        Ok(mended)
    }

    /// Takes over what a view in the bucket has of later versions: roots, delegations, the system's targets, each verified;
    /// and the counters of the roles that all views share.
    async fn take_over(&self, write: &mut Write, school: &Uai) -> anyhow::Result<()> {
        let mut roots = views::roots(write).await?;
        while let Some(last) = roots.last() {
            let next = last.version + 1;
            let Some(bytes) = self.view_file(school, &format!("{next}.root.json")).await? else { break };
            let root = Written { role: "root".to_owned(), version: next, bytes: bytes.to_vec() };
            let (before, after): (Signed<Root>, Signed<Root>) = (renew::read(last)?, renew::read(&root)?);
            before.signed.verify_role(&after).context("a root in the repository is not signed by ours")?;
            after.signed.verify_role(&after).context("a root in the repository is not signed by itself")?;
            let sql = "INSERT INTO channel_root (version, signed) VALUES ($1, $2)";
            write.execute(sql, &[next.into(), root.bytes.as_slice().into()]).await?;
            roots.push(root);
        }
        let Some(timestamp) = read::<Timestamp>(&self.objects, school, "timestamp.json").await? else {
            return Ok(());
        };
        let Some(described) = timestamp.signed.meta.get("snapshot.json") else { return Ok(()) };
        let name = format!("{}.snapshot.json", described.version);
        let Some(snapshot) = read::<Snapshot>(&self.objects, school, &name).await? else { return Ok(()) };
        let root: Signed<Root> = renew::read(roots.last().context("there is no root of trust")?)?;
        root.signed.verify_role(&snapshot).context("a snapshot in the repository is not signed by us")?;
        for role in ["targets", Role::System.word(), Role::Lists.word(), Role::Content.word()] {
            let Some(described) = snapshot.signed.meta.get(&format!("{role}.json")) else { continue };
            self.take_over_role(write, school, role, i64::try_from(described.version.get())?).await?;
        }
        renew::verify(write).await
    }

    async fn take_over_role(
        &self,
        write: &mut Write,
        school: &Uai,
        role: &str,
        version: i64,
    ) -> anyhow::Result<()> {
        let sql = "UPDATE channel_role SET version = $2, wish = wish + 1
            WHERE whose = '' AND role = $1 AND version < $2";
        let later = write.execute(sql, &[role.into(), version.into()]).await?;
        if later == 0 || ![Role::System.word(), "targets"].contains(&role) {
            return Ok(());
        }
        // Who signed it is verified once all is taken over; until then nothing is committed.
        let file = self.view_file(school, &format!("{version}.{role}.json")).await?;
        let bytes = file.context("the repository lacks a file that its snapshot names")?;
        let written = Written { role: role.to_owned(), version, bytes: bytes.to_vec() };
        keep_signed(write, &written, self.clock.now()).await
    }

    async fn view_file(&self, school: &Uai, name: &str) -> anyhow::Result<Option<Bytes>> {
        let read = self.objects.read(&format!("{}/{name}", metadata_dir(school))).await?;
        Ok(read.map(|(bytes, _)| bytes))
    }
}

/// A file of a view in the bucket; none where it is not there or cannot be read.
async fn read<T>(objects: &Objects, school: &Uai, name: &str) -> anyhow::Result<Option<Signed<T>>>
where
    T: serde::de::DeserializeOwned,
{
    let read = objects.read(&format!("{}/{name}", metadata_dir(school))).await?;
    Ok(read.and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok()))
}
