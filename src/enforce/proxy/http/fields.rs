//! Field lines: the part that the heads of requests and of responses, and trailers, have in common (RFC 9112 section 5).
//!
//! Lines end in CRLF and in nothing else. RFC 9112 section 2.2 lets a recipient take a bare LF for a line's end, and a
//! bare CR for a space; whoever reads it the other way sees another request, so both are refused.

use super::HeadError;

/// One field line. Its value has no white space around it and no control character but tabs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as it was written; compare it without regard to case.
    pub name: &'a str,
    /// The value; bytes above 127 have no agreed meaning.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether this is the field called `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The members of a comma-separated value, without the white space around them, empty ones left out.
    pub(super) fn members(&self) -> impl Iterator<Item = &[u8]> {
        self.value.split(|byte| *byte == b',').map(trim_blanks).filter(|member| !member.is_empty())
    }
}

/// The length of the head that `bytes` begins with, its empty line included, when it has arrived.
///
/// # Errors
/// At the first line end that is none, and when there are `bytes_max` bytes without an end.
pub(super) fn head_bytes(bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, HeadError> {
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let end = start + length;
        let Some(line) = bytes[start..end].strip_suffix(b"\r") else { return Err(HeadError::BareLf) };
        if line.contains(&b'\r') {
            return Err(HeadError::BareCr);
        }
        if line.is_empty() {
            return if end < bytes_max { Ok(Some(end + 1)) } else { Err(HeadError::TooLong) };
        }
        start = end + 1;
    }
    if bytes[start..].iter().rev().skip(1).any(|byte| *byte == b'\r') {
        return Err(HeadError::BareCr);
    }
    if bytes.len() >= bytes_max { Err(HeadError::TooLong) } else { Ok(None) }
}

/// The start line and the fields of a whole head.
pub(super) fn split_head(head: &[u8], fields_max: usize) -> Result<(&[u8], Vec<Field<'_>>), HeadError> {
    let mut lines = Lines(head);
    let start_line = lines.next().unwrap_or_default();
    let mut fields = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if fields.len() == fields_max {
            return Err(HeadError::TooManyFields);
        }
        fields.push(field(line)?);
    }
    Ok((start_line, fields))
}

/// Reads one field line, its line end removed.
pub(super) fn field(line: &[u8]) -> Result<Field<'_>, HeadError> {
    // RFC 9112 section 5.2: a line that begins with white space would go on with the one before (obs-fold).
    if line.first().is_some_and(|byte| is_blank(*byte)) {
        return Err(HeadError::FoldedField);
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(HeadError::Field)?;
    let (name, value) = (&line[..colon], trim_blanks(&line[colon + 1..]));
    // RFC 9112 section 5.1: no white space between name and colon; it is no token character.
    let name = token(name).ok_or(HeadError::Field)?;
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(HeadError::Field);
    }
    Ok(Field { name, value })
}

/// A token (RFC 9110 section 5.6.2) as text.
pub(super) fn token(bytes: &[u8]) -> Option<&str> {
    let fits = !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    if fits { std::str::from_utf8(bytes).ok() } else { None }
}

/// A whole number in decimal digits only, as Content-Length has it.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(bytes).ok()?.parse().ok() } else { None }
}

/// `bytes` without the spaces and tabs around it; the standard library's trim would take form feeds too.
fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Fields that speak to the next hop only (RFC 9110 section 7.6.1), and what they say.
#[derive(Debug, Default)]
pub(super) struct Hop {
    /// Further fields that end here, because a Connection field names them, in lower case.
    named: Vec<String>,
    /// Whether the sender closes the connection after this message.
    pub(super) close: bool,
}

impl Hop {
    /// Reads the Connection fields.
    ///
    /// # Errors
    /// When one of them names a field that the message cannot be understood without.
    pub(super) fn read(fields: &[Field<'_>]) -> Result<Self, HeadError> {
        let mut hop = Self::default();
        for option in fields.iter().filter(|field| field.is("connection")).flat_map(Field::members) {
            let option = token(option).ok_or(HeadError::Connection)?.to_ascii_lowercase();
            match option.as_str() {
                "close" => hop.close = true,
                "host" | "content-length" | "transfer-encoding" => return Err(HeadError::Connection),
                _ => hop.named.push(option),
            }
        }
        Ok(hop)
    }

    /// Whether `field` goes no further.
    ///
    /// Upgrade goes no further either, so that a connection never leaves the protocol in which every request is
    /// judged: no web sockets and no HTTP/2 on port 80. Transfer-Encoding stays, because the body is passed on in the
    /// coding it has.
    fn ends_here(&self, field: &Field<'_>) -> bool {
        const ENDING: [&str; 6] =
            ["connection", "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings"];
        ENDING.iter().any(|name| field.is(name)) || self.named.iter().any(|name| field.is(name))
    }
}

/// Writes a head that is passed on: `start_line`, the fields that go further, and whether the connection ends.
///
/// No Via is added (Off-spec: RFC 9110 section 7.6.3 asks it of a gateway); the proxy is as good as not there.
pub(super) fn write_head(start_line: &[u8], fields: &[Field<'_>], hop: &Hop, close: bool) -> Vec<u8> {
    let mut head = Vec::with_capacity(1024);
    head.extend_from_slice(start_line);
    head.extend_from_slice(b"\r\n");
    for field in fields.iter().filter(|field| !hop.ends_here(field)) {
        head.extend_from_slice(field.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(field.value);
        head.extend_from_slice(b"\r\n");
    }
    if close {
        head.extend_from_slice(b"Connection: close\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The lines of a head, without their ends.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        Some(line)
    }
}
