//! Reads the head of a site's response as far as its end must be found, so that the next request can follow it.
//!
//! As strict as with requests where two readings are possible: the client's browser might take the other one. What is
//! refused is answered to the client with 502.

use super::{
    HeadError, Version,
    body::Framing,
    fields::{Field, Hop, decimal, head_bytes, split_head, write_head},
};

/// The longest head of a response, in bytes: sites that set many cookies pass 16 KiB.
pub(super) const BYTES_MAX: usize = 64 * 1024;

/// The most fields of a response.
const FIELDS_MAX: usize = 200;

/// The head of a response that has exactly one reading.
#[derive(Debug)]
pub(super) struct ResponseHead<'a> {
    /// Three digits, 100 to 599.
    pub(super) status: u16,
    /// How its body is delimited.
    pub(super) framing: Framing,
    version: Version,
    reason: &'a [u8],
    fields: Vec<Field<'a>>,
    hop: Hop,
}

/// Reads the head that `bytes` begins with, of a response to a request with `method`; none while it is not all there.
pub(super) fn read_response<'a>(
    bytes: &'a [u8],
    method: &str,
) -> Result<Option<(ResponseHead<'a>, usize)>, HeadError> {
    let Some(length) = head_bytes(bytes, BYTES_MAX)? else { return Ok(None) };
    let (start_line, fields) = split_head(&bytes[..length], FIELDS_MAX)?;
    let (version, status, reason) = status_line(start_line)?;
    let framing = framing(&fields, version, status, method)?;
    let hop = Hop::read(&fields)?;
    Ok(Some((ResponseHead { status, framing, version, reason, fields, hop }, length)))
}

impl ResponseHead<'_> {
    /// Whether another response follows this one.
    pub(super) fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// Whether the site sends no further response on its connection.
    pub(super) fn is_last(&self) -> bool {
        self.hop.close || self.version == Version::Http10 || self.framing == Framing::UntilClose
    }

    /// The head as it is passed on to the client, whose connection ends after it when `close`.
    pub(super) fn forwarded(&self, close: bool) -> Vec<u8> {
        let mut start_line = format!("HTTP/1.1 {} ", self.status).into_bytes();
        start_line.extend_from_slice(self.reason);
        write_head(&start_line, &self.fields, &self.hop, close)
    }
}

/// `HTTP/1.x SP status [SP reason]`; many servers leave out the last space.
fn status_line(line: &[u8]) -> Result<(Version, u16, &[u8]), HeadError> {
    let (version, rest) = match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1', b' ', rest @ ..] => (Version::Http11, rest),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0', b' ', rest @ ..] => (Version::Http10, rest),
        _ => return Err(HeadError::StartLine),
    };
    let (digits, reason) = rest.split_at_checked(3).ok_or(HeadError::StartLine)?;
    let status = decimal(digits).and_then(|status| u16::try_from(status).ok()).ok_or(HeadError::StartLine)?;
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] => reason,
        _ => return Err(HeadError::StartLine),
    };
    let clean = !reason.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    // A protocol nobody asked for: Upgrade is never passed on.
    if !(100..=599).contains(&status) || status == 101 || !clean {
        return Err(HeadError::StartLine);
    }
    Ok((version, status, reason))
}

/// RFC 9112 section 6.3, in its order.
fn framing(fields: &[Field<'_>], version: Version, status: u16, method: &str) -> Result<Framing, HeadError> {
    let mut lengths = fields.iter().filter(|field| field.is("content-length"));
    let mut codings = fields.iter().filter(|field| field.is("transfer-encoding"));
    let (length, coding) = (lengths.next(), codings.next());
    if length.is_some() && coding.is_some() {
        return Err(HeadError::LengthCount);
    }
    let framing = match (length, coding) {
        (None, None) => Framing::UntilClose,
        (Some(length), _) => {
            // Some servers say the same length twice; a proxy may pass it on if it is one number.
            if lengths.any(|other| other.value != length.value) {
                return Err(HeadError::LengthCount);
            }
            Framing::Length(decimal(length.value).ok_or(HeadError::Length)?)
        }
        (None, Some(coding)) => {
            let chunked = coding.value.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            if !chunked || version == Version::Http10 {
                return Err(HeadError::Coding);
            }
            Framing::Chunked
        }
    };
    let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
    Ok(if bodiless { Framing::Nothing } else { framing })
}
