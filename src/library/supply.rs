//! Where packages come from: the catalogue, and whoever fetches what it names.

use std::{fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::protocol::{chunks::Chunk, content::Catalogue};

/// Fetches the list of pieces that the role `content` signed for as a target of this name. The file stays for a while.
type FetchList = dyn Fn(String) -> BoxFuture<'static, anyhow::Result<PathBuf>> + Send + Sync;

/// Fetches what is sent of a piece, when the line may be taken for it. What comes back has the digest of the list.
type FetchChunk = dyn Fn(Chunk) -> BoxFuture<'static, anyhow::Result<Bytes>> + Send + Sync;

/// Where packages come from. Cloning is cheap.
#[derive(Clone)]
pub struct Supply {
    /// What there is.
    pub catalogue: Arc<Catalogue>,
    /// Fetches a list of pieces.
    pub fetch_list: Arc<FetchList>,
    /// Fetches a piece.
    pub fetch_chunk: Arc<FetchChunk>,
}

impl fmt::Debug for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supply").field("packages", &self.catalogue.packages.len()).finish_non_exhaustive()
    }
}
