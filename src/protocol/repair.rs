//! A technician's session at a box: the acts there are, how it stands, and how the tunnel does.
//!
//! A session is opened and ended by orders of the live line ([`What::OpenRepair`], [`What::EndRepair`]), and each act in it is
//! one more ([`What::Repair`]). [`RepairAct`] is the whole vocabulary: there is no order that runs a command, reads a file or
//! opens a shell, and what is not in the list cannot be read as an order.
//!
//! [`What::OpenRepair`]: super::line::What::OpenRepair
//! [`What::EndRepair`]: super::line::What::EndRepair
//! [`What::Repair`]: super::line::What::Repair

use serde::{Deserialize, Serialize};

/// How long a session may last, in minutes.
pub const REPAIR_MINUTES: [u64; 3] = [15, 30, 60];

/// The longest name of a technician and the longest reason, in characters.
pub const REPAIR_NAME_CHARS_MAX: usize = 100;
/// See [`REPAIR_NAME_CHARS_MAX`].
pub const REPAIR_REASON_CHARS_MAX: usize = 300;

/// What a technician may have done at a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepairAct {
    /// Tell the last lines of the daemon's log. They are about the machine: no account, address or name stands in them.
    Log,
    /// Tell how far the line reaches, step by step: signal, resolvers, central, concentrators.
    Line,
    /// Compare the packet filter in the kernel with the one that is meant, and load it again.
    Rules,
    /// Raise the tunnel anew.
    Tunnel,
}

impl RepairAct {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Log, Self::Line, Self::Rules, Self::Tunnel];

    /// The word it is told, kept and sent by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Line => "line",
            Self::Rules => "rules",
            Self::Tunnel => "tunnel",
        }
    }

    /// The act of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.word() == word)
    }
}

/// How the last session at a box stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Its number, as the order that opened it had it.
    pub session: u64,
    /// How it ended: `time`, `school`, `central`, `restart`; empty while it is open.
    pub ended: String,
    /// When it ended, or was opened, by the box's clock, in seconds of Unix time.
    pub at: i64,
}

/// How the tunnel to the académie stands. No person's address is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelTold {
    /// Whether the académie is reached.
    pub up: bool,
    /// Since when it is so, in seconds of Unix time; 0 where that is not known.
    pub since: i64,
    /// `udp`, or `tls` where the line lets nothing else through.
    pub way: String,
    /// The concentrator used or tried, counted from 1 in the order of preference.
    pub concentrator: u64,
    /// The last handshake with any concentrator, in seconds of Unix time; 0 for none.
    pub handshake: i64,
    /// How much of the last minute's questions through it was lost, in per mille; none where none were asked.
    pub lost_permille: Option<u64>,
    /// What was tried since it was last up: handshakes and changes.
    pub tried: u64,
    /// Why it is down: `clock-ahead`, `clock-behind`, `no-interface`, `name-unknown`, `captive`, `line-down`, `refused`,
    /// `silent`; empty where it is up.
    pub trouble: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_acts_are_the_whole_vocabulary() {
        let words = RepairAct::ALL.map(RepairAct::word);
        assert_eq!(words, ["log", "line", "rules", "tunnel"]);
        for act in RepairAct::ALL {
            assert_eq!(serde_json::to_value(act).unwrap(), act.word());
            assert_eq!(RepairAct::read(act.word()), Some(act));
        }
        for other in ["shell", "exec", "read", "", "Log", "log "] {
            assert_eq!(RepairAct::read(other), None, "{other}");
            assert!(serde_json::from_value::<RepairAct>(other.into()).is_err(), "{other}");
        }
    }
}
