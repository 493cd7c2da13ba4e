//! The bounds of the concentrator, each with the attack or cost it stops.

use std::time::Duration;

/// How long a command of `wg` or `ip` may take. With 10,000 peers `wg syncconf` takes well under a second.
pub(super) const COMMAND_WAIT_MAX: Duration = Duration::from_secs(10);

/// How often WireGuard is held to what is wanted, for what no signal told.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often while a box changes its key: this long a connection inside may stand still.
pub(super) const LOOK_OFTEN: Duration = Duration::from_millis(500);

/// How long signals are gathered: a list of schools that is entered at once is one change.
pub(super) const GATHER: Duration = Duration::from_millis(200);

/// Connections at once on the way through TCP. Each has a socket and some buffers; beyond it new ones are closed at once.
pub(super) const CONNECTIONS_MAX: usize = 4096;

/// Connections from one source, an IPv4 address or an IPv6 network of 64 bits. Schools behind one address have one each.
pub(super) const SOURCE_CONNECTIONS_MAX: usize = 64;

/// How long TLS may take: a slow handshake holds a place.
pub(super) const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Handshakes of TLS under way at once; each costs a millisecond of a core.
pub(super) const HANDSHAKES_MAX: usize = 128;

/// How long a connection may stand without an answer of WireGuard: whoever has no key of ours gets none. A box tries each five
/// seconds.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// How long to wait when the kernel gives no connection, such as when the process has no descriptor left.
pub(super) const ACCEPT_WAIT: Duration = Duration::from_millis(200);

/// The same once it was answered: a box that is there shakes hands each two minutes.
pub(super) const QUIET_MAX: Duration = Duration::from_secs(300);
