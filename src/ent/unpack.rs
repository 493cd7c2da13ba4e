//! A page that came packed by gzip (RFC 1952), unpacked as it goes out, so that something can be put behind it.
//!
//! The browser would have unpacked it as well; here it costs no more memory than what one kilobyte of it becomes, a megabyte
//! at most, whatever somebody packed.

use std::{
    io::Write as _,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use flate2::write::GzDecoder;
use hyper::body::Body as _;

use super::body::{Body, CutShort};

/// How much of what is packed is unpacked at once, in bytes; no packing makes more than 1032 times less of it.
const STEP_BYTES: usize = 1 << 10;

/// The longest page, unpacked, in bytes; what goes on is cut short.
const PAGE_BYTES_MAX: usize = 32 << 20;

/// What is left of a page to unpack.
#[derive(Debug)]
pub(super) struct Unpacking {
    packed: Body,
    came: Bytes,
    /// None once the end of what is packed was reached.
    decoder: Option<GzDecoder<Vec<u8>>>,
    sent: usize,
}

impl Unpacking {
    /// Unpacks `packed`.
    pub(super) fn of(packed: Body) -> Self {
        Self { packed, came: Bytes::new(), decoder: Some(GzDecoder::new(Vec::new())), sent: 0 }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, CutShort>>> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Poll::Ready(None) };
            if self.came.is_empty() {
                match ready!(Pin::new(&mut self.packed).poll_frame(context)) {
                    Some(Ok(frame)) => self.came = frame.into_data().unwrap_or_default(),
                    Some(Err(cut)) => return Poll::Ready(Some(Err(cut))),
                    None => {
                        let rest = self.decoder.take().and_then(|decoder| decoder.finish().ok());
                        let Some(rest) = rest.filter(|rest| self.sent + rest.len() <= PAGE_BYTES_MAX) else {
                            return Poll::Ready(Some(Err(CutShort)));
                        };
                        return Poll::Ready((!rest.is_empty()).then(|| Ok(Bytes::from(rest))));
                    }
                }
                continue;
            }
            let step = self.came.len().min(STEP_BYTES);
            match decoder.write(self.came.get(..step).unwrap_or_default()) {
                // Nothing is taken any more: what stands behind the end of what is packed is nobody's.
                Ok(0) => self.came.clear(),
                Ok(taken) => self.came.advance(taken),
                Err(_) => return Poll::Ready(Some(Err(CutShort))),
            }
            let bytes = std::mem::take(decoder.get_mut());
            self.sent += bytes.len();
            if self.sent > PAGE_BYTES_MAX {
                self.decoder = None;
                return Poll::Ready(Some(Err(CutShort)));
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Bytes::from(bytes))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use http_body_util::BodyExt as _;

    use super::*;

    fn packed(page: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(page).unwrap();
        encoder.finish().unwrap()
    }

    async fn unpacked(bytes: Vec<u8>) -> Result<Bytes, CutShort> {
        let body = Body::from_bytes(Bytes::from(bytes)).unpacked().followed_by(Bytes::from_static(b"!"));
        Ok(body.collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn a_page_comes_out_as_it_went_in_and_what_follows_is_behind_it() {
        for page in [String::new(), "<p>Volcans</p>".to_owned(), "0123456789abcdef".repeat(40_000)] {
            let came = unpacked(packed(page.as_bytes())).await.unwrap();
            assert!(came == format!("{page}!"), "{} bytes", page.len());
        }
    }

    #[tokio::test]
    async fn what_is_damaged_cut_or_endless_is_cut_short() {
        let whole = packed("un volcan de Sicile ".repeat(500).as_bytes());
        for length in 1..whole.len() {
            assert!(unpacked(whole[..length].to_vec()).await.is_err(), "{length}");
        }
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(unpacked(damaged).await.is_err());
        assert!(unpacked(packed(&vec![0; PAGE_BYTES_MAX + 1])).await.is_err());
    }
}
