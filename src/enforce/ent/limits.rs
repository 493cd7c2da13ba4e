//! Every bound of signing in at the ENT in one place, each with the attack or cost it stops.

use std::time::Duration;

/// How long somebody may take at the ENT: long enough to find a forgotten password.
pub(super) const DEPARTURE_LIFETIME: Duration = Duration::from_secs(600);

/// People on the way to the ENT at once: a school's whole morning.
pub(super) const DEPARTURES_MAX: usize = 4096;

/// Those of one machine: a pupil who reloads does not push out the others.
pub(super) const DEPARTURES_OF_MACHINE_MAX: usize = 8;

/// Tickets being asked about at once, in all; each holds a connection to the ENT.
pub(super) const QUESTIONS_MAX: usize = 64;

/// How long a return may wait for its turn to ask the ENT: five hundred at eight o'clock get theirs within it.
pub(super) const QUESTION_WAIT_MAX: Duration = Duration::from_secs(20);

/// Sessions remembered for the day the ENT ends them; the oldest makes room.
pub(super) const ENT_SESSIONS_MAX: usize = 8192;

/// Longest ticket or code that is passed on, in bytes (CAS 3.0.3 section 3.1.1 asks for 256).
pub(super) const TICKET_BYTES_MAX: usize = 2048;

/// How often the box looks whether the ENT is there, while it is.
pub(super) const LOOK_REACHABLE: Duration = Duration::from_secs(60);

/// How soon it looks a second time after a first failure.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often it looks while the ENT is away.
pub(super) const LOOK_AWAY: Duration = Duration::from_secs(10);

/// How old the last look may be when somebody wants to sign in; an older one is taken again at once.
pub(super) const LOOK_FRESH: Duration = Duration::from_secs(5);

/// How long a look may take. An ENT that needs longer for a page cannot be signed in at.
pub(super) const LOOK_TIME_MAX: Duration = Duration::from_secs(4);

/// Looks that fail in a row before the ENT counts as away: one lost packet sends nobody to their offline password.
pub(super) const FAILURES_UNTIL_AWAY: u32 = 2;

/// How long the provider's description of itself is believed (OpenID Connect Discovery).
pub(super) const DISCOVERY_KEPT: Duration = Duration::from_secs(3600);

/// How far the ENT's clock may be behind the box's, for the end of an id token.
pub(super) const CLOCK_SKEW: Duration = Duration::from_secs(120);
