//! The bounds of the authority, each with what it is for.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How long a box may have been off and still come back by itself: a summer, a closed school, a year. It renews a
/// certificate that ended meanwhile, and knows an authority that signs by then. As long as the channel's metadata hold.
pub const AWAY_MAX: Duration = DAY.saturating_mul(400);

/// How long a box's certificate holds: what a stolen key is good for where central cannot be asked.
pub(super) const BOX_LIFE: Duration = DAY.saturating_mul(30);

/// How long a certificate of central's own listener holds. Its key never leaves the process.
pub(super) const SERVER_LIFE: Duration = DAY.saturating_mul(90);

/// When it is replaced.
pub(super) const SERVER_RENEWED_AFTER: Duration = DAY.saturating_mul(60);

/// Certificates begin so long before they are made: clocks differ.
pub(super) const BACKDATED: Duration = Duration::from_secs(3600);

/// How long a token is good.
pub const TOKEN_LIFE: Duration = DAY.saturating_mul(14);

/// How long after a token was spent the same box may ask once more: its answer may have been lost.
pub(super) const REPEAT_MAX: Duration = Duration::from_secs(3600);

/// The longest certificate request, in bytes of PEM. One with a P-256 key has about 500.
pub(super) const REQUEST_BYTES_MAX: usize = 4096;

/// Certificates a school may be given within a day: a box that asks in a loop fills no table.
pub(super) const CERTIFICATES_A_DAY_MAX: i64 = 24;

/// Wrong tokens from one address within [`TRIES_WITHIN`]. 128 bits are not guessed; this keeps the work of refusing small.
pub(super) const TRIES_MAX: u32 = 20;

/// See [`TRIES_MAX`].
pub(super) const TRIES_WITHIN: Duration = Duration::from_secs(900);

/// Addresses remembered for it; more than so many at once are all refused for the rest of [`TRIES_WITHIN`].
pub(super) const TRIERS_MAX: usize = 4096;

/// The longest setup, in bytes: the configuration's own bound.
pub const SETUP_BYTES_MAX: usize = 1 << 20;

/// How often the register and the folder of keys are read again, for what no signal told: a command on a machine with
/// SQLite revokes a box within this.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(5);

/// Keys for the tunnel that a school's box may have accepted within a day: one that asks in a loop changes nothing for others.
pub(super) const TUNNEL_KEYS_A_DAY_MAX: i64 = 24;

/// How old a box's key in the tunnel may become before it is told to make another one.
pub const TUNNEL_KEY_LIFE: Duration = DAY.saturating_mul(180);
