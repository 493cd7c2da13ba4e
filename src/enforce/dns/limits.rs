//! Every bound of the resolver in one place, each with the attack or cost it stops.

use std::time::Duration;

/// Longest query read from a UDP socket, in bytes. Questions need less than 300; padding and cookies fit.
pub(super) const UDP_QUERY_BYTES_MAX: usize = 1232;

/// Largest UDP answer given and asked for, in bytes: what crosses every line without fragments, which can be forged
/// (DNS flag day 2020).
pub(super) const UDP_ANSWER_BYTES_MAX: u16 = 1232;

/// Largest UDP answer for an asker without EDNS, in bytes (RFC 1035 section 4.2.1).
pub(super) const PLAIN_ANSWER_BYTES_MAX: usize = 512;

/// Longest query read from a TCP connection, in bytes: a connection cannot make the box hold 64 KiB by announcing it.
pub(super) const TCP_QUERY_BYTES_MAX: usize = 2048;

/// Datagrams read, written down and answered together: waking the journal's writer once for many is what makes a flood
/// of questions cheap. Room for them is touched only when so many come at once.
pub(super) const BATCH: usize = 128;

/// Records after the question of a query (OPT and a signature need two): no long walks for nothing.
pub(super) const QUERY_RECORDS_MAX: u16 = 4;

/// Names of one answer's CNAME chain: each costs a judgment. Resolvers follow 8 to 16.
pub(super) const CHAIN_NAMES_MAX: usize = 16;

/// Text of an explanation (EDE), in bytes: with it the largest answer of our own stays below 512 bytes.
pub(super) const EXPLANATION_BYTES_MAX: usize = 160;

/// Explanations passed on from upstream, in bytes.
pub(super) const PASSED_EXPLANATIONS_BYTES_MAX: usize = 256;

/// Questions that wait for upstream, of one client: one machine cannot take all places.
pub(super) const WAITING_OF_CLIENT_MAX: usize = 64;

/// Questions that wait for upstream, of all clients, about 2 KiB each.
pub(super) const WAITING_MAX: usize = 4096;

/// Different questions asked upstream at once, one socket each.
pub(super) const FLIGHTS_MAX: usize = 512;

/// Entries of the cache: short answers cannot outgrow the memory by their overhead.
pub(super) const CACHE_ENTRIES_MAX: usize = 100_000;

/// Bytes of the cache, keys and an allowance for each entry included.
pub(super) const CACHE_BYTES_MAX: usize = 32 << 20;

/// Longest life of a positive answer: a wrong one is gone the next day.
pub(super) const TTL_SECONDS_MAX: u32 = 86_400;

/// Longest life of a negative answer (RFC 2308 section 5 suggests one to three hours).
pub(super) const NEGATIVE_TTL_SECONDS_MAX: u32 = 3600;

/// How long a failure to resolve is remembered, so that a broken name does not cost a full search for each asker
/// (RFC 9520 section 3.2 asks for 1 second to 5 minutes).
pub(super) const FAILURE_KEPT: Duration = Duration::from_secs(5);

/// How long an expired answer may still serve when upstream does not (RFC 8767 section 5: 1 to 3 days).
pub(super) const STALE_MAX: Duration = Duration::from_secs(86_400);

/// The TTL of an expired answer (RFC 8767 section 4).
pub(super) const STALE_TTL_SECONDS: u32 = 30;

/// How long the asker waits for a fresh answer before an expired one serves (RFC 8767 section 5).
pub(super) const STALE_PATIENCE: Duration = Duration::from_millis(1800);

/// How long upstream is left alone about a question it has just failed, when an expired answer serves (RFC 8767
/// section 5).
pub(super) const STALE_RECHECK: Duration = Duration::from_secs(30);

/// How long one server may take before the next one is asked beside it.
pub(super) const SERVER_PATIENCE: Duration = Duration::from_millis(800);

/// How long a question may take upstream in all. Stub resolvers give up after 5 seconds.
pub(super) const UPSTREAM_WAIT_MAX: Duration = Duration::from_millis(4800);

/// Failures in a row after which a server counts as dead.
pub(super) const FAILURES_UNTIL_DEAD: u32 = 3;

/// How often a dead server is tried again, beside a live one.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// Datagrams that do not fit the question, after which the exchange goes to TCP: somebody is guessing.
pub(super) const STRANGERS_MAX: usize = 16;

/// Connections on one zone's listener.
pub(super) const CONNECTIONS_MAX: usize = 128;

/// Connections of one client on one listener.
pub(super) const CONNECTIONS_OF_CLIENT_MAX: usize = 8;

/// Questions of one connection answered at once (RFC 7766 section 6.2.1.1); an answer is up to 64 KiB.
pub(super) const PIPELINE_MAX: usize = 8;

/// How long a connection may be silent, and how long it may take to read an answer (RFC 7766 section 6.2.3).
pub(super) const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(10);
