//! The live line: one request that waits.
//!
//! A box sends its [`Report`] to `POST /v1/line` and central holds the answer back, for a minute at most, until there is
//! something to say. The request is the heartbeat, the answer is the event: one connection a box, and nothing in between
//! needs to know what an event stream is. What cannot wait for the next heartbeat goes to `POST /v1/report` beside it,
//! which is answered at once.
//!
//! **When it is answered.** At once where there is something the box was not told yet (its [`Report::heard`] says what it
//! was); else as soon as there is, or when the minute is over.
//!
//! **Order and repetition.** Reports of one start of the daemon are numbered; central takes a later one only. Orders are
//! numbered per school, later ones higher; they stay until they are acknowledged or have expired, and a box does each once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::repair::{Repair, RepairAct, TunnelTold};

/// The longest report or answer, in bytes.
pub const BYTES_MAX: usize = 256 * 1024;

/// Where a report goes whose answer may wait.
pub const LINE_PATH: &str = "/v1/line";

/// Where a report goes that is answered at once.
pub const REPORT_PATH: &str = "/v1/report";

/// How long central holds an answer back at most; it takes up to ten seconds less, so that boxes do not come in step.
pub const HOLD_MAX: Duration = Duration::from_secs(55);

/// What a box says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Drawn anew at each start of the daemon, 16 bytes in hexadecimal.
    pub start: String,
    /// Counts up within a start.
    pub number: u64,
    /// What the last answer told.
    #[serde(default)]
    pub heard: Heard,
    /// The box's clock, in seconds of Unix time.
    pub at: i64,
    /// Whether it believes its clock.
    pub clock_trusted: bool,
    /// The version of the program.
    pub version: String,
    /// How many seconds the daemon has run.
    pub up_seconds: u64,
    /// Whether pupils' web is open: the daemon runs and the journal takes records.
    pub open: bool,
    /// What is in force.
    pub in_force: InForce,
    /// What is wrong, the gravest first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Figures of the machine and of its use; none about a person.
    #[serde(default)]
    pub figures: Figures,
    /// What became of orders, told until central has answered a report that held it.
    #[serde(default)]
    pub done: Vec<Done>,
    /// Requests that a teacher or the referent passed on, told as above.
    #[serde(default)]
    pub passed_on: Vec<PassedOn>,
    /// How the last session of a technician stands; none where there never was one, which a central of any age understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
}

/// What a box was told last. All zero after a start: then everything is told again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// The version of the view.
    pub view: u64,
    /// The highest number of an order.
    pub order: u64,
}

/// What of the channel is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// The version of the view's timestamp that was last taken whole; 0 for none.
    pub view: u64,
    /// The number of the policy index.
    pub policy: u64,
    /// The edition of the lists.
    pub lists: u64,
    /// The sequence of the last delivery of accounts that was received.
    pub accounts: u64,
    /// Why something newer was not taken, if so: a word of the channel's and a sentence for the technician.
    #[serde(default)]
    pub refused: Option<Refused>,
}

/// Something in the channel that the box did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What it was: `view`, `policy`, `lists`, `accounts`.
    pub what: String,
    /// Its number or version there; 0 where it could not be read.
    pub number: u64,
    /// Why: such as `rollback`, `expired`, `signature`, `too-large`, `not-for-us`, `unreadable`, `no-room`.
    pub why: String,
    /// A sentence for the technician.
    pub sentence: String,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// A word for what it is, such as `line-down` or `disk-full`.
    pub code: String,
    /// `wrong` for what somebody must come for, `warning` for what somebody should look at, `notice` for what is to be known.
    pub severity: String,
}

/// The words that boxes of this version say for what is wrong.
pub const FINDING_CODES: [&str; 21] = [
    "gate-closed",
    "journal-silent",
    "line-down",
    "resolver-silent",
    "ent-away",
    "directory-unreadable",
    "feeds-held",
    "records-quarantined",
    "calendar-ends",
    "clock-in-doubt",
    "disk-nearly-full",
    "lists-old",
    "download-waits",
    "certificate-ended",
    "certificate-ends",
    "configuration-refused",
    "certificate-awaited",
    "machines-doubled",
    "tunnels-held",
    "tunnel-down",
    "channel-damaged",
];

/// Figures. Zero where they are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Figures {
    /// Room on the disk of the state, in bytes.
    pub disk_free_bytes: u64,
    /// Its size, in bytes.
    pub disk_bytes: u64,
    /// Memory of the daemon, in bytes.
    pub memory_bytes: u64,
    /// Persons signed in.
    pub signed_in: u64,
    /// Machines seen.
    pub machines: u64,
    /// Sign-ins refused since the daemon started.
    pub sign_ins_refused: u64,
    /// Questions allowed since the daemon started.
    pub allowed: u64,
    /// Questions refused since the daemon started.
    pub refused: u64,
    /// Days until the portal's certificate ends.
    pub certificate_days: u64,
    /// Packages of the library that are here or wanted here, at most [`SHELVED_MAX`]; none where the school has no library.
    pub library: Vec<Shelved>,
    /// How the tunnel stands; none where the box has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<TunnelTold>,
}

/// Packages of the library that a report names: a school has tens of them.
pub const SHELVED_MAX: usize = 200;

/// How a package of the library stands at the school. How it is used, and by whom, is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shelved {
    /// Its identifier in the catalogue.
    pub id: String,
    /// The version that can be read there; 0 for none.
    pub version: u64,
    /// What is missing there of the version that the catalogue offers, in bytes; 0 where it is whole or not wanted.
    pub missing_bytes: u64,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The order.
    pub order: u64,
    /// Whether it was carried out.
    pub well: bool,
    /// What came of it, or why not: text for the technician, such as the diagnostics asked for.
    #[serde(default)]
    pub text: String,
}

/// A site that a school asks the académie to open, or to close. No person is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassedOn {
    /// Its number in the school.
    pub number: u64,
    /// The site.
    pub site: String,
    /// `open` or `close`.
    pub wish: String,
    /// The class it is for; empty for the whole school.
    pub class: String,
    /// How many persons asked.
    pub askers: u64,
    /// What the teacher or the referent says of it; empty for nothing.
    pub word: String,
    /// When it was passed on, in seconds of Unix time.
    pub at: i64,
}

/// What central answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Central's clock, in seconds of Unix time.
    pub at: i64,
    /// The version of the view's timestamp that is published: the box fetches it where its own is lower.
    pub view: u64,
    /// Orders that are not acknowledged yet. Each is read by itself, see [`Order::read`].
    #[serde(default)]
    pub orders: Vec<serde_json::Value>,
    /// Whether what the report told ([`Report::done`], [`Report::passed_on`]) is kept: it need not be told again.
    #[serde(default)]
    pub kept: bool,
    /// How many seconds the box is to wait before it reports again; more than a moment when central is pressed.
    #[serde(default)]
    pub wait_seconds: u64,
    /// The version of the tunnel's parameters: the box asks for them where it has another. Zero where there are none.
    #[serde(default)]
    pub tunnel: u64,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its number for this school.
    pub number: u64,
    /// After this it is not carried out any more, in seconds of Unix time.
    pub expires: i64,
    /// What is to be done.
    pub what: What,
}

impl Order {
    /// The order in `value`; only its number where the box does not know what it asks for.
    ///
    /// # Errors
    /// The number of an order that cannot be read, or none where it has none.
    pub fn read(value: &serde_json::Value) -> Result<Self, Option<u64>> {
        Self::deserialize(value).map_err(|_| value.get("number").and_then(serde_json::Value::as_u64))
    }
}

/// What an order asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do", deny_unknown_fields)]
pub enum What {
    /// Look at the machine and tell what `preau status` tells.
    Diagnose {},
    /// Look for something newer in the channel at once.
    Fetch {},
    /// Renew the certificate towards central now.
    RenewCertificate {},
    /// Tell what was counted of this day so far.
    SendCounts {},
    /// Make another key for the tunnel and have it accepted.
    ChangeTunnelKey {},
    /// The answer to a site that was passed on.
    AnswerRequest {
        /// Its number in the school.
        request: u64,
        /// The site it is about: a box that took another's place counts its requests anew.
        site: String,
        /// Whether the wish was granted.
        granted: bool,
        /// A sentence for those who asked; empty for none.
        sentence: String,
    },
    /// Open a technician's session: it ends when the order expires, or earlier.
    OpenRepair {
        /// Its number, never given twice for a school.
        session: u64,
        /// The technician's name, for the school.
        by: String,
        /// Why, for the school.
        reason: String,
        /// How long it lasts at most by the time the machine runs, whatever its clock says.
        minutes: u64,
    },
    /// End a technician's session.
    EndRepair {
        /// Its number.
        session: u64,
    },
    /// Do something in a technician's session.
    Repair {
        /// Its number: without an open session of that number nothing is done.
        session: u64,
        /// What.
        act: RepairAct,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_not_known_still_tells_its_number() {
        let order = serde_json::json!({"number": 7, "expires": 9, "what": {"do": "dance"}});
        assert_eq!(Order::read(&order), Err(Some(7)));
        let order = serde_json::json!({"number": 7, "expires": 9, "what": {"do": "fetch"}});
        assert_eq!(Order::read(&order), Ok(Order { number: 7, expires: 9, what: What::Fetch {} }));
        assert_eq!(Order::read(&serde_json::json!([])), Err(None));
    }

    #[test]
    fn an_act_of_repair_that_is_not_in_the_list_is_no_order() {
        for (act, is_known) in [("log", true), ("shell", false), ("exec", false), ("read-file", false)] {
            let what = serde_json::json!({"do": "repair", "session": 3, "act": act});
            let order = Order::read(&serde_json::json!({"number": 7, "expires": 9, "what": what}));
            assert_eq!(order.is_ok(), is_known, "{act}");
            assert!(is_known || order == Err(Some(7)), "{act} is refused by its number");
        }
        let what = serde_json::json!({"do": "repair", "session": 3, "act": "log", "command": "id"});
        let order = serde_json::json!({"number": 7, "expires": 9, "what": what});
        assert_eq!(Order::read(&order), Err(Some(7)), "nothing rides along");
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let report = Report { start: "ab".into(), number: 3, open: true, ..Report::default() };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
