//! What the académie has, for tests: packages cut into pieces, and a line that can be cut.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, bail};
use bytes::Bytes;

use super::Supply;
use crate::protocol::{
    chunks::{self, Chunk},
    content::{Approval, Catalogue, Kind, Package, VERSION, chunk_list},
};

/// How long a piece is here: what cuts real packages is the académie's.
pub(super) const PIECE: usize = 1000;

/// What the académie has: lists and pieces, and how often pieces were asked for.
#[derive(Default)]
pub(crate) struct Depot {
    dir: Option<tempfile::TempDir>,
    pub(super) pieces: Mutex<HashMap<blake3::Hash, Bytes>>,
    pub(super) asked: AtomicU64,
    /// After so many pieces the line is cut.
    pub(super) line: AtomicU64,
}

impl Depot {
    /// From here on nothing can be fetched.
    pub(crate) fn cut(&self) {
        self.line.store(0, Ordering::SeqCst);
    }

    pub(crate) fn new() -> Arc<Self> {
        let dir = Some(tempfile::tempdir().unwrap());
        Arc::new(Self { dir, line: AtomicU64::new(u64::MAX), ..Self::default() })
    }

    pub(super) fn list_path(&self, name: &str) -> PathBuf {
        self.dir.as_ref().unwrap().path().join(name.replace('/', "-"))
    }

    /// Takes `content` as a package.
    pub(crate) fn add(&self, id: &str, version: u64, kind: Kind, content: &[u8]) -> Package {
        let list: Vec<Chunk> = content
            .chunks(PIECE)
            .map(|piece| {
                let sent = zstd::bulk::compress(piece, 3).unwrap();
                let chunk = Chunk {
                    length: u32::try_from(piece.len()).unwrap(),
                    sent_length: u32::try_from(sent.len()).unwrap(),
                    plain: blake3::hash(piece),
                    sent: blake3::hash(&sent),
                };
                self.pieces.lock().unwrap().insert(chunk.sent, Bytes::from(sent));
                chunk
            })
            .collect();
        let chunks = chunk_list(id, version);
        fs::write(self.list_path(&chunks), chunks::write(&list)).unwrap();
        Package {
            id: id.to_owned(),
            version,
            title: id.to_owned(),
            description: String::new(),
            subjects: Vec::new(),
            cycles: vec![3],
            kind,
            licence: "CC BY 4.0".to_owned(),
            bytes: u64::try_from(content.len()).unwrap(),
            digest: blake3::hash(content).to_hex().to_string(),
            chunks,
            approved: Some(Approval { by: "Comité".to_owned(), date: "2026-11-20".to_owned() }),
        }
    }

    pub(crate) fn supply(self: &Arc<Self>, packages: Vec<Package>) -> Supply {
        let (lists, pieces) = (Arc::clone(self), Arc::clone(self));
        Supply {
            catalogue: Arc::new(Catalogue { version: VERSION, packages }),
            fetch_list: Arc::new(move |name| {
                let path = lists.list_path(&name);
                Box::pin(async move { Ok(path) })
            }),
            fetch_chunk: Arc::new(move |chunk| {
                let depot = Arc::clone(&pieces);
                Box::pin(async move {
                    if depot.asked.fetch_add(1, Ordering::SeqCst) >= depot.line.load(Ordering::SeqCst) {
                        bail!("the line is cut");
                    }
                    depot.pieces.lock().unwrap().get(&chunk.sent).cloned().context("no such piece")
                })
            }),
        }
    }
}
