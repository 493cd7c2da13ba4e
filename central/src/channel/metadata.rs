//! Signed metadata: TUF's forms from `tough`, in canonical JSON, signed with Ed25519.
//!
//! ```text
//! {"signatures":[{"keyid":"…","sig":"…"}],"signed":{"_type":"timestamp",…}}
//! ```
//!
//! Keys of an object stand in order and nothing is between them, so the same content always has the same bytes.

use std::{collections::HashMap, num::NonZeroU64, time::Duration};

use anyhow::Context as _;
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::Ed25519KeyPair,
};
use preau::model::Moment;
use tough::{
    TargetName,
    schema::{
        Hashes, Metafile, Role, RoleKeys, Signature, Snapshot, Target, Targets, Timestamp,
        decoded::{Decoded, Encode as _, Hex},
        key::Key,
    },
    sign::Sign,
};

/// The version of the TUF specification that is followed.
pub(super) const SPEC_VERSION: &str = "1.0.31";

/// How long a root counts: until the next key ceremony.
pub(super) const ROOT_LASTS: Duration = days(3 * 365);

/// How long a snapshot, the targets and the delegated roles count: over a summer, and a school that was closed for one.
pub(super) const ROLE_LASTS: Duration = days(400);

/// How long a timestamp counts.
pub(super) const TIMESTAMP_LASTS: Duration = days(100);

/// A number of days.
pub(super) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

/// One key that signs.
#[derive(Debug)]
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    key: Key,
    id: Decoded<Hex>,
}

/// A metadata file, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The role, as the file's name has it: `timestamp`, `policy`.
    pub(super) role: String,
    /// Its version.
    pub(super) version: i64,
    /// The file.
    pub(super) bytes: Vec<u8>,
}

impl Signer {
    /// The key in PKCS#8, as `keys` reads and makes it.
    pub(super) fn new(pkcs8: &[u8]) -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok().context("this is no Ed25519 key in PKCS#8")?;
        let key = pair.tuf_key();
        let id = key.key_id().context("cannot name the key")?;
        Ok(Self { pair, key, id })
    }

    /// Its public half.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Its name in the metadata: the digest of its public half.
    pub(super) fn id(&self) -> &Decoded<Hex> {
        &self.id
    }

    /// Its name as text.
    pub(super) fn id_text(&self) -> String {
        Hex::encode(&self.id)
    }
}

impl Written {
    /// Its name in the directory of a view. Only the timestamp has none of its version in it (specification 6.2.1).
    pub(super) fn name(&self) -> String {
        format!("{}.{}.json", self.version, self.role)
    }

    /// What a snapshot or timestamp says of it.
    pub(super) fn described(&self) -> anyhow::Result<(String, Metafile)> {
        let meta = Metafile {
            length: Some(u64::try_from(self.bytes.len())?),
            hashes: Some(hashes(sha256(&self.bytes))),
            version: version(self.version)?,
            _extra: HashMap::new(),
        };
        Ok((format!("{}.json", self.role), meta))
    }
}

/// Signs `role` with each of `signers`.
pub(super) fn sign<R: Role>(role: &R, signers: &[&Signer]) -> anyhow::Result<Vec<u8>> {
    let form = role.canonical_form().context("cannot write metadata")?;
    let signature = |signer: &&Signer| Signature {
        keyid: signer.id.clone(),
        sig: signer.pair.sign(&form).as_ref().to_vec().into(),
    };
    let signatures = signers.iter().map(signature).collect::<Vec<_>>();
    let signatures = serde_json::to_vec(&signatures).context("cannot write signatures")?;
    Ok([&b"{\"signatures\":"[..], &signatures, b",\"signed\":", &form, b"}"].concat())
}

/// The file of a delegated role with `targets`: name, digest and length of each.
pub(super) fn delegated(
    role: &str,
    number: i64,
    now: Moment,
    targets: impl IntoIterator<Item = anyhow::Result<(TargetName, Target)>>,
    signers: &[&Signer],
) -> anyhow::Result<Written> {
    let signed = Targets {
        spec_version: SPEC_VERSION.to_owned(),
        version: version(number)?,
        expires: expiry(now, ROLE_LASTS)?,
        targets: targets.into_iter().collect::<anyhow::Result<_>>()?,
        delegations: None,
        _extra: HashMap::new(),
    };
    Ok(Written { role: role.to_owned(), version: number, bytes: sign(&signed, signers)? })
}

/// The snapshot that names each of `roles`.
pub(super) fn snapshot<'a>(
    number: i64,
    now: Moment,
    roles: impl IntoIterator<Item = &'a Written>,
    signer: &Signer,
) -> anyhow::Result<Written> {
    let mut signed = Snapshot::new(SPEC_VERSION.to_owned(), version(number)?, expiry(now, ROLE_LASTS)?);
    signed.meta = roles.into_iter().map(Written::described).collect::<anyhow::Result<_>>()?;
    Ok(Written { role: "snapshot".to_owned(), version: number, bytes: sign(&signed, &[signer])? })
}

/// The timestamp that names `snapshot`, of the same version as it.
pub(super) fn timestamp(now: Moment, snapshot: &Written, signer: &Signer) -> anyhow::Result<Vec<u8>> {
    let number = version(snapshot.version)?;
    let mut signed = Timestamp::new(SPEC_VERSION.to_owned(), number, expiry(now, TIMESTAMP_LASTS)?);
    signed.meta = HashMap::from([snapshot.described()?]);
    sign(&signed, &[signer])
}

/// One target of a role.
pub(super) fn target(name: &str, digest: &[u8], length: i64) -> anyhow::Result<(TargetName, Target)> {
    let target = Target {
        length: u64::try_from(length)?,
        hashes: hashes(digest.to_vec()),
        custom: HashMap::new(),
        _extra: HashMap::new(),
    };
    Ok((TargetName::new(name)?, target))
}

/// The keys of a role, `threshold` of which must sign.
pub(super) fn role_keys(signers: &[&Signer], threshold: u64) -> anyhow::Result<RoleKeys> {
    Ok(RoleKeys {
        keyids: signers.iter().map(|signer| signer.id.clone()).collect(),
        threshold: NonZeroU64::new(threshold).context("a threshold of nobody")?,
        _extra: HashMap::new(),
    })
}

/// A version, which is greater than zero.
pub(super) fn version(number: i64) -> anyhow::Result<NonZeroU64> {
    u64::try_from(number).ok().and_then(NonZeroU64::new).context("a version is less than one")
}

/// When something of `now` ends that lasts so long, in whole seconds.
pub(super) fn expiry(now: Moment, lasts: Duration) -> anyhow::Result<jiff::Timestamp> {
    jiff::Timestamp::from_second((now + lasts).unix_seconds()).context("the clock is beyond all calendars")
}

/// SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn hashes(sha256: Vec<u8>) -> Hashes {
    Hashes { sha256: sha256.into(), _extra: HashMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_bytes_and_tough_verifies_them() {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let signer = Signer::new(pkcs8.as_ref()).unwrap();
        let targets = || (0..50).map(|n| target(&format!("policy/{n}.toml"), &[7; 32], n));
        let at = Moment::from_unix_seconds(1_790_000_000);
        let one = delegated("policy", 3, at, targets(), &[&signer]).unwrap();
        assert_eq!(one, delegated("policy", 3, at, targets(), &[&signer]).unwrap());
        assert_eq!(one.name(), "3.policy.json");
        let read: tough::schema::Signed<Targets> = serde_json::from_slice(&one.bytes).unwrap();
        assert_eq!(read.signed.targets.len(), 50);
        let delegations = tough::schema::Delegations {
            keys: HashMap::from([(signer.id().clone(), signer.key().clone())]),
            roles: vec![tough::schema::DelegatedRole {
                name: "policy".into(),
                keyids: vec![signer.id().clone()],
                threshold: NonZeroU64::MIN,
                paths: tough::schema::PathSet::Paths(vec![]),
                terminating: true,
                targets: None,
            }],
        };
        delegations.verify_role(&read, "policy").unwrap();
    }
}
