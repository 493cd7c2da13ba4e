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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_response_is_found_as_rfc_9112_says() {
        for (method, head, framing) in [
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Framing::Length(5)),
            ("GET", "HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 5\r\n", Framing::Length(5)),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n", Framing::Chunked),
            ("GET", "HTTP/1.1 200 OK\r\n", Framing::UntilClose),
            ("GET", "HTTP/1.0 200 OK\r\n", Framing::UntilClose),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Framing::Nothing),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", Framing::Nothing),
            ("GET", "HTTP/1.1 100 Continue\r\n", Framing::Nothing),
            ("GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n", Framing::Nothing),
            ("GET", "HTTP/1.1 204 No Content\r\n", Framing::Nothing),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", Framing::Nothing),
        ] {
            let text = format!("{head}\r\n");
            let read = read_response(text.as_bytes(), method).unwrap().unwrap();
            assert_eq!((read.0.framing, read.1), (framing, text.len()), "{method} {head:?}");
        }
    }

    #[test]
    fn what_a_browser_could_read_differently_is_refused() {
        for head in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
            "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n",
            "HTTP/1.1 200 OK\r\nX : y\r\n",
            "HTTP/1.1 200 O\0K\r\n",
            "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1 20 OK\r\n",
            "HTTP/1.1 099 OK\r\n",
            "HTTP/1.1  200 OK\r\n",
            "HTTP/2.0 200 OK\r\n",
            "ICY 200 OK\r\n",
        ] {
            assert!(read_response(format!("{head}\r\n").as_bytes(), "GET").is_err(), "{head:?}");
        }
    }

    #[test]
    fn a_response_passed_on_speaks_for_this_hop() {
        let text =
            "HTTP/1.0 200 Tout va bien\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nSet-Cookie: a\r\n\r\n";
        let (head, _) = read_response(text.as_bytes(), "GET").unwrap().unwrap();
        assert!(head.is_last());
        assert_eq!(
            head.forwarded(true),
            b"HTTP/1.1 200 Tout va bien\r\nSet-Cookie: a\r\nConnection: close\r\n\r\n"
        );
    }
}
