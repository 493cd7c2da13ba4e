//! Reads the head of an HTTP/1 request, strictly: what two servers could read differently is refused.
//!
//! | shape | answer |
//! |---|---|
//! | no Host, or two, or one that is no host name or address | 400 |
//! | an absolute target for another host than Host's; a port other than 80 | 400 |
//! | Content-Length and Transfer-Encoding together; two lengths, even equal ones; a length that is no number | 400 |
//! | a transfer coding other than `chunked` alone, or any in HTTP/1.0 | 501, 400 |
//! | bare CR, bare LF, folded field, white space before a colon, control characters | 400 |
//! | an empty line before the request line (RFC 9112 section 2.2 would let it pass) | 400 |
//! | CONNECT | 405 |
//! | any version but 1.0 and 1.1, so also the HTTP/2 preface | 505 |
//! | a path that goes up by `..`, in any spelling: every program resolves those before it asks | 400 |
//! | more than 16 KiB or 100 fields | 431 |

use thiserror::Error;

use super::{
    body::Framing,
    fields::{Field, Hop, decimal, head_bytes, split_head, token, write_head},
};
use crate::model::{Site, UrlPath};

/// The longest head of a request, in bytes: twice what common servers take.
pub(super) const BYTES_MAX: usize = 16 * 1024;

/// The most fields of a request.
const FIELDS_MAX: usize = 100;

/// The version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: one request a connection.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum HeadError {
    #[error("a line ends in LF without CR")]
    BareLf,
    #[error("a CR stands alone")]
    BareCr,
    #[error("the head is too long")]
    TooLong,
    #[error("the head has too many fields")]
    TooManyFields,
    #[error("the start line is malformed")]
    StartLine,
    #[error("the method asks for a tunnel")]
    Connect,
    #[error("the version is not supported")]
    Version,
    #[error("the target is malformed")]
    Target,
    #[error("the path goes up")]
    PathClimbs,
    #[error("a field is malformed")]
    Field,
    #[error("a field goes on over two lines")]
    FoldedField,
    #[error("there is not exactly one host")]
    HostCount,
    #[error("the host is no host name or address of this port")]
    Host,
    #[error("target and host disagree")]
    HostMismatch,
    #[error("the length is given twice")]
    LengthCount,
    #[error("the length is not a number")]
    Length,
    #[error("the transfer coding is not understood")]
    Coding,
    #[error("the connection options are malformed")]
    Connection,
}

impl HeadError {
    /// The status that answers a request with this fault.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLong | Self::TooManyFields => 431,
            Self::Connect => 405,
            Self::Coding => 501,
            Self::Version => 505,
            _ => 400,
        }
    }
}

/// The head of a request that has exactly one reading.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// The method, case-sensitive.
    pub method: &'a str,
    /// Path and query, beginning with `/`; or `*`. Printable ASCII.
    pub target: &'a str,
    /// The version.
    pub version: Version,
    /// The site it is for.
    pub site: Site,
    /// How its body is delimited.
    pub framing: Framing,
    /// All fields in their order.
    pub fields: Vec<Field<'a>>,
    hop: Hop,
}

/// Reads the head that `bytes` begins with, and says how long it is; none while it is not all there.
///
/// # Errors
/// When no further bytes can make it acceptable.
pub fn read_request(bytes: &[u8]) -> Result<Option<(RequestHead<'_>, usize)>, HeadError> {
    let Some(length) = head_bytes(bytes, BYTES_MAX)? else { return Ok(None) };
    let (start_line, fields) = split_head(&bytes[..length], FIELDS_MAX)?;
    let (method, target, version) = request_line(start_line)?;
    let host = only_host(&fields)?;
    let target = path_of(target, method, host)?;
    if UrlPath::climbs(target) {
        return Err(HeadError::PathClimbs);
    }
    let framing = framing(&fields, version)?;
    let hop = Hop::read(&fields)?;
    Ok(Some((RequestHead { method, target, version, site: site(host)?, framing, fields, hop }, length)))
}

impl RequestHead<'_> {
    /// Whether the client sends no further request on its connection.
    #[must_use]
    pub fn is_last(&self) -> bool {
        // Keep-alive of HTTP/1.0 was never a standard; its clients take a close.
        self.hop.close || self.version == Version::Http10
    }

    /// The path and query to be judged; none where the request is about the server as a whole.
    #[must_use]
    pub fn path(&self) -> Option<UrlPath> {
        (self.target != "*").then(|| UrlPath::from(self.target))
    }

    /// What was asked for, as a browser shows it.
    #[must_use]
    pub fn url(&self) -> String {
        let path = if self.target == "*" { "" } else { self.target };
        match &self.site {
            Site::Address(address) if address.is_ipv6() => format!("http://[{address}]{path}"),
            site => format!("http://{site}{path}"),
        }
    }

    /// The head as it is passed on to the site.
    ///
    /// It keeps the client's version (Off-spec: RFC 9112 section 2.3 asks for our own), because an HTTP/1.0 client
    /// could not read what a site answers to HTTP/1.1.
    pub(super) fn forwarded(&self) -> Vec<u8> {
        let version = match self.version {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        };
        let start_line = format!("{} {} HTTP/{version}", self.method, self.target);
        write_head(start_line.as_bytes(), &self.fields, &self.hop, self.is_last())
    }
}

/// `METHOD SP target SP HTTP/1.x`, with single spaces.
fn request_line(line: &[u8]) -> Result<(&str, &str, Version), HeadError> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HeadError::StartLine);
    };
    let method = token(method).ok_or(HeadError::StartLine)?;
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', ..] => return Err(HeadError::Version),
        _ => return Err(HeadError::StartLine),
    };
    if method == "CONNECT" {
        return Err(HeadError::Connect);
    }
    // A fragment never leaves a browser.
    if target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(HeadError::Target);
    }
    Ok((method, std::str::from_utf8(target).map_err(|_| HeadError::Target)?, version))
}

/// The path of an origin-form, asterisk-form or absolute-form target (RFC 9112 section 3.2).
fn path_of<'a>(target: &'a str, method: &str, host: &str) -> Result<&'a str, HeadError> {
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok(target);
    }
    let scheme = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let rest = &target[scheme.ok_or(HeadError::Target)?.len()..];
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // RFC 9112 section 3.2.2 puts the target above Host; a site may do the opposite, so they must agree.
    if site(authority).map_err(|_| HeadError::Target)? != site(host)? {
        return Err(HeadError::HostMismatch);
    }
    match path {
        "" if method == "OPTIONS" => Ok("*"),
        "" => Ok("/"),
        path if path.starts_with('/') => Ok(path),
        // A query right behind the authority would need a path put in; no browser sends it.
        _ => Err(HeadError::Target),
    }
}

/// The one Host field. HTTP/1.0 does not ask for one, but without it there is nothing to judge.
fn only_host<'a>(fields: &[Field<'a>]) -> Result<&'a str, HeadError> {
    let mut hosts = fields.iter().filter(|field| field.is("host"));
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(HeadError::HostCount) };
    std::str::from_utf8(host.value).map_err(|_| HeadError::Host)
}

/// The site of `host [":" port]`, where the port is that of this road.
fn site(host: &str) -> Result<Site, HeadError> {
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => (&host[..colon], &host[colon + 1..]),
        _ => (host, ""),
    };
    if !matches!(port, "" | "80") {
        return Err(HeadError::Host);
    }
    // An IPv6 address stands in brackets, or its last group would be a port.
    if name.contains(':') && !name.starts_with('[') {
        return Err(HeadError::Host);
    }
    name.parse().map_err(|_| HeadError::Host)
}

fn framing(fields: &[Field<'_>], version: Version) -> Result<Framing, HeadError> {
    let mut lengths = fields.iter().filter(|field| field.is("content-length"));
    let mut codings = fields.iter().filter(|field| field.is("transfer-encoding"));
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Nothing),
        (Some(_), Some(_)) => Err(HeadError::LengthCount),
        (Some(_), None) if lengths.next().is_some() => Err(HeadError::LengthCount),
        (Some(length), None) => decimal(length.value).map(Framing::Length).ok_or(HeadError::Length),
        (None, Some(coding)) => {
            let chunked = coding.value.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            match (chunked, version) {
                (true, Version::Http11) => Ok(Framing::Chunked),
                // RFC 9112 section 6.1: a coding in HTTP/1.0 is a sign of faulty framing.
                (_, Version::Http10) => Err(HeadError::Length),
                (false, Version::Http11) => Err(HeadError::Coding),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn read(text: &str) -> RequestHead<'_> {
        read_request(text.as_bytes()).unwrap().unwrap().0
    }

    #[test]
    fn every_ambiguous_shape_is_refused_with_its_status() {
        for (shape, error, status) in [
            ("GET / HTTP/1.1\r\n\r\n", HeadError::HostCount, 400),
            ("GET / HTTP/1.0\r\n\r\n", HeadError::HostCount, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nHost: a.fr\r\n\r\n", HeadError::HostCount, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nhOsT: b.fr\r\n\r\n", HeadError::HostCount, 400),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr, b.fr\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr b.fr\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr:8080\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr:+80\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr:80:80\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: x@a.fr\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr/b\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: a%2efr\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: école.fr\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n", HeadError::Host, 400),
            ("GET / HTTP/1.1\r\nHost: 0x7f.1\r\n\r\n", HeadError::Host, 400),
            ("GET http://b.fr/ HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::HostMismatch, 400),
            ("GET http://a.fr@b.fr/ HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET https://a.fr/ HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET http://a.fr?q HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET http:///x HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET a.fr HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET * HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET /\x01 HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET /é HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("GET /#x HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Target, 400),
            ("CONNECT a.fr:443 HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::Connect, 405),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::Version, 505),
            ("GET / HTTP/1.2\r\nHost: a.fr\r\n\r\n", HeadError::Version, 505),
            ("GET / http/1.1\r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("GET /\r\n\r\n", HeadError::StartLine, 400),
            ("GET  / HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("GET / HTTP/1.1 \r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("GET\t/ HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("G(T / HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("\r\nGET / HTTP/1.1\r\nHost: a.fr\r\n\r\n", HeadError::StartLine, 400),
            ("GET / HTTP/1.1\nHost: a.fr\n\n", HeadError::BareLf, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\nX: y\r\n\r\n", HeadError::BareLf, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nX: y\rHost: b.fr\r\n\r\n", HeadError::BareCr, 400),
            ("GET / HTTP/1.1\rHost: a.fr\r\r", HeadError::BareCr, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nX: y\r\n Host: b.fr\r\n\r\n", HeadError::FoldedField, 400),
            ("GET / HTTP/1.1\r\n Host: a.fr\r\n\r\n", HeadError::FoldedField, 400),
            ("GET / HTTP/1.1\r\nHost : a.fr\r\n\r\n", HeadError::Field, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\n: x\r\n\r\n", HeadError::Field, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nX\r\n\r\n", HeadError::Field, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nX: \0\r\n\r\n", HeadError::Field, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nX\0: y\r\n\r\n", HeadError::Field, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nConnection: Host\r\n\r\n", HeadError::Connection, 400),
            ("GET / HTTP/1.1\r\nHost: a.fr\r\nConnection: a b\r\n\r\n", HeadError::Connection, 400),
        ] {
            check_refused(shape, error, status);
        }
    }

    #[test]
    fn every_shape_of_two_framings_is_refused() {
        for (framing, error, status) in [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", HeadError::LengthCount, 400),
            ("Transfer-Encoding: chunked\r\nContent-Length: 0", HeadError::LengthCount, 400),
            ("Content-Length: 5\r\nContent-Length: 6", HeadError::LengthCount, 400),
            ("Content-Length: 5\r\nContent-Length: 5", HeadError::LengthCount, 400),
            ("Content-Length: 5, 5", HeadError::Length, 400),
            ("Content-Length: +5", HeadError::Length, 400),
            ("Content-Length: -1", HeadError::Length, 400),
            ("Content-Length: 0x5", HeadError::Length, 400),
            ("Content-Length: 5 5", HeadError::Length, 400),
            ("Content-Length:", HeadError::Length, 400),
            ("Content-Length: 18446744073709551616", HeadError::Length, 400),
            ("Transfer-Encoding: identity", HeadError::Coding, 501),
            ("Transfer-Encoding: gzip, chunked", HeadError::Coding, 501),
            ("Transfer-Encoding: chunked, chunked", HeadError::Coding, 501),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", HeadError::Coding, 501),
            ("Transfer-Encoding: xchunked", HeadError::Coding, 501),
            ("Transfer-Encoding: chunked;q=1", HeadError::Coding, 501),
            ("Transfer-Encoding: \x0bchunked", HeadError::Field, 400),
            ("Transfer-Encoding: \x0cchunked", HeadError::Field, 400),
            ("Content-Length: 5\x0c", HeadError::Field, 400),
            ("Transfer-Encoding:", HeadError::Coding, 501),
            ("Transfer-Encoding : chunked", HeadError::Field, 400),
        ] {
            let shape = format!("POST / HTTP/1.1\r\nHost: a.fr\r\n{framing}\r\n\r\n");
            check_refused(&shape, error, status);
        }
        check_refused(
            "POST / HTTP/1.0\r\nHost: a.fr\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError::Length,
            400,
        );
    }

    #[track_caller]
    fn check_refused(shape: &str, error: HeadError, status: u16) {
        assert_eq!(read_request(shape.as_bytes()).map(|_| ()), Err(error), "{shape:?}");
        assert_eq!(error.status(), status, "{shape:?}");
    }

    #[test]
    fn bounds_hold_to_the_byte_and_to_the_field() {
        let head = |bytes: usize| {
            let empty = "GET / HTTP/1.1\r\nHost: a.fr\r\nX: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nHost: a.fr\r\nX: {}\r\n\r\n", "x".repeat(bytes - empty))
        };
        assert!(read_request(head(BYTES_MAX).as_bytes()).unwrap().is_some());
        check_refused(&head(BYTES_MAX + 1), HeadError::TooLong, 431);
        check_refused(&head(BYTES_MAX + 1)[..BYTES_MAX], HeadError::TooLong, 431);
        let fields =
            |count: usize| format!("GET / HTTP/1.1\r\nHost: a.fr\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
        assert!(read_request(fields(FIELDS_MAX).as_bytes()).unwrap().is_some());
        check_refused(&fields(FIELDS_MAX + 1), HeadError::TooManyFields, 431);
    }

    #[test]
    fn no_prefix_of_a_head_is_decided() {
        let head = b"POST /a?b HTTP/1.1\r\nHost: www.exemple.fr\r\nContent-Length: 5\r\n\r\n";
        for length in 0..head.len() {
            assert!(read_request(&head[..length]).unwrap().is_none(), "{length}");
        }
        assert_eq!(read_request(head).unwrap().unwrap().1, head.len());
    }

    #[test]
    fn the_site_is_the_hosts() {
        for (host, site) in [
            ("WWW.Exemple.FR", "www.exemple.fr"),
            ("exemple.fr.", "exemple.fr"),
            ("exemple.fr:80", "exemple.fr"),
            ("exemple.fr:", "exemple.fr"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
        ] {
            let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(read(&text).site.to_string(), site, "{host}");
        }
    }

    #[test]
    fn an_absolute_target_for_the_same_host_becomes_its_path() {
        for (method, target, path) in [
            ("GET", "http://a.fr/x?y", "/x?y"),
            ("GET", "HTTP://A.FR:80", "/"),
            ("OPTIONS", "http://a.fr", "*"),
            ("OPTIONS", "*", "*"),
        ] {
            let text = format!("{method} {target} HTTP/1.1\r\nHost: a.fr\r\n\r\n");
            assert_eq!(read(&text).target, path, "{target}");
        }
    }

    #[test]
    fn the_url_is_what_a_browser_shows() {
        assert_eq!(read("GET /x?y HTTP/1.1\r\nHost: A.fr\r\n\r\n").url(), "http://a.fr/x?y");
        assert_eq!(read("GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n").url(), "http://[2001:db8::1]/");
        assert_eq!(read("OPTIONS * HTTP/1.1\r\nHost: a.fr\r\n\r\n").url(), "http://a.fr");
    }

    #[test]
    fn what_speaks_to_this_hop_goes_no_further() {
        let head = read(
            "GET http://a.fr/x HTTP/1.1\r\nHost: a.fr\r\nConnection: keep-alive, X-Hop, Upgrade, HTTP2-Settings\r\n\
             X-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nUpgrade: websocket, h2c\r\n\
             HTTP2-Settings: AA\r\nTE: trailers\r\nAccept:  */* \r\n\r\n",
        );
        assert_eq!(
            String::from_utf8(head.forwarded()).unwrap(),
            "GET /x HTTP/1.1\r\nHost: a.fr\r\nAccept: */*\r\n\r\n"
        );
    }

    #[test]
    fn the_last_request_of_a_connection_says_so_to_the_site() {
        let closing = read("GET / HTTP/1.1\r\nHost: a.fr\r\nconnection: Close\r\n\r\n");
        assert_eq!(closing.forwarded(), b"GET / HTTP/1.1\r\nHost: a.fr\r\nConnection: close\r\n\r\n");
        assert!(read("GET / HTTP/1.0\r\nHost: a.fr\r\nConnection: keep-alive\r\n\r\n").is_last());
    }

    proptest! {
        #[test]
        fn what_we_accept_httparse_reads_the_same(
            lines in proptest::collection::vec("[ -~\t\r\n]{0,12}|Host: a.fr|X: y|GET / HTTP/1.1|Content-Length: [0-9]{1,3}", 0..6)
        ) {
            let text = lines.join("\r\n") + "\r\n\r\n";
            check_against_httparse(text.as_bytes());
            check_against_httparse(format!("GET / HTTP/1.1\r\nHost: a.fr\r\n{text}").as_bytes());
        }

        #[test]
        fn a_head_passed_on_reads_as_the_same_request(
            path in "/[!-\"$-~]{0,20}", value in "[!-~]([ -~]{0,20}[!-~])?", length in 0_u64..1000
        ) {
            let text = format!("PUT {path} HTTP/1.1\r\nHost: a.fr\r\nX: {value}\r\nContent-Length: {length}\r\n\r\n");
            // One that climbs is never passed on.
            prop_assume!(!matches!(read_request(text.as_bytes()), Err(HeadError::PathClimbs)));
            let first = read(&text);
            let forwarded = first.forwarded();
            let (second, count) = read_request(&forwarded).unwrap().unwrap();
            prop_assert_eq!(count, forwarded.len());
            prop_assert_eq!((first.method, first.target, &first.site, first.framing), (second.method, second.target, &second.site, second.framing));
            prop_assert_eq!(first.fields, second.fields);
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes: Vec<u8>) {
            let _ = read_request(&bytes);
        }
    }

    #[track_caller]
    fn check_against_httparse(bytes: &[u8]) {
        let Ok(Some((ours, length))) = read_request(bytes) else { return };
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut theirs = httparse::Request::new(&mut fields);
        assert_eq!(theirs.parse(bytes), Ok(httparse::Status::Complete(length)), "{bytes:?}");
        assert_eq!(theirs.method, Some(ours.method));
        let theirs: Vec<_> = theirs.headers.iter().map(|field| (field.name, field.value)).collect();
        let ours: Vec<_> = ours.fields.iter().map(|field| (field.name, field.value)).collect();
        assert_eq!(ours, theirs);
    }
}
