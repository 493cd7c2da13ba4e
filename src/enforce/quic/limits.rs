//! The bounds of QUIC, each with the cost or the attack it stops.

use std::time::Duration;

/// Everything that could grow or last, and how far it may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Flows of all clients together, where the process may open enough files: two for each of them. Beyond them clients
    /// are told to take TCP. Stops the exhaustion of memory and files.
    pub flows_max: usize,
    /// Flows of one client: a browser has some dozens. Stops one machine from taking all of them.
    pub flows_per_client_max: usize,
    /// From the first datagram to a whole hello. Stops half-open connections from staying.
    pub hello_wait_max: Duration,
    /// Datagrams kept until the site is reached: a hello has up to three, and what a client sends before the handshake
    /// comes in about ten. Stops memory from filling while the gate is asked.
    pub held_datagrams_max: usize,
    /// Addresses of one site that are tried.
    pub attempts_max: usize,
    /// How long nothing may move in either direction: RFC 4787 (REQ-5) grants a silent flow two minutes at least, and
    /// QUIC itself ends silent connections after 30 seconds as a rule.
    pub idle_max: Duration,
    /// How long a refused client is still answered without asking the gate again, and how often. Stops a client that does
    /// not listen from filling the journal.
    pub farewell_wait: Duration,
    /// Answers to a refused client in that time.
    pub farewells_max: usize,
    /// Datagrams in a second that are answered as unreachable for all zones together. Stops the box from being busy with
    /// refusals alone; beyond them there is silence.
    pub refusals_per_second_max: u32,
}

impl Limits {
    /// The bounds of a school.
    pub(super) const SCHOOL: Self = Self {
        flows_max: 4_096,
        flows_per_client_max: 256,
        hello_wait_max: Duration::from_secs(3),
        held_datagrams_max: 16,
        attempts_max: 2,
        idle_max: Duration::from_secs(180),
        farewell_wait: Duration::from_secs(2),
        farewells_max: 8,
        refusals_per_second_max: 2_000,
    };
}
