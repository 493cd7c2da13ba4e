//! Reads which site a TLS connection is for, from the first message the client sends.
//!
//! A ClientHello (RFC 8446 section 4.1.2) travels in one or more records, each of them in one or more TCP segments:
//!
//! ```text
//! record:    22 | 3 x | length (2) | fragment
//! handshake: 1 | length (3) | version (2) | random (32) | session id (1+n) | suites (2+n) | compression (1+n)
//!            | extensions (2+n): type (2) | length (2) | content
//! server_name (0): list length (2) | 0 | name length (2) | name          (RFC 6066 section 3)
//! ```
//!
//! Whatever could be read in two ways is refused, for the site's server might read it the other way. What is unusual
//! but has one reading (unknown versions, suites and extensions) passes: the server answers it, as without a proxy.

use thiserror::Error;

use crate::model::{Domain, DomainError};

/// The longest hello that is read, record headers included, in bytes. A post-quantum one has about 2 KiB.
pub const BYTES_MAX: usize = 16 * 1024;

const RECORD_HANDSHAKE: u8 = 22;
const RECORD_HEADER_BYTES: usize = 5;
/// RFC 8446 section 5.1: a plaintext record holds at most 2^14 bytes.
const RECORD_BYTES_MAX: usize = 1 << 14;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
const HANDSHAKE_HEADER_BYTES: usize = 4;
const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
const NAME_TYPE_HOST: u8 = 0;

/// How far the bytes of a connection have been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The bytes are the beginning of a hello.
    NeedMore,
    /// The bytes begin with a whole hello.
    Hello(Hello),
    /// No further bytes can make this a hello that is accepted.
    NotTls(NotTls),
}

/// What a hello says about where it wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The site's name, where the client gives one.
    pub server_name: Option<Domain>,
    /// Whether it carries an encrypted hello beside this one. Browsers send a meaningless one to sites without a key
    /// for it (RFC 9849 section 6.2), so that this alone says nothing.
    pub ech: bool,
}

/// Why bytes are no acceptable hello.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotTls {
    /// The first bytes are another protocol's.
    #[error("the connection does not begin with a TLS handshake")]
    OtherProtocol,
    /// A record is empty, too long, or of another kind between two parts of the hello.
    #[error("a TLS record around the hello is malformed")]
    Record,
    /// The hello does not fit in [`BYTES_MAX`].
    #[error("the hello is too long")]
    TooLong,
    /// A length in the hello does not agree with what it measures.
    #[error("a length inside the hello is wrong")]
    Length,
    /// There are two server names, or one of an unknown kind.
    #[error("the hello does not name exactly one site")]
    Ambiguous,
    /// The server name is no host name.
    #[error("the server name is not a host name")]
    Name(#[source] DomainError),
}

/// Reads `bytes`, everything the client has sent so far. Pure, and without effect of the way they were cut.
#[must_use]
pub fn read(bytes: &[u8]) -> Progress {
    let message = match reassemble(bytes) {
        Ok(Some(message)) => message,
        Ok(None) if bytes.len() >= BYTES_MAX => return Progress::NotTls(NotTls::TooLong),
        Ok(None) => return Progress::NeedMore,
        Err(reason) => return Progress::NotTls(reason),
    };
    match hello(Reader(&message)) {
        Ok(hello) => Progress::Hello(hello),
        Err(reason) => Progress::NotTls(reason),
    }
}

/// The body of the first handshake message, when all of it is there.
fn reassemble(bytes: &[u8]) -> Result<Option<Vec<u8>>, NotTls> {
    let mut message: Vec<u8> = Vec::new();
    let mut rest = bytes;
    loop {
        check_record_start(rest, message.is_empty())?;
        let Some((header, after)) = rest.split_at_checked(RECORD_HEADER_BYTES) else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        // RFC 8446 section 5.1: zero-length fragments of handshake messages are forbidden.
        if length == 0 || length > RECORD_BYTES_MAX {
            return Err(NotTls::Record);
        }
        let (fragment, after) = after.split_at_checked(length).unwrap_or((after, &[]));
        message.extend_from_slice(fragment);
        if message.first().is_some_and(|kind| *kind != HANDSHAKE_CLIENT_HELLO) {
            return Err(NotTls::OtherProtocol);
        }
        if let Some(wanted) = message_bytes(&message) {
            if wanted > BYTES_MAX {
                return Err(NotTls::TooLong);
            }
            if message.len() >= wanted {
                // What follows in the record is the client's next message, which is the server's business.
                message.truncate(wanted);
                return Ok(Some(message.split_off(HANDSHAKE_HEADER_BYTES)));
            }
        }
        if after.is_empty() && fragment.len() < length {
            return Ok(None);
        }
        rest = after;
    }
}

/// Refuses at the first byte what is no handshake record of any TLS version.
fn check_record_start(bytes: &[u8], first: bool) -> Result<(), NotTls> {
    let fits = bytes.first().is_none_or(|kind| *kind == RECORD_HANDSHAKE)
        && bytes.get(1).is_none_or(|version_major| *version_major == 3);
    match (fits, first) {
        (true, _) => Ok(()),
        (false, true) => Err(NotTls::OtherProtocol),
        (false, false) => Err(NotTls::Record),
    }
}

/// The length of the handshake message that `message` begins, its header included.
fn message_bytes(message: &[u8]) -> Option<usize> {
    let [_, high, middle, low, ..] = *message else { return None };
    let body = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    Some(HANDSHAKE_HEADER_BYTES + body)
}

fn hello(mut body: Reader<'_>) -> Result<Hello, NotTls> {
    body.take(2 + 32)?; // legacy_version and random
    body.short_vector()?; // legacy_session_id
    body.vector()?; // cipher_suites
    body.short_vector()?; // legacy_compression_methods
    let mut hello = Hello { server_name: None, ech: false };
    if body.0.is_empty() {
        return Ok(hello);
    }
    let mut extensions = body.vector()?;
    body.expect_end()?;
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let content = extensions.vector()?;
        match kind {
            EXTENSION_SERVER_NAME if hello.server_name.is_some() => return Err(NotTls::Ambiguous),
            EXTENSION_SERVER_NAME => hello.server_name = Some(server_name(content)?),
            EXTENSION_ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
    Ok(hello)
}

/// The one host name of a server_name extension.
fn server_name(mut content: Reader<'_>) -> Result<Domain, NotTls> {
    let mut list = content.vector()?;
    content.expect_end()?;
    if list.take(1)? != [NAME_TYPE_HOST] {
        return Err(NotTls::Ambiguous);
    }
    let name = list.vector()?;
    // RFC 6066 section 3: no two names of one type; there is no other type.
    if !list.0.is_empty() {
        return Err(NotTls::Ambiguous);
    }
    let text = std::str::from_utf8(name.0).map_err(|_| NotTls::Name(DomainError::Character))?;
    text.parse().map_err(NotTls::Name)
}

/// What is left to read of a message or a part of it.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotTls> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NotTls::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16, NotTls> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A part with one byte of length in front.
    fn short_vector(&mut self) -> Result<Self, NotTls> {
        let length = self.take(1)?[0];
        self.take(usize::from(length)).map(Self)
    }

    /// A part with two bytes of length in front.
    fn vector(&mut self) -> Result<Self, NotTls> {
        let length = self.number()?;
        self.take(usize::from(length)).map(Self)
    }

    fn expect_end(&self) -> Result<(), NotTls> {
        if self.0.is_empty() { Ok(()) } else { Err(NotTls::Length) }
    }
}
