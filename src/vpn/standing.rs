//! How the tunnel stands, for whoever asks.

use std::fmt;

use super::keeper::Way;
use crate::model::Moment;

/// How the tunnel stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the académie is reached.
    pub up: bool,
    /// Since when it is so.
    pub since: Option<Moment>,
    /// The concentrator that is used or tried, counted from 1 in the order of preference.
    pub concentrator: usize,
    /// By which way.
    pub way: Way,
    /// The last handshake with it.
    pub handshake: Option<Moment>,
    /// How much of the last minute's questions through the tunnel was lost, in percent.
    pub lost_percent: Option<u8>,
    /// The longest packet that was carried whole, in bytes.
    pub mtu: Option<u16>,
    /// What was tried since it was last up: handshakes and changes.
    pub tried: u32,
    /// Why it is down, where that is known.
    pub trouble: Option<Trouble>,
}

/// Why the tunnel is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The clock is so far ahead that a handshake would shut the box out for years: none is sent.
    ClockAhead,
    /// The clock is behind a handshake that was taken, and nobody answers: the clock must be set, or another key made.
    ClockBehind,
    /// There is no interface: neither the kernel makes one nor a program.
    NoInterface,
    /// Nobody says where the concentrator is.
    NameUnknown,
    /// Nothing comes back, and somebody else answers in the concentrator's place: lines of hotels and other guests do so until
    /// somebody has confirmed their page.
    Captive,
    /// The line gives no signal.
    LineDown,
    /// The interface, its routes or the program `wg` refuse.
    Refused,
    /// Nothing comes back.
    Silent,
}

/// For technicians: a fragment.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockAhead => "the clock is too far ahead to be shown to a concentrator; set it",
            Self::ClockBehind => "the clock is behind an earlier handshake; set it, or have another key made",
            Self::NoInterface => {
                "there is no interface: the kernel makes neither one of WireGuard nor one for a program (/dev/net/tun)"
            }
            Self::Captive => "the line asks for a page to be confirmed, or is read: somebody else answers for the concentrator",
            Self::NameUnknown => "no resolver says where the concentrator is",
            Self::LineDown => "the line gives no signal",
            Self::Refused => "the interface cannot be set up; see the log",
            Self::Silent => "no concentrator answers",
        })
    }
}
