//! What the daemon says of itself, on the wire of the control socket.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A running daemon at one moment. Counts only: no person, no site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// When it started, RFC 3339 in UTC.
    pub started: String,
    /// The school's name.
    pub school: String,
    /// Whether the kernel lets new forwarded flows pass.
    pub gate_open: bool,
    /// Whether the journal takes records; if not, people are refused everything.
    pub journal_open: bool,
    /// People signed in.
    pub sessions: usize,
    /// DHCP leases held.
    pub leases: usize,
    /// The rules in force.
    pub rules: Vec<RuleFileStatus>,
    /// When the configuration in force was read, RFC 3339 in UTC.
    pub configured: String,
    /// Why the last reload was refused, if it was: the configuration before it is still in force.
    pub reload_refused: Option<String>,
}

/// One file of rules in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFileStatus {
    /// The file.
    pub path: String,
    /// Its level.
    pub level: String,
    /// How many rules it holds.
    pub rules: usize,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |yes| if yes { "open" } else { "CLOSED" };
        writeln!(f, "preau {} at {}, running since {}", self.version, self.school, self.started)?;
        writeln!(f, "gate      {}", word(self.gate_open))?;
        writeln!(f, "journal   {}", word(self.journal_open))?;
        writeln!(f, "people    {} signed in, {} leases", self.sessions, self.leases)?;
        writeln!(f, "rules     read {}", self.configured)?;
        for file in &self.rules {
            writeln!(f, "          {:>4} of {} ({})", file.rules, file.level, file.path)?;
        }
        match &self.reload_refused {
            None => Ok(()),
            Some(why) => writeln!(f, "reload    REFUSED, the configuration before it is in force:\n{why}"),
        }
    }
}
