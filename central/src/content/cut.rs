//! A package cut where its content says (FastCDC), so that what is the same in the next version has the same pieces, wherever
//! it then lies.

use std::{fs::File, io, path::Path};

use anyhow::Context as _;
use bytes::Bytes;
use fastcdc::v2020::StreamCDC;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use preau::protocol::{
    chunks::{Chunk, PIECE_BYTES_MAX, PIECES_MAX},
    content::chunk_path,
};
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::bucket::Bucket;

/// The shortest piece but for the last one, in bytes.
const PIECE_BYTES_MIN: usize = 16 << 10;

/// The usual piece, in bytes: a change of one page costs about this much, compressed.
const PIECE_BYTES: usize = 64 << 10;

/// How hard pieces are compressed: once here, for thousands of lines.
const LEVEL: i32 = 9;

/// Pieces that are put into the repository at once.
const AT_ONCE: usize = 8;

/// A package that was cut.
pub(super) struct Cut {
    /// Its pieces, in order.
    pub(super) chunks: Vec<Chunk>,
    /// How long it is, in bytes.
    pub(super) bytes: u64,
    /// BLAKE3 of it.
    pub(super) digest: blake3::Hash,
}

/// Cuts the package at `path` and puts its pieces into the repository.
///
/// # Errors
/// When the package cannot be read, is too long, or the repository does not take it.
pub(super) async fn cut(path: &Path, bucket: &Bucket) -> anyhow::Result<Cut> {
    let (sender, receiver) = mpsc::channel::<(Chunk, Bytes)>(AT_ONCE);
    let path = path.to_owned();
    let cutting = spawn_blocking(move || pieces(&path, &sender));
    let coming =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let put = coming.map(|(chunk, sent)| async move { bucket.put_new(&chunk_path(&chunk.sent), sent).await });
    let put = put.buffer_unordered(AT_ONCE).try_collect::<()>().await;
    // A repository that refuses says more than a reader whom nobody listens to any more.
    put?;
    cutting.await?
}

fn pieces(path: &Path, put: &mpsc::Sender<(Chunk, Bytes)>) -> anyhow::Result<Cut> {
    let context = || format!("cannot read `{}`", path.display());
    let file = io::BufReader::new(File::open(path).with_context(context)?);
    let most = usize::try_from(PIECE_BYTES_MAX)?;
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    let (mut chunks, mut bytes, mut hasher) = (Vec::new(), 0, blake3::Hasher::new());
    for piece in StreamCDC::new(file, PIECE_BYTES_MIN, PIECE_BYTES, most) {
        let piece = piece.map_err(|error| anyhow::anyhow!("{error}")).with_context(context)?.data;
        anyhow::ensure!(chunks.len() < PIECES_MAX, "the package has more than {PIECES_MAX} pieces");
        let sent = packer.compress(&piece)?;
        let chunk = Chunk {
            length: u32::try_from(piece.len())?,
            sent_length: u32::try_from(sent.len())?,
            plain: blake3::hash(&piece),
            sent: blake3::hash(&sent),
        };
        hasher.update(&piece);
        bytes += u64::from(chunk.length);
        chunks.push(chunk);
        put.blocking_send((chunk, Bytes::from(sent))).context("the repository takes no more pieces")?;
    }
    Ok(Cut { chunks, bytes, digest: hasher.finalize() })
}
