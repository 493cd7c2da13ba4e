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

/// Datagrams read, written down and answered together: enough to spread the cost of each system call, few enough that the
/// kernel's memory for them is still in the processor's cache when they are answered.
pub(super) const BATCH: usize = 32;

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

/// How long no server may have been heard before the box asks one of itself, so that the standing of the line is known.
pub(super) const HEARD_INTERVAL: Duration = Duration::from_secs(3);

/// The same, once a server has failed to answer: a cut, and its end, are known within some seconds.
pub(super) const DOUBTED_INTERVAL: Duration = Duration::from_millis(700);

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

// Tunnels. Whoever carries data in DNS must ask upstream for ever other names below a name of his own and gets ever
// other records back; see `budget` for how bytes are counted. In the lab iodine fetches 64 KiB in 0.2 s where it is let,
// and with these bounds 4 KiB before it stands still; with its usual probing for large answers it is held before it is
// set up. Reckoned for normal life: a browser's first hour asks for some 400 names below 150 parents, each of about 12
// bytes of labels and as many of records that are not shared; thirty browsers behind one machine are a test in `budget`.
// The figures below leave a tunnel 31 kB in its first ten minutes (0.4 kbit/s, both ways together) and 14 kB in each
// later ten; with twenty names at once 74 kB (0.99 kbit/s) and 41 kB.

/// What a question costs that brings no news, in bytes: which of the known names is asked, and when, says this much.
pub(super) const QUESTION_BYTES: u64 = 2;

/// What a name costs that does not exist, beside itself, in bytes: normal life asks for few, searches and floods for
/// nothing else.
pub(super) const MISSING_NAME_BYTES: u64 = 8;

/// What a record costs that brings no news, in bytes: order and TTL can speak.
pub(super) const RECORD_BYTES: u64 = 1;

/// Bytes of news between one client and the names below one parent, before they are held.
pub(super) const PARENT_BYTES_MAX: u64 = 16 * 1024;

/// Bytes of those forgotten each second.
pub(super) const PARENT_BYTES_PER_SECOND: u64 = 24;

/// Bytes below one parent that do not count for the client as a whole: nearly every site stays below.
pub(super) const PARENT_FREE_BYTES: u64 = 512;

/// Bytes of those forgotten each second; slow, or many parents would be a tunnel together.
pub(super) const PARENT_FREE_BYTES_PER_SECOND: u64 = 1;

/// Bytes of news between one client and all names, before the parents that it uses most are held.
pub(super) const CLIENT_BYTES_MAX: u64 = 32 * 1024;

/// Bytes of those forgotten each second.
pub(super) const CLIENT_BYTES_PER_SECOND: u64 = 32;

/// What is held is let go below this many quarters of the bound: after 3 minutes for a parent, 4 for a client.
pub(super) const RELEASE_QUARTERS: u64 = 3;

/// Clients whose budgets are kept, up to 75 KiB each; one person's takes 10. One too many takes the place, and the level, of the quietest.
pub(super) const BUDGET_CLIENTS_MAX: usize = 1024;

/// Parents of one client whose budgets are kept. One too many takes the place, and the level, of the quietest.
pub(super) const BUDGET_PARENTS_MAX: usize = 448;

/// Names and records remembered as no news to one client, in each of two generations. To forget one costs its asker.
pub(super) const KNOWN_NEWS_MAX: usize = 1792;

/// Public names of encrypted hellos that are remembered, the newest: an answer can bring as many as it likes.
pub(super) const OUTER_NAMES_MAX: usize = 1024;

/// Keys of one such name, the newest: each makes one meaningless hello in 256 look real.
pub(super) const OUTER_KEYS_MAX: usize = 4;

/// How long such a name is remembered without being seen again. Keys are changed each hour or day.
pub(super) const OUTER_NAME_KEPT: Duration = Duration::from_secs(7 * 86_400);
