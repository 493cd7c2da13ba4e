//! The bounds of the proxy, each with the cost or the attack it stops.

use std::time::Duration;

/// Everything that could grow or last, and how far it may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections of all clients together, where the process may open enough files: four for each of them. A school
    /// of 600 people uses some thousands; stops the exhaustion of memory and files.
    pub connections_max: usize,
    /// Connections of one client address: a browser opens at most 256 to all sites together. Stops one machine from
    /// taking all of them.
    pub connections_per_client_max: usize,
    /// Pipes lent to connections that move much; beyond them bytes are copied. Two files each.
    pub pipes_max: usize,
    /// From the first byte that could come to a whole ClientHello. Stops half-open connections from staying.
    pub hello_wait_max: Duration,
    /// From the beginning of a connection, or the end of the request before, to the first byte of a request.
    pub request_wait_max: Duration,
    /// From the first byte of a request to the end of its head. Stops heads that arrive a byte at a time.
    pub head_wait_max: Duration,
    /// Addresses of one site that are tried, and for how long each: a person waits this long for a page of ours.
    pub attempts_max: usize,
    /// How long one address may take to accept.
    pub attempt_wait_max: Duration,
    /// How long nothing may move in either direction of a TLS connection. Web sockets and push services send a sign of
    /// life every few minutes, because home routers forget a silent connection after five to fifteen.
    pub tls_idle_max: Duration,
    /// How long nothing may move in an HTTP exchange: a site that thinks longer than this has lost its reader.
    pub http_idle_max: Duration,
    /// How long a client may take to read our last words, and how many bytes of its own it may still send.
    pub farewell_wait_max: Duration,
    /// Bytes thrown away while a client reads our last words.
    pub farewell_bytes_max: usize,
    /// The longest page taken from the portal, in bytes.
    pub page_bytes_max: usize,
}

impl Limits {
    /// The bounds of a school.
    pub(super) const SCHOOL: Self = Self {
        connections_max: 16_384,
        connections_per_client_max: 512,
        pipes_max: 1_024,
        hello_wait_max: Duration::from_secs(3),
        request_wait_max: Duration::from_secs(60),
        head_wait_max: Duration::from_secs(10),
        attempts_max: 2,
        attempt_wait_max: Duration::from_secs(3),
        tls_idle_max: Duration::from_secs(15 * 60),
        http_idle_max: Duration::from_secs(5 * 60),
        farewell_wait_max: Duration::from_secs(2),
        farewell_bytes_max: 256 * 1024,
        page_bytes_max: 256 * 1024,
    };
}
