//! One view written into the bucket: what the timestamp leads to first, the timestamp last.

use std::collections::BTreeSet;

use anyhow::Context as _;
use bytes::Bytes;
use preau::protocol::names::metadata_dir;
use tough::schema::{Signed, Timestamp};

use super::{
    keys::OnLine,
    metadata,
    objects::Objects,
    views::{Claim, Outcome},
};
use crate::bucket::Replaced;

/// How often another may come between before this publisher gives up.
const TRIES: usize = 4;

/// Writes the view of `claim`.
pub(super) async fn publish(objects: &Objects, keys: &OnLine, claim: &Claim) -> anyhow::Result<Outcome> {
    let dir = metadata_dir(&claim.school);
    let timestamp_name = format!("{dir}/timestamp.json");
    let mut before = objects.read(&timestamp_name).await?;
    if let Some(seen) = overtaken(before.as_ref().map(|(bytes, _)| bytes), claim.version)? {
        return Ok(Outcome::Overtaken(seen));
    }
    let roles = claim.roles.iter().map(AsRef::as_ref);
    let snapshot = metadata::snapshot(claim.version, claim.at, roles.clone(), keys.of("snapshot")?)?;
    let mut files = BTreeSet::new();
    for file in claim.roots.iter().chain(roles).chain([&snapshot]) {
        let name = file.name();
        if !claim.files.contains(&name) {
            let bytes = Bytes::from(file.bytes.clone());
            objects.put_new(&format!("{dir}/{name}"), bytes).await.context("cannot write a view")?;
        }
        files.insert(name);
    }
    let timestamp = Bytes::from(metadata::timestamp(claim.at, &snapshot, keys.of("timestamp")?)?);
    for _ in 0..TRIES {
        let tag = before.as_ref().map(|(_, tag)| tag);
        match objects.replace(&timestamp_name, timestamp.clone(), tag).await? {
            Replaced::Done => return Ok(Outcome::Published(files)),
            Replaced::Changed => before = objects.read(&timestamp_name).await?,
        }
        if let Some(seen) = overtaken(before.as_ref().map(|(bytes, _)| bytes), claim.version)? {
            return Ok(Outcome::Overtaken(seen));
        }
    }
    anyhow::bail!("the timestamp of a view changes all the time")
}

/// The version of the timestamp that is there, where it is not lower than ours.
fn overtaken(timestamp: Option<&Bytes>, ours: i64) -> anyhow::Result<Option<i64>> {
    let Some(bytes) = timestamp else { return Ok(None) };
    // One that cannot be read is damaged, and is replaced.
    let Ok(there) = serde_json::from_slice::<Signed<Timestamp>>(bytes) else { return Ok(None) };
    let there = i64::try_from(there.signed.version.get())?;
    Ok((there >= ours).then_some(there))
}
