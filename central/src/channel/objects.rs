//! What is written into the bucket, and where.

use bytes::Bytes;
use tough::schema::decoded::{Encode as _, Hex};

use crate::bucket::{Bucket, Replaced, Streamed, Tag};

/// The bucket, as the channel uses it.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    bucket: Bucket,
    /// How many more writes succeed before the publisher is dead.
    #[cfg(test)]
    pub(super) writes_left: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
}

impl Objects {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            #[cfg(test)]
            writes_left: None,
        }
    }

    /// Puts an object that never changes again; the same content twice is no error.
    pub(super) async fn put_new(&self, name: &str, bytes: Bytes) -> anyhow::Result<()> {
        self.count()?;
        self.bucket.put_new(name, bytes).await
    }

    /// Replaces an object if it still is what was read.
    pub(super) async fn replace(
        &self,
        name: &str,
        bytes: Bytes,
        before: Option<&Tag>,
    ) -> anyhow::Result<Replaced> {
        self.count()?;
        self.bucket.replace(name, bytes, before).await
    }

    /// Reads an object.
    pub(super) async fn read(&self, name: &str) -> anyhow::Result<Option<(Bytes, Tag)>> {
        self.bucket.read(name).await
    }

    /// An object as a stream.
    pub(super) async fn stream(&self, name: &str) -> anyhow::Result<Option<Streamed>> {
        self.bucket.stream(name, 0).await
    }

    /// Removes an object; one that is not there is no error.
    pub(super) async fn remove(&self, name: &str) -> anyhow::Result<()> {
        self.count()?;
        self.bucket.remove(name).await
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "in tests it counts")]
    fn count(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn count(&self) -> anyhow::Result<()> {
        use std::sync::atomic::Ordering;
        let Some(left) = &self.writes_left else { return Ok(()) };
        anyhow::ensure!(left.fetch_sub(1, Ordering::SeqCst) > 0, "killed here");
        Ok(())
    }
}

/// The object with a target's bytes: its digest stands before the last part of its name (specification 6.2.2).
pub(super) fn target_object(name: &str, sha256: &[u8]) -> String {
    let digest = Hex::encode(sha256);
    match name.rsplit_once('/') {
        Some((dir, last)) => format!("{}/{dir}/{digest}.{last}", preau::protocol::names::TARGETS_DIR),
        None => format!("{}/{digest}.{name}", preau::protocol::names::TARGETS_DIR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_stands_before_the_last_part_of_the_name() {
        let object = target_object("schools/0809999Z/policy.json", &[0xab; 2]);
        assert_eq!(object, "targets/schools/0809999Z/abab.policy.json");
    }
}
