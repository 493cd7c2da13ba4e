//! The bounds of the listener, each with the attack or cost it stops.

use std::time::Duration;

/// How long a TLS handshake may take: a slow one holds a place.
pub(super) const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long the head of a request may take where no certificate was shown, the idle time before it counted in: slow
/// headers.
pub(super) const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);

/// The same where one was shown. A box reports each minute and keeps its connection between two reports.
pub(super) const IDLE_WAIT_MAX: Duration = Duration::from_secs(150);

/// How long the body of a request may take (slow bodies): 256 KiB on the slowest line a school has.
pub(super) const BODY_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long what was sent may stay without an acknowledgement (slow readers) before the kernel ends the connection.
pub(super) const UNREAD_WAIT_MAX: Duration = Duration::from_secs(90);

/// How long requests under way may take once central stops.
pub(super) const STOP_WAIT_MAX: Duration = Duration::from_secs(4);

/// The longest head of a request, in bytes. Read buffers grow to it and no further; an idle connection has none.
pub(super) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Header fields a request may have.
pub(super) const FIELDS_MAX: usize = 48;

/// The longest body of a request, in bytes, where a route says nothing else: a report's bound.
pub const BODY_BYTES_MAX: usize = preau::protocol::line::BYTES_MAX;

/// The longest body of an enrolment, in bytes.
pub(super) const ENROL_BYTES_MAX: usize = 16 * 1024;

/// Connections at once. Beyond it new ones are closed at once, so that those there go on.
pub(super) const CONNECTIONS_MAX: usize = 40_000;

/// Connections from one address that have not shown a certificate. Schools may share an address, so whoever has shown one
/// is counted by school from then on.
pub(super) const STRANGERS_MAX: usize = 256;

/// Connections of one school: the live line, reports, the repository.
pub(super) const SCHOOL_CONNECTIONS_MAX: usize = 16;
