//! Why something of the channel was not taken.

use std::fmt;

use super::source::Fault;
use crate::protocol::line::Refused;

/// Why something was not taken. Each has one word on the live line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The clock is in doubt and nobody told a time to go by.
    Clock,
    /// A file is not the one that was signed for.
    Digest,
    /// The disk refused something else than room.
    Disk,
    /// The signatures have run out.
    Expired,
    /// Central told of a newer view than the repository shows.
    Frozen,
    /// Metadata of different states of the repository are mixed.
    Mixed,
    /// The disk is full, or would be.
    NoRoom,
    /// It is another school's.
    NotForUs,
    /// A role names what it is not trusted for.
    OutOfRole,
    /// It is older than what the box has.
    Rollback,
    /// It was refused by the judge of rules.
    Rules,
    /// Too few of the trusted keys signed it.
    Signature,
    /// It is longer than anything of its kind.
    TooLarge,
    /// No source answered, or none answered well.
    Unreachable,
    /// It cannot be read, or this version of the program does not know its form.
    Unreadable,
}

impl Why {
    /// The word for it on the live line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Digest => "digest",
            Self::Disk => "disk",
            Self::Expired => "expired",
            Self::Frozen => "frozen",
            Self::Mixed => "mixed",
            Self::NoRoom => "no-room",
            Self::NotForUs => "not-for-us",
            Self::OutOfRole => "out-of-role",
            Self::Rollback => "rollback",
            Self::Rules => "rules",
            Self::Signature => "signature",
            Self::TooLarge => "too-large",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Something that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// A sentence for the technician.
    pub sentence: String,
}

impl Refusal {
    pub(super) fn new(why: Why, sentence: impl Into<String>) -> Self {
        Self { why, sentence: sentence.into() }
    }

    /// As it is told on the live line: `what` was refused, its number or version there.
    pub(super) fn told(&self, what: &str, number: u64) -> Refused {
        Refused {
            what: what.to_owned(),
            number,
            why: self.why.word().to_owned(),
            sentence: self.sentence.clone(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.why.word(), self.sentence)
    }
}

impl std::error::Error for Refusal {}

/// What the disk refused.
impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        let full = matches!(
            error.kind(),
            std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::QuotaExceeded
                | std::io::ErrorKind::FileTooLarge
        );
        let why = if full { Why::NoRoom } else { Why::Disk };
        Self::new(why, format!("the box cannot keep what it fetched: {error}"))
    }
}

/// What a source did not give.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let why = match fault {
            Fault::TooLarge => Why::TooLarge,
            Fault::Missing | Fault::Slow | Fault::Failed(_) => Why::Unreachable,
        };
        Self::new(why, fault.to_string())
    }
}

/// What tough found wrong with the metadata.
impl From<tough::error::Error> for Refusal {
    fn from(error: tough::error::Error) -> Self {
        use tough::error::Error as E;
        if let E::Transport { source, .. } = &error {
            return of_transport(source);
        }
        let why = match &error {
            E::OlderMetadata { .. }
            | E::OlderSnapshotInTimestamp { .. }
            | E::SnapshotRoleMissing { .. }
            | E::SnapshotRoleRollback { .. } => Why::Rollback,
            E::VerifyMetadata { .. } | E::VerifyTrustedMetadata { .. } => Why::Signature,
            E::VersionMismatch { .. } | E::HashMismatch { .. } => Why::Mixed,
            E::MaxUpdatesExceeded { .. } | E::MaxSizeExceeded { .. } => Why::TooLarge,
            E::InvalidPath { .. } => Why::OutOfRole,
            E::DatastoreCreate { source, .. }
            | E::DatastoreOpen { source, .. }
            | E::DatastoreRemove { source, .. } => {
                return Self::from(std::io::Error::from(source.kind()));
            }
            _ => Why::Unreadable,
        };
        Self::new(why, chain(&error))
    }
}

/// What came out of a fetch: the source's own fault, or what tough found of its length or digest.
fn of_transport(error: &tough::TransportError) -> Refusal {
    use std::error::Error as _;
    let Some(cause) = error.source() else {
        return Refusal::new(Why::NotForUs, "the repository holds no view for this school");
    };
    if let Some(fault) = cause.downcast_ref::<Fault>() {
        let why = if matches!(fault, Fault::TooLarge) { Why::TooLarge } else { Why::Unreachable };
        return Refusal::new(why, fault.to_string());
    }
    match cause.downcast_ref::<tough::error::Error>() {
        Some(tough::error::Error::MaxSizeExceeded { max_size, .. }) => Refusal::new(
            Why::TooLarge,
            format!(
                "a file of the metadata is longer than {max_size} bytes; the repository or somebody before it sends what was never signed"
            ),
        ),
        Some(tough::error::Error::HashMismatch { .. }) => {
            Refusal::new(Why::Mixed, "a file of the metadata is not the one that the newest state names")
        }
        _ => Refusal::new(Why::Unreachable, "the repository did not give a file of the metadata"),
    }
}

/// The error and its causes on one line, without the cause that is written in it already.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
