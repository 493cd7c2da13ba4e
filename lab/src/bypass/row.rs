//! One attempt: what is tried, with which programs, and what should come of it for whom.

use serde::Serialize;

use super::Scene;

/// Who plays a row, and behind what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The pupil's machine behind a plain router.
    Control,
    /// A pupil behind the box.
    Pupil,
    /// A teacher behind the box.
    Teacher,
}

impl Subject {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Control, Self::Pupil, Self::Teacher];

    /// The subject's machine.
    #[must_use]
    pub const fn machine(self) -> &'static str {
        match self {
            Self::Control | Self::Pupil => "eleve",
            Self::Teacher => "enseignant",
        }
    }

    /// The subject's word in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Pupil => "pupil",
            Self::Teacher => "teacher",
        }
    }

    /// Whether the box stands between the subject and the line.
    #[must_use]
    pub const fn is_behind_the_box(self) -> bool {
        !matches!(self, Self::Control)
    }
}

/// What should come of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It ends without what it wanted.
    Closed,
    /// It gets what it wants, because the rules allow it.
    Open,
    /// It gets what it wants and the box cannot help it, for this reason.
    OutOfReach(&'static str),
}

impl Expected {
    /// Its word in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::OutOfReach(_) => "out of reach",
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The far end's own content came; with what shows it.
    Reached(String),
    /// It did not; with what the program said.
    Stopped(String),
}

/// One attempt of the battery.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name on the command line and in results.
    pub id: &'static str,
    /// The lesson of docs/bypass.md that it belongs to (see [`super::lessons`]).
    pub lesson: u8,
    /// The programs that make the attempt, the one a pupil would name first.
    pub tools: &'static [&'static str],
    /// What is tried, as a sentence.
    pub attempt: &'static str,
    /// What should come of it for a pupil.
    pub pupil: Expected,
    /// What should come of it for a teacher.
    pub teacher: Expected,
    /// Tries it. An error means that the attempt could not even be made.
    pub play: fn(&mut Scene<'_>) -> anyhow::Result<Seen>,
}

impl Row {
    /// What should come of it for `subject`: without the box, everything works.
    #[must_use]
    pub const fn expected(&self, subject: Subject) -> Expected {
        match subject {
            Subject::Control => Expected::Open,
            Subject::Pupil => self.pupil,
            Subject::Teacher => self.teacher,
        }
    }
}
