//! What the daemon says of itself, on the wire of the control socket.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ent::warm::Told;
use crate::vpn;

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
    /// What speaks against the machine's clock, if anything does: timetables are then at their stricter side.
    pub clock_in_doubt: Option<String>,
    /// People signed in.
    pub sessions: usize,
    /// DHCP leases held.
    pub leases: usize,
    /// Clients held back for the time being because they carry data in DNS names.
    pub tunnels_held: usize,
    /// Hardware addresses that two machines used at once within the last hour: somebody copies one.
    pub machines_doubled: usize,
    /// Whether the school's ENT answers; none where it has none.
    pub ent_answers: Option<bool>,
    /// How the box stands with the académie's central.
    pub central: CentralStatus,
    /// The tunnel to the académie; none where the box has none.
    pub tunnel: Option<TunnelStatus>,
    /// The directory of the school.
    pub directory: DirectoryStatus,
    /// The rules in force.
    pub rules: Vec<RuleFileStatus>,
    /// When the configuration in force was read, RFC 3339 in UTC.
    pub configured: String,
    /// Why the last reload was refused, if it was: the configuration before it is still in force.
    pub reload_refused: Option<String>,
    /// The portal's certificate, in words: until when, and what is to come.
    pub certificate: Option<String>,
    /// What was fetched ahead for the ENT's cache in the last night; none where nothing is to be.
    pub warm: Option<WarmStatus>,
}

/// What was fetched ahead in the last night.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmStatus {
    /// Addresses that are kept.
    pub kept: u64,
    /// Addresses that are not.
    pub refused: u64,
    /// Bytes that came over the line.
    pub bytes: u64,
    /// All of it in words.
    pub night: String,
}

impl WarmStatus {
    pub(super) fn of(told: &Told) -> Self {
        Self { kept: told.kept, refused: told.refused(), bytes: told.bytes, night: told.to_string() }
    }
}

/// The académie's central, as the box meets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentralStatus {
    /// Whether the box is enrolled.
    pub enrolled: bool,
    /// Whether the last request was answered.
    pub reached: bool,
    /// Since when it is so, RFC 3339 in UTC; none before the first try.
    pub since: Option<String>,
    /// Why the last request was not answered, if it was not.
    pub trouble: Option<String>,
    /// The number of the policy in force; none where the configuration file's own rules are.
    pub policy: Option<u64>,
    /// The edition of the lists in force; 0 before the first.
    pub lists: u64,
    /// What is large and waits for its turn on the line, and for what.
    pub waits: Option<String>,
    /// The last delivery of accounts that was received; 0 before the first.
    pub accounts: u64,
    /// What the channel brought that is not in force, and why.
    pub refused: Option<String>,
}

impl fmt::Display for CentralStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrolled, reached, since, trouble, policy, lists, accounts, waits, refused } = self;
        if !enrolled {
            return writeln!(f, "central   not enrolled; see `preau enrol`");
        }
        let since = since.as_deref().unwrap_or("the start");
        match (reached, trouble) {
            (true, _) => writeln!(f, "central   reached since {since}")?,
            (false, Some(why)) => writeln!(f, "central   NOT REACHED since {since}: {why}")?,
            (false, None) => writeln!(f, "central   not tried yet")?,
        }
        match policy {
            Some(number) => writeln!(f, "          policy {number}, lists {lists}, accounts {accounts}")?,
            None => {
                writeln!(f, "          no policy given yet, the configuration file's rules are in force")?
            }
        }
        waits.iter().try_for_each(|what| writeln!(f, "          {what}"))?;
        refused.iter().try_for_each(|why| writeln!(f, "          NOT IN FORCE: {why}"))
    }
}

/// The tunnel to the académie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelStatus {
    /// Whether the académie is reached.
    pub up: bool,
    /// Since when it is so, RFC 3339 in UTC.
    pub since: Option<String>,
    /// The concentrator used or tried, counted from 1 in the order of preference.
    pub concentrator: usize,
    /// `udp`, or `tls` where the line lets nothing else through.
    pub way: String,
    /// The last handshake with any concentrator, RFC 3339 in UTC.
    pub handshake: Option<String>,
    /// How much of the last minute's questions through it was lost, in percent.
    pub lost_percent: Option<u8>,
    /// The longest packet that was carried whole, in bytes.
    pub mtu: Option<u16>,
    /// What was tried since it was last up.
    pub tried: u32,
    /// Why it is down, if it is, and what to do.
    pub trouble: Option<String>,
}

impl TunnelStatus {
    pub(super) fn of(standing: &vpn::Standing) -> Self {
        let vpn::Standing { up, since, concentrator, way, handshake, lost_percent, mtu, tried, trouble } =
            standing;
        Self {
            up: *up,
            since: since.map(|since| since.to_string()),
            concentrator: *concentrator,
            way: match way {
                vpn::Way::Udp => "udp".to_owned(),
                vpn::Way::Tls => "tls".to_owned(),
            },
            handshake: handshake.map(|handshake| handshake.to_string()),
            lost_percent: *lost_percent,
            mtu: *mtu,
            tried: *tried,
            trouble: trouble.map(|trouble| trouble.to_string()),
        }
    }
}

impl fmt::Display for TunnelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { up, since, concentrator, way, handshake, lost_percent, mtu, tried, trouble } = self;
        let since = since.as_deref().unwrap_or("the start");
        match up {
            true => writeln!(f, "tunnel    up since {since}, concentrator {concentrator} over {way}")?,
            false => {
                let why = trouble.as_deref().unwrap_or("no concentrator answers");
                writeln!(f, "tunnel    DOWN since {since}: {why}")?;
                writeln!(f, "          concentrator {concentrator} over {way} is tried, {tried} attempts")?;
            }
        }
        write!(f, "          last handshake {}", handshake.as_deref().unwrap_or("never"))?;
        if let Some(percent) = lost_percent {
            write!(f, ", {percent} % lost in the last minute")?;
        }
        if let Some(mtu) = mtu {
            write!(f, ", packets of up to {mtu} bytes")?;
        }
        writeln!(f)
    }
}

/// The school's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryStatus {
    /// Persons who may sign in.
    pub persons: u64,
    /// Persons who left and are not deleted yet.
    pub in_trash: u64,
    /// Records of feeds that could not be taken and that nobody dismissed.
    pub quarantined: u64,
    /// The last feed that took effect, in words.
    pub last: Option<String>,
    /// The feeds that wait, in words: until when, or what holds them.
    pub waiting: Vec<String>,
    /// What to do about the school calendar, if anything.
    pub calendar: Option<String>,
    /// Why the directory cannot be read or written, if so: the persons in force before are.
    pub trouble: Option<String>,
}

impl fmt::Display for DirectoryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { persons, in_trash, quarantined, last, waiting, calendar, trouble } = self;
        if let Some(why) = trouble {
            writeln!(f, "directory UNREADABLE, who was in force still is: {why}")?;
        }
        write!(f, "directory {persons} persons")?;
        if *in_trash > 0 {
            write!(f, ", {in_trash} left within three months")?;
        }
        writeln!(f)?;
        for line in last.iter().chain(waiting) {
            writeln!(f, "          {line}")?;
        }
        if *quarantined > 0 {
            writeln!(f, "          {quarantined} records not taken; see `preau accounts quarantine`")?;
        }
        calendar.iter().try_for_each(|warning| writeln!(f, "calendar  {warning}"))
    }
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
        if let Some(why) = &self.clock_in_doubt {
            writeln!(f, "clock     IN DOUBT, timetables are at their stricter side: {why}")?;
        }
        writeln!(f, "people    {} signed in, {} leases", self.sessions, self.leases)?;
        match self.tunnels_held {
            0 => {}
            1 => writeln!(f, "tunnels   DNS TUNNELS held: 1 client")?,
            clients => writeln!(f, "tunnels   DNS TUNNELS held: {clients} clients")?,
        }
        match self.machines_doubled {
            0 => {}
            1 => writeln!(f, "machines  TWO WITH ONE HARDWARE ADDRESS in the last hour: 1 address")?,
            addresses => {
                writeln!(
                    f,
                    "machines  TWO WITH ONE HARDWARE ADDRESS in the last hour: {addresses} addresses"
                )?;
            }
        }
        match self.ent_answers {
            None => {}
            Some(true) => writeln!(f, "ent       answers")?,
            Some(false) => writeln!(f, "ent       AWAY, the passwords for the days without Internet count")?,
        }
        self.central.fmt(f)?;
        self.tunnel.iter().try_for_each(|tunnel| tunnel.fmt(f))?;
        self.directory.fmt(f)?;
        writeln!(f, "rules     read {}", self.configured)?;
        for file in &self.rules {
            writeln!(f, "          {} of {} ({})", file.rules, file.level, file.path)?;
        }
        if let Some(standing) = &self.certificate {
            writeln!(f, "portal    {standing}")?;
        }
        if let Some(warm) = &self.warm {
            writeln!(f, "warm-up   {}", warm.night)?;
        }
        match &self.reload_refused {
            None => Ok(()),
            Some(why) => writeln!(f, "reload    REFUSED, the configuration before it is in force:\n{why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of which everything wants somebody's look.
    fn troubled() -> Status {
        Status {
            version: "0.1.0".to_owned(),
            started: "2026-11-23T07:00:00.000Z".to_owned(),
            school: "Collège d'Exemple".to_owned(),
            gate_open: false,
            journal_open: true,
            clock_in_doubt: Some("it is behind a time already seen".to_owned()),
            sessions: 3,
            leases: 4,
            tunnels_held: 2,
            machines_doubled: 1,
            ent_answers: Some(false),
            central: CentralStatus {
                enrolled: true,
                reached: false,
                since: Some("2026-11-23T07:10:00.000Z".to_owned()),
                trouble: Some("it does not answer".to_owned()),
                policy: Some(12),
                lists: 3,
                waits: Some("12 MB wait for their window".to_owned()),
                accounts: 5,
                refused: Some("lists 4: digest".to_owned()),
            },
            tunnel: Some(TunnelStatus {
                up: false,
                since: Some("2026-11-23T07:20:00.000Z".to_owned()),
                concentrator: 2,
                way: "udp".to_owned(),
                handshake: Some("2026-11-23T07:19:00.000Z".to_owned()),
                lost_percent: None,
                mtu: Some(1408),
                tried: 12,
                trouble: Some("no concentrator answers".to_owned()),
            }),
            directory: DirectoryStatus {
                persons: 612,
                in_trash: 3,
                quarantined: 2,
                last: Some("feed 1, Complet aaf of 2026-11-20, took effect".to_owned()),
                waiting: vec!["feed 2, Complet aaf of 2026-11-27, HELD: too many would leave".to_owned()],
                calendar: Some("the school calendar ends".to_owned()),
                trouble: Some("the disk refuses".to_owned()),
            },
            rules: vec![RuleFileStatus {
                path: "academie.toml".to_owned(),
                level: "academie".to_owned(),
                rules: 12,
            }],
            configured: "2026-11-23T08:00:00.000Z".to_owned(),
            reload_refused: Some("preau.toml:4: school.uai: wrong".to_owned()),
            certificate: Some("its certificate ends 2026-12-01T00:00:00.000Z".to_owned()),
            warm: Some(WarmStatus { night: "nothing yet".to_owned(), ..WarmStatus::default() }),
        }
    }

    #[test]
    fn what_is_closed_doubted_refused_or_wants_a_restart_stands_out() {
        assert_eq!(
            troubled().to_string(),
            "preau 0.1.0 at Collège d'Exemple, running since 2026-11-23T07:00:00.000Z\n\
             gate      CLOSED\n\
             journal   open\n\
             clock     IN DOUBT, timetables are at their stricter side: it is behind a time already seen\n\
             people    3 signed in, 4 leases\n\
             tunnels   DNS TUNNELS held: 2 clients\n\
             machines  TWO WITH ONE HARDWARE ADDRESS in the last hour: 1 address\n\
             ent       AWAY, the passwords for the days without Internet count\n\
             central   NOT REACHED since 2026-11-23T07:10:00.000Z: it does not answer\n          \
             policy 12, lists 3, accounts 5\n          \
             12 MB wait for their window\n          \
             NOT IN FORCE: lists 4: digest\n\
             tunnel    DOWN since 2026-11-23T07:20:00.000Z: no concentrator answers\n          \
             concentrator 2 over udp is tried, 12 attempts\n          \
             last handshake 2026-11-23T07:19:00.000Z, packets of up to 1408 bytes\n\
             directory UNREADABLE, who was in force still is: the disk refuses\n\
             directory 612 persons, 3 left within three months\n          \
             feed 1, Complet aaf of 2026-11-20, took effect\n          \
             feed 2, Complet aaf of 2026-11-27, HELD: too many would leave\n          \
             2 records not taken; see `preau accounts quarantine`\n\
             calendar  the school calendar ends\n\
             rules     read 2026-11-23T08:00:00.000Z\n          \
             12 of academie (academie.toml)\n\
             portal    its certificate ends 2026-12-01T00:00:00.000Z\n\
             warm-up   nothing yet\n\
             reload    REFUSED, the configuration before it is in force:\n\
             preau.toml:4: school.uai: wrong\n"
        );
    }
}
