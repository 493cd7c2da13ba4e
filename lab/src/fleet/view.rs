//! What a simulated box fetches of the view it was told of: timestamp, snapshot, the policy role and its index.

use anyhow::Context as _;
use preau::{
    model::Uai,
    protocol::{index, names},
};
use serde_json::Value;

use super::connection::Connection;

/// The number of the policy that the view of `school` names; 0 where it names none. No signature is checked.
pub(super) async fn policy(connection: &mut Connection, school: &str) -> anyhow::Result<u64> {
    let school = Uai::new(school).context("a school's code is malformed")?;
    let metadata = format!("/v1/repository/{}", names::metadata_dir(&school));
    let timestamp = json(connection, &format!("{metadata}/timestamp.json")).await?;
    let snapshot = version(&timestamp, "snapshot.json")?;
    let snapshot = json(connection, &format!("{metadata}/{snapshot}.snapshot.json")).await?;
    let role = version(&snapshot, "policy.json")?;
    let role = json(connection, &format!("{metadata}/{role}.policy.json")).await?;
    let name = names::policy_index(&school);
    let Some(target) = role.get("signed").and_then(|signed| signed.get("targets")?.get(&name)) else {
        return Ok(0);
    };
    let sha256 = target.get("hashes").and_then(|hashes| hashes.get("sha256")?.as_str());
    let sha256 = sha256.context("the index has no digest")?;
    let (dir, file) = name.rsplit_once('/').context("the index has no directory")?;
    let path = format!("/v1/repository/{}/{dir}/{sha256}.{file}", names::TARGETS_DIR);
    let policy: index::Policy = serde_json::from_slice(&connection.get(&path).await?)?;
    Ok(policy.number)
}

async fn json(connection: &mut Connection, path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&connection.get(path).await?)?)
}

fn version(metadata: &Value, name: &str) -> anyhow::Result<u64> {
    let version = metadata.get("signed").and_then(|signed| signed.get("meta")?.get(name)?.get("version"));
    version.and_then(Value::as_u64).with_context(|| format!("the metadata does not name `{name}`"))
}
