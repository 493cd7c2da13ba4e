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
    /// The directory of the school.
    pub directory: DirectoryStatus,
    /// The rules in force.
    pub rules: Vec<RuleFileStatus>,
    /// When the configuration in force was read, RFC 3339 in UTC.
    pub configured: String,
    /// Why the last reload was refused, if it was: the configuration before it is still in force.
    pub reload_refused: Option<String>,
    /// What was read but takes effect only at a restart, if anything.
    pub restart_wanted: Option<String>,
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
    /// What the channel brought that is not in force, and why.
    pub refused: Option<String>,
}

impl fmt::Display for CentralStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrolled, reached, since, trouble, policy, lists, refused } = self;
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
            Some(number) => writeln!(f, "          policy {number}, lists {lists}")?,
            None => writeln!(f, "          no policy yet, the configuration file's rules are in force")?,
        }
        refused.iter().try_for_each(|why| writeln!(f, "          NOT IN FORCE: {why}"))
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
        self.directory.fmt(f)?;
        writeln!(f, "rules     read {}", self.configured)?;
        for file in &self.rules {
            writeln!(f, "          {} of {} ({})", file.rules, file.level, file.path)?;
        }
        if let Some(why) = &self.restart_wanted {
            writeln!(f, "restart   WANTED: {why}")?;
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

    #[test]
    fn what_is_closed_doubted_refused_or_wants_a_restart_stands_out() {
        let status = Status {
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
                refused: Some("lists 4: digest".to_owned()),
            },
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
            restart_wanted: Some("another certificate".to_owned()),
        };
        assert_eq!(
            status.to_string(),
            "preau 0.1.0 at Collège d'Exemple, running since 2026-11-23T07:00:00.000Z\n\
             gate      CLOSED\n\
             journal   open\n\
             clock     IN DOUBT, timetables are at their stricter side: it is behind a time already seen\n\
             people    3 signed in, 4 leases\n\
             tunnels   DNS TUNNELS held: 2 clients\n\
             machines  TWO WITH ONE HARDWARE ADDRESS in the last hour: 1 address\n\
             ent       AWAY, the passwords for the days without Internet count\n\
             central   NOT REACHED since 2026-11-23T07:10:00.000Z: it does not answer\n          \
             policy 12, lists 3\n          \
             NOT IN FORCE: lists 4: digest\n\
             directory UNREADABLE, who was in force still is: the disk refuses\n\
             directory 612 persons, 3 left within three months\n          \
             feed 1, Complet aaf of 2026-11-20, took effect\n          \
             feed 2, Complet aaf of 2026-11-27, HELD: too many would leave\n          \
             2 records not taken; see `preau accounts quarantine`\n\
             calendar  the school calendar ends\n\
             rules     read 2026-11-23T08:00:00.000Z\n          \
             12 of academie (academie.toml)\n\
             restart   WANTED: another certificate\n\
             reload    REFUSED, the configuration before it is in force:\n\
             preau.toml:4: school.uai: wrong\n"
        );
    }
}
