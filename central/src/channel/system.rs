//! Targets of the role `system`, which is signed off line: images of the boxes' system.

use std::{collections::HashMap, path::PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use preau::protocol::names::Role;
use tough::schema::{Signed, Targets};

use super::{
    Channel, Stored,
    ceremony::{SYSTEM_KEYS, keep_signed},
    keys, metadata,
    metadata::{ROLE_LASTS, Written},
    renew,
    targets::{EVERYONE, check_name, mark_all_due},
    views,
};

impl Channel {
    /// Stores `bytes` as the target `name` and signs it into the role `system` with the keys that lie in `offline_dirs`.
    ///
    /// # Errors
    /// When fewer than two of the system's keys were brought, or the name is not one of the system's.
    pub async fn add_to_system(
        &self,
        name: &str,
        bytes: Bytes,
        offline_dirs: &[PathBuf],
    ) -> anyhow::Result<Stored> {
        check_name(Role::System, name)?;
        let signers = keys::brought(offline_dirs, &SYSTEM_KEYS)?;
        let stored = self.store(name, bytes).await?;
        let length = i64::try_from(stored.length)?;
        let now = self.clock.now();
        let mut write = self.database.write().await?;
        let before = views::signed_off_line(&mut write, "system").await?;
        let mut system: Signed<Targets> = renew::read(&before)?;
        let version = before.version + 1;
        system.signed.version = metadata::version(version)?;
        system.signed.expires = metadata::expiry(now, ROLE_LASTS)?;
        system.signed.targets.extend(HashMap::from([metadata::target(name, &stored.sha256, length)?]));
        let bytes = metadata::sign(&system.signed, &signers.iter().collect::<Vec<_>>())?;
        let file = Written { role: "system".to_owned(), version, bytes };
        let delegations: Signed<Targets> =
            renew::read(&views::signed_off_line(&mut write, "targets").await?)?;
        let delegations = delegations.signed.delegations.context("the delegations are missing")?;
        let signed: Signed<Targets> = renew::read(&file)?;
        delegations.verify_role(&signed, "system").context("too few of the system's keys were brought")?;
        keep_signed(&mut write, &file, now).await?;
        let sql = "UPDATE channel_stored SET unneeded = NULL WHERE name = $1 AND sha256 = $2";
        write.execute(sql, &[name.into(), stored.sha256.as_slice().into()]).await?;
        let sql = "INSERT INTO channel_target (whose, role, name, sha256, length) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (whose, role, name) DO UPDATE SET sha256 = excluded.sha256, length = excluded.length";
        let sha256 = stored.sha256.as_slice();
        let role = Role::System.word();
        let values = [EVERYONE.into(), role.into(), name.into(), sha256.into(), length.into()];
        write.execute(sql, &values).await?;
        mark_all_due(&mut write).await?;
        write.commit().await?;
        Ok(stored)
    }
}
