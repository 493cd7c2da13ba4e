//! Reads which site a TLS connection is for, from the first message the client sends.
//!
//! A ClientHello (RFC 8446 section 4.1.2) travels in one or more records, each of them in one or more TCP segments:
//!
//! ```text
//! record:    22 | 3 x | length (2) | fragment
//! handshake: 1 | length (3) | version (2) | random (32) | session id (1+n) | suites (2+n) | compression (1+n)
//!            | extensions (2+n): type (2) | length (2) | content
//! encrypted_client_hello (0xfe0d): 0 for outer | suite (4) | key number (1) | key (2+n) | hello (2+n)    (RFC 9849)
//! server_name (0): list length (2) | 0 | name length (2) | name          (RFC 6066 section 3)
//! ```
//!
//! Whatever could be read in two ways is refused, for the site's server might read it the other way. What is unusual
//! but has one reading (unknown versions, suites and extensions) passes: the server answers it, as without a proxy.

use std::cmp::Ordering;

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
const ECH_OUTER: u8 = 0;

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
    /// The number of the key that the encrypted hello was made with, or says so (RFC 9849 section 5).
    pub ech_key: Option<u8>,
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

/// Where the first handshake message of `bytes`, records and all, ends. None where it is not whole, or ends within a record:
/// no client puts another message behind its hello there.
pub(super) fn hello_end(bytes: &[u8]) -> Option<usize> {
    let mut message: Vec<u8> = Vec::new();
    let mut end = 0;
    loop {
        let header = bytes.get(end..end + RECORD_HEADER_BYTES)?;
        let begin = end + RECORD_HEADER_BYTES;
        end = begin + usize::from(u16::from_be_bytes([header[3], header[4]]));
        message.extend_from_slice(bytes.get(begin..end)?);
        match message_bytes(&message).map(|wanted| message.len().cmp(&wanted)) {
            Some(Ordering::Equal) => return Some(end),
            Some(Ordering::Greater) => return None,
            Some(Ordering::Less) | None => {}
        }
    }
}

/// Reads `bytes`, the beginning of a handshake stream that travels without records, as in QUIC (RFC 9001 section 4.1.3).
/// What follows the first message is left alone.
#[must_use]
pub fn read_message(bytes: &[u8]) -> Progress {
    if bytes.first().is_some_and(|kind| *kind != HANDSHAKE_CLIENT_HELLO) {
        return Progress::NotTls(NotTls::OtherProtocol);
    }
    let Some(wanted) = message_bytes(bytes) else { return Progress::NeedMore };
    if wanted > BYTES_MAX {
        return Progress::NotTls(NotTls::TooLong);
    }
    let Some(body) = bytes.get(HANDSHAKE_HEADER_BYTES..wanted) else { return Progress::NeedMore };
    hello(Reader(body)).map_or_else(Progress::NotTls, Progress::Hello)
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
pub(in crate::enforce) fn message_bytes(message: &[u8]) -> Option<usize> {
    let [_, high, middle, low, ..] = *message else { return None };
    let body = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    Some(HANDSHAKE_HEADER_BYTES + body)
}

fn hello(mut body: Reader<'_>) -> Result<Hello, NotTls> {
    body.take(2 + 32)?; // legacy_version and random
    body.short_vector()?; // legacy_session_id
    body.vector()?; // cipher_suites
    body.short_vector()?; // legacy_compression_methods
    let mut hello = Hello { server_name: None, ech: false, ech_key: None };
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
            EXTENSION_ENCRYPTED_CLIENT_HELLO => {
                hello.ech = true;
                // A malformed one is an error for the site's server (section 7), and hides nothing.
                hello.ech_key = ech_key(content).ok();
            }
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

/// The key's number in the outer form of an encrypted_client_hello extension.
fn ech_key(mut content: Reader<'_>) -> Result<u8, NotTls> {
    if content.take(1)? != [ECH_OUTER] {
        return Err(NotTls::Length);
    }
    content.take(2 + 2)?; // the cipher suite: KDF and AEAD
    let [number] = *content.take(1)? else { return Err(NotTls::Length) };
    content.vector()?; // the encapsulated key
    content.vector()?; // the encrypted hello
    content.expect_end()?;
    Ok(number)
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

#[cfg(test)]
mod tests {
    use std::{iter, sync::Arc};

    use proptest::prelude::*;
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore,
        client::{EchConfig, EchGreaseConfig, EchMode},
        crypto::aws_lc_rs::{default_provider, hpke::ALL_SUPPORTED_SUITES, kx_group},
        server::Acceptor,
    };

    use super::*;
    use crate::enforce::dns::outer::tests::CLOUDFLARE;

    /// The hello that rustls sends to `name`, in one record; with post-quantum keys it passes a usual segment's size.
    fn rustls_hello(name: &'static str, post_quantum: bool) -> Vec<u8> {
        let mut provider = default_provider();
        if post_quantum {
            provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519];
        }
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    /// The hello that rustls sends to `jeux.example` with a real encrypted one, or to `www.exemple.fr` with a meaningless
    /// one.
    fn rustls_ech_hello(real: bool) -> Vec<u8> {
        let (suite, name) = (ALL_SUPPORTED_SUITES[0], if real { "jeux.example" } else { "www.exemple.fr" });
        let mode = if real {
            EchMode::from(EchConfig::new(CLOUDFLARE.into(), ALL_SUPPORTED_SUITES).unwrap())
        } else {
            EchMode::from(EchGreaseConfig::new(suite, suite.generate_key_pair().unwrap().0))
        };
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_ech(mode)
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    /// A hello with these extensions, in one record.
    fn hello_with(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let list: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [kind.to_be_bytes().to_vec(), vector(content)].concat())
            .collect();
        record(&handshake(
            &[&[3, 3][..], &[7; 32], &[0], &vector(&[0x13, 1]), &[1, 0], &vector(&list)].concat(),
        ))
    }

    fn vector(content: &[u8]) -> Vec<u8> {
        [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
    }

    fn handshake(body: &[u8]) -> Vec<u8> {
        [&[1][..], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
    }

    fn record(fragment: &[u8]) -> Vec<u8> {
        [&[22, 3, 1][..], &vector(fragment)].concat()
    }

    /// The same handshake bytes in records of `size` bytes.
    fn in_records(hello: &[u8], size: usize) -> Vec<u8> {
        hello[RECORD_HEADER_BYTES..].chunks(size).flat_map(record).collect()
    }

    /// The same handshake bytes in two records, cut at `place`.
    fn in_two_records(hello: &[u8], place: usize) -> Vec<u8> {
        let (first, second) = hello[RECORD_HEADER_BYTES..].split_at(place);
        [record(first), record(second)].concat()
    }

    /// The content of a server_name extension with these entries.
    fn names(entries: &[(u8, &[u8])]) -> Vec<u8> {
        let list: Vec<u8> =
            entries.iter().flat_map(|(kind, name)| iter::once(*kind).chain(vector(name))).collect();
        vector(&list)
    }

    fn named(name: &str) -> Vec<u8> {
        hello_with(&[(EXTENSION_SERVER_NAME, names(&[(0, name.as_bytes())]))])
    }

    #[track_caller]
    fn check_name(bytes: &[u8], expected: Option<&str>) {
        let Progress::Hello(hello) = read(bytes) else { panic!("no hello: {:?}", read(bytes)) };
        assert_eq!(hello.server_name.as_ref().map(Domain::as_str), expected);
    }

    #[test]
    fn the_name_of_a_real_hello_is_read() {
        check_name(&rustls_hello("www.exemple.fr", false), Some("www.exemple.fr"));
        check_name(&rustls_hello("192.0.2.1", false), None);
    }

    #[test]
    fn a_post_quantum_hello_is_larger_than_a_segment_and_is_read() {
        let hello = rustls_hello("www.exemple.fr", true);
        assert!(hello.len() > 1300, "{}", hello.len());
        check_name(&hello, Some("www.exemple.fr"));
    }

    /// What Chromium sent to `www.exemple.fr`: post-quantum keys, extensions shuffled, a meaningless encrypted hello.
    const CHROMIUM: &[u8] = include_bytes!("../../../fuzz/corpus/client_hello/real-chromium");

    #[test]
    fn the_hello_of_a_browser_is_read() {
        check_name(CHROMIUM, Some("www.exemple.fr"));
        assert!(matches!(read(CHROMIUM), Progress::Hello(Hello { ech: true, .. })));
    }

    #[test]
    fn no_prefix_of_a_hello_is_decided() {
        for whole in [
            CHROMIUM.to_vec(),
            rustls_hello("www.exemple.fr", false),
            rustls_hello("www.exemple.fr", true),
            in_two_records(&rustls_hello("www.exemple.fr", false), 100),
            in_records(&rustls_hello("www.exemple.fr", false), 3),
            named("www.exemple.fr"),
        ] {
            for length in 0..whole.len() {
                assert_eq!(read(&whole[..length]), Progress::NeedMore, "{length} of {}", whole.len());
            }
            check_name(&whole, Some("www.exemple.fr"));
        }
    }

    #[test]
    fn cutting_a_hello_into_records_hides_nothing() {
        let hello = rustls_hello("www.exemple.fr", true);
        for size in [1, 2, 5, 64, 517, 16_384] {
            let cut = in_records(&hello, size);
            if cut.len() <= BYTES_MAX {
                check_name(&cut, Some("www.exemple.fr"));
            }
        }
    }

    #[test]
    fn a_hello_cut_at_any_byte_over_two_records_is_read() {
        for hello in [CHROMIUM.to_vec(), rustls_hello("www.exemple.fr", true)] {
            for place in 1..hello.len() - RECORD_HEADER_BYTES {
                check_name(&in_two_records(&hello, place), Some("www.exemple.fr"));
            }
        }
    }

    #[test]
    fn the_longest_hello_is_read_and_one_byte_more_is_refused() {
        let name = (EXTENSION_SERVER_NAME, names(&[(0, b"exemple.fr")]));
        let padded = |length: usize| hello_with(&[name.clone(), (21, vec![0; length])]);
        let around = padded(0).len();
        let longest = padded(BYTES_MAX - around);
        assert_eq!(longest.len(), BYTES_MAX);
        check_name(&longest, Some("exemple.fr"));
        assert_eq!(read(&padded(BYTES_MAX + 1 - around)[..BYTES_MAX]), Progress::NotTls(NotTls::TooLong));
    }

    #[test]
    fn a_hello_without_records_is_read_at_its_last_byte_and_not_before() {
        let records = rustls_hello("www.exemple.fr", true);
        let whole = &records[RECORD_HEADER_BYTES..];
        for length in 0..whole.len() {
            assert_eq!(read_message(&whole[..length]), Progress::NeedMore, "{length}");
        }
        let expected = read(&records);
        assert!(matches!(expected, Progress::Hello(_)));
        assert_eq!(read_message(whole), expected);
        assert_eq!(read_message(&[whole, b"more"].concat()), expected);
        assert_eq!(read_message(&[2]), Progress::NotTls(NotTls::OtherProtocol));
        assert_eq!(read_message(&[1, 1, 0, 0]), Progress::NotTls(NotTls::TooLong));
    }

    #[test]
    fn what_follows_the_hello_is_left_alone() {
        let mut bytes = named("exemple.fr");
        bytes.extend_from_slice(&[23, 3, 3, 0, 2, 1, 1]);
        check_name(&bytes, Some("exemple.fr"));
    }

    #[test]
    fn a_hello_without_a_name_has_none() {
        check_name(&hello_with(&[]), None);
        let without_extensions =
            record(&handshake(&[&[3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]].concat()));
        check_name(&without_extensions, None);
    }

    #[test]
    fn an_encrypted_hello_is_seen_beside_the_name() {
        let name = (EXTENSION_SERVER_NAME, names(&[(0, b"exemple.fr")]));
        let both = hello_with(&[name, (EXTENSION_ENCRYPTED_CLIENT_HELLO, vec![0; 200])]);
        assert!(matches!(read(&both), Progress::Hello(Hello { ech: true, .. })));
        assert!(matches!(read(&named("exemple.fr")), Progress::Hello(Hello { ech: false, .. })));
    }

    #[test]
    fn a_real_encrypted_hello_shows_the_public_name_and_the_number_of_its_key() {
        let hello = rustls_ech_hello(true);
        check_name(&hello, Some("cloudflare-ech.com"));
        assert!(matches!(read(&hello), Progress::Hello(Hello { ech: true, ech_key: Some(0x87), .. })));
    }

    #[test]
    fn a_meaningless_encrypted_hello_has_a_number_too() {
        let hello = rustls_ech_hello(false);
        check_name(&hello, Some("www.exemple.fr"));
        assert!(matches!(read(&hello), Progress::Hello(Hello { ech: true, ech_key: Some(_), .. })));
        assert!(matches!(read(CHROMIUM), Progress::Hello(Hello { ech: true, ech_key: Some(_), .. })));
    }

    #[test]
    fn a_malformed_encrypted_hello_has_no_number() {
        let outer = [&[0, 0, 1, 0, 1, 7][..], &vector(&[1; 32]), &vector(&[2; 99])].concat();
        let key = |content: Vec<u8>| match read(&hello_with(&[(EXTENSION_ENCRYPTED_CLIENT_HELLO, content)])) {
            Progress::Hello(hello) => hello.ech_key,
            other => panic!("{other:?}"),
        };
        assert_eq!(key(outer.clone()), Some(7));
        for length in 0..outer.len() {
            assert_eq!(key(outer[..length].to_vec()), None, "{length}");
        }
        assert_eq!(key([&outer[..], &[0]].concat()), None);
        assert_eq!(key(vec![1]), None, "the inner form has no place in a readable hello");
    }

    #[test]
    fn a_name_that_could_be_read_in_two_ways_is_refused() {
        let one = || (EXTENSION_SERVER_NAME, names(&[(0, b"un.example")]));
        for (fact, hello, reason) in [
            ("two extensions", hello_with(&[one(), one()]), NotTls::Ambiguous),
            (
                "two names in one",
                hello_with(&[(0, names(&[(0, b"un.example"), (0, b"deux.example")]))]),
                NotTls::Ambiguous,
            ),
            ("a name of another kind", hello_with(&[(0, names(&[(1, b"un.example")]))]), NotTls::Ambiguous),
            ("an IPv4 address", named("192.0.2.1"), NotTls::Name(DomainError::Address)),
            ("an IPv6 address", named("2001:db8::1"), NotTls::Name(DomainError::Character)),
            ("an accent", named("école.example"), NotTls::Name(DomainError::Character)),
            ("a zero byte", named("un.example\0.fr"), NotTls::Name(DomainError::Character)),
            (
                "not UTF-8",
                hello_with(&[(0, names(&[(0, b"\xff.fr")]))]),
                NotTls::Name(DomainError::Character),
            ),
            ("an empty name", named(""), NotTls::Name(DomainError::Empty)),
            ("a long name", named(&"a.".repeat(200)), NotTls::Name(DomainError::TooLong)),
            ("an empty list", hello_with(&[(0, vec![0, 0])]), NotTls::Length),
            ("an empty extension", hello_with(&[(0, vec![])]), NotTls::Length),
            (
                "bytes behind the list",
                hello_with(&[(0, [names(&[(0, b"a.fr")]), vec![0]].concat())]),
                NotTls::Length,
            ),
        ] {
            assert_eq!(read(&hello), Progress::NotTls(reason), "{fact}");
        }
    }

    #[test]
    fn no_length_may_lie() {
        let body = [&[3, 3][..], &[7; 32], &[0], &vector(&[0x13, 1]), &[1, 0]].concat();
        for (fact, tail) in [
            ("extensions longer than the hello", vec![0, 9, 0, 0]),
            ("extensions shorter than the hello", vec![0, 0, 1]),
            ("an extension longer than its list", vec![0, 4, 0, 0, 0, 9]),
            ("half an extension's type", vec![0, 1, 0]),
        ] {
            let hello = record(&handshake(&[body.clone(), tail].concat()));
            assert_eq!(read(&hello), Progress::NotTls(NotTls::Length), "{fact}");
        }
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-OpenSSH",
            b"\x80\x2e\x01\x00\x02", // SSL 2.0
            b"\x16\x02",
            b"\x17\x03\x03",
            b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", // a ServerHello
        ] {
            assert_eq!(read(bytes), Progress::NotTls(NotTls::OtherProtocol), "{bytes:?}");
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        let hello = named("exemple.fr");
        let half = in_records(&hello, 40)[..RECORD_HEADER_BYTES + 40].to_vec();
        for (fact, bytes) in [
            ("an empty record in front", [&[22, 3, 1, 0, 0][..], &hello].concat()),
            ("an alert between two parts", [&half[..], &[21, 3, 3, 0, 2, 1, 0]].concat()),
            ("an empty record between two parts", [&half[..], &[22, 3, 1, 0, 0]].concat()),
            ("a record over its size", vec![22, 3, 1, 0x40, 1]),
        ] {
            assert_eq!(read(&bytes), Progress::NotTls(NotTls::Record), "{fact}");
        }
    }

    #[test]
    fn a_hello_beyond_the_bound_is_refused_as_soon_as_it_says_so() {
        assert_eq!(read(&[22, 3, 1, 0x40, 0, 1, 0, 0x40, 0]), Progress::NotTls(NotTls::TooLong));
        let slow = in_records(&hello_with(&[(21, vec![0; 8000])]), 1);
        assert_eq!(read(&slow[..BYTES_MAX]), Progress::NotTls(NotTls::TooLong));
        assert_eq!(read(&slow[..BYTES_MAX - 1]), Progress::NeedMore);
    }

    /// What rustls reads in `bytes`; none when it wants more or refuses.
    fn rustls_name(bytes: &[u8]) -> Option<Option<String>> {
        let mut acceptor = Acceptor::default();
        let mut rest = bytes;
        acceptor.read_tls(&mut rest).ok()?;
        let accepted = acceptor.accept().ok()??;
        Some(accepted.client_hello().server_name().map(str::to_lowercase))
    }

    fn read_name(bytes: &[u8]) -> Option<String> {
        match read(bytes) {
            Progress::Hello(hello) => hello.server_name.map(|name| name.to_string()),
            _ => None,
        }
    }

    #[test]
    fn rustls_reads_the_same_name() {
        for hello in [rustls_hello("www.exemple.fr", false), rustls_hello("www.exemple.fr", true)] {
            assert_eq!(rustls_name(&hello), Some(read_name(&hello)));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_a_hello_rustls_reads_no_other_name(
            place in 0_usize..400, byte: u8, size in 1_usize..300
        ) {
            let mut hello = rustls_hello("www.exemple.fr", false);
            let place = place % hello.len();
            hello[place] = byte;
            for bytes in [hello.clone(), in_records(&hello, size)] {
                if let (Progress::Hello(ours), Some(theirs)) = (read(&bytes), rustls_name(&bytes)) {
                    prop_assert_eq!(ours.server_name.map(|name| name.to_string()), theirs);
                }
            }
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes: Vec<u8>) {
            let _ = read(&bytes);
            let _ = read(&record(&handshake(&bytes)));
        }
    }
}
