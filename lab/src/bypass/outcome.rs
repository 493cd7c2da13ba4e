//! What came of the rows, held against what should have.

use std::fmt;

use serde::Serialize;

use super::{Expected, Row, Seen, Subject};

/// What a play is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What should have come of it did.
    AsExpected,
    /// It got through, and the row says why the box cannot help it.
    Explained,
    /// It got through, and nothing explains it.
    UnexplainedPass,
    /// Something allowed did not come.
    FalseAlarm,
    /// It does not even work without the box: the row proves nothing.
    ToolBroken,
    /// It could not be tried.
    NotPlayed,
}

impl Verdict {
    /// Whether the battery can end well with it.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::AsExpected | Self::Explained)
    }
}

/// One row played by one subject.
#[derive(Clone, Debug, Serialize)]
pub struct Play {
    /// Who played it.
    pub subject: Subject,
    /// What should have come of it.
    pub expected: &'static str,
    /// Why it may get through, where it may.
    pub reason: Option<&'static str>,
    /// Whether it got through.
    pub reached: bool,
    /// What was seen.
    pub seen: String,
    /// What it is worth.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

impl Play {
    pub(super) fn new(
        row: &Row,
        subject: Subject,
        result: anyhow::Result<Seen>,
        elapsed: std::time::Duration,
    ) -> Self {
        let expected = row.expected(subject);
        let verdict = match (&result, expected) {
            (Err(_), _) => Verdict::NotPlayed,
            (Ok(Seen::Stopped(_)), Expected::Open) if subject == Subject::Control => Verdict::ToolBroken,
            (Ok(Seen::Stopped(_)), Expected::Open) => Verdict::FalseAlarm,
            (Ok(Seen::Reached(_)), Expected::Closed) => Verdict::UnexplainedPass,
            (Ok(Seen::Reached(_)), Expected::OutOfReach(_)) => Verdict::Explained,
            (Ok(Seen::Reached(_)), Expected::Open)
            | (Ok(Seen::Stopped(_)), Expected::Closed | Expected::OutOfReach(_)) => Verdict::AsExpected,
        };
        let (reached, seen) = match result {
            Ok(Seen::Reached(what)) => (true, what),
            Ok(Seen::Stopped(what)) => (false, what),
            Err(cause) => (false, format!("{cause:#}")),
        };
        let reason = match expected {
            Expected::OutOfReach(reason) => Some(reason),
            Expected::Closed | Expected::Open => None,
        };
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Self { subject, expected: expected.word(), reason, reached, seen, verdict, milliseconds }
    }
}

/// One row played by every subject.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The row's name.
    pub row: &'static str,
    /// Its lesson.
    pub lesson: u8,
    /// Its programs.
    pub tools: &'static [&'static str],
    /// What was tried.
    pub attempt: &'static str,
    /// What came of it, in the order of [`Subject::ALL`].
    pub plays: Vec<Play>,
}

impl Outcome {
    /// Whether every play is good.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.plays.iter().all(|play| play.verdict.is_good())
    }
}

/// The battery in one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Attempts that a pupil must not bring off.
    pub attempts: usize,
    /// Those of them that ended closed.
    pub closed: usize,
    /// Those that got through, each with its reason.
    pub out_of_reach: usize,
    /// Those that got through without one.
    pub unexplained: usize,
    /// Allowed things, a pupil's or a teacher's.
    pub allowed: usize,
    /// Those of them that did not come.
    pub false_alarms: usize,
    /// Closed things that a teacher got all the same.
    pub teacher_passes: usize,
    /// Plays that proved nothing: they do not work without the box, or could not be tried.
    pub broken: usize,
}

impl Score {
    /// Counts.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut score = Self::default();
        for play in outcomes.iter().flat_map(|outcome| &outcome.plays) {
            score.count(play);
        }
        score
    }

    fn count(&mut self, play: &Play) {
        if matches!(play.verdict, Verdict::ToolBroken | Verdict::NotPlayed) {
            self.broken += 1;
        }
        if play.subject == Subject::Control {
            return;
        }
        if play.expected == Expected::Open.word() {
            self.allowed += 1;
            self.false_alarms += usize::from(play.verdict == Verdict::FalseAlarm);
        } else if play.subject == Subject::Pupil {
            self.attempts += 1;
            let stopped = !play.reached && play.verdict != Verdict::NotPlayed;
            self.closed += usize::from(stopped);
            self.out_of_reach += usize::from(play.verdict == Verdict::Explained);
            self.unexplained += usize::from(play.verdict == Verdict::UnexplainedPass);
        } else {
            self.teacher_passes += usize::from(play.verdict == Verdict::UnexplainedPass);
        }
    }

    /// Whether the battery ends well.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.unexplained == 0 && self.false_alarms == 0 && self.teacher_passes == 0 && self.broken == 0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attempts,
            closed,
            out_of_reach,
            unexplained,
            allowed,
            false_alarms,
            teacher_passes,
            broken,
        } = self;
        write!(
            formatter,
            "{closed} of {attempts} closed to a pupil; {out_of_reach} out of reach, each explained; {unexplained} \
             unexplained. {} of {allowed} allowed things came",
            allowed - false_alarms
        )?;
        if *teacher_passes > 0 {
            write!(formatter, "; {teacher_passes} closed things came to a teacher")?;
        }
        if *broken > 0 {
            write!(formatter, "; {broken} plays proved nothing")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ROW: Row = Row {
        id: "essai",
        lesson: 1,
        tools: &["dig"],
        attempt: "an attempt",
        pupil: Expected::Closed,
        teacher: Expected::Open,
        play: |_| Ok(Seen::Stopped(String::new())),
    };

    fn check(row: &Row, subject: Subject, result: anyhow::Result<Seen>, expected: Verdict) -> Play {
        let play = Play::new(row, subject, result, Duration::ZERO);
        assert_eq!(play.verdict, expected, "{subject:?}");
        play
    }

    fn reached() -> anyhow::Result<Seen> {
        Ok(Seen::Reached("page".to_owned()))
    }

    fn stopped() -> anyhow::Result<Seen> {
        Ok(Seen::Stopped("refused".to_owned()))
    }

    #[test]
    fn what_a_pupil_brings_off_is_a_pass_and_what_a_teacher_misses_a_false_alarm() {
        check(&ROW, Subject::Control, reached(), Verdict::AsExpected);
        check(&ROW, Subject::Control, stopped(), Verdict::ToolBroken);
        check(&ROW, Subject::Pupil, reached(), Verdict::UnexplainedPass);
        check(&ROW, Subject::Pupil, stopped(), Verdict::AsExpected);
        check(&ROW, Subject::Teacher, stopped(), Verdict::FalseAlarm);
        check(&ROW, Subject::Teacher, Err(anyhow::anyhow!("no such program")), Verdict::NotPlayed);
        let far = Row { pupil: Expected::OutOfReach("it cannot be seen"), ..ROW };
        check(&far, Subject::Pupil, reached(), Verdict::Explained);
        check(&far, Subject::Pupil, stopped(), Verdict::AsExpected);
    }

    #[test]
    fn a_score_is_good_only_without_passes_alarms_and_broken_plays() {
        let score = |plays: Vec<Play>| {
            Score::of(&[Outcome { row: "essai", lesson: 1, tools: &[], attempt: "", plays }])
        };
        let good = score(vec![
            check(&ROW, Subject::Control, reached(), Verdict::AsExpected),
            check(&ROW, Subject::Pupil, stopped(), Verdict::AsExpected),
            check(&ROW, Subject::Teacher, reached(), Verdict::AsExpected),
        ]);
        assert!(good.is_good());
        assert!(good.to_string().starts_with("1 of 1 closed to a pupil; 0 out of reach"), "{good}");
        assert!(!score(vec![check(&ROW, Subject::Pupil, reached(), Verdict::UnexplainedPass)]).is_good());
        assert!(!score(vec![check(&ROW, Subject::Control, stopped(), Verdict::ToolBroken)]).is_good());
        assert!(!score(vec![check(&ROW, Subject::Teacher, stopped(), Verdict::FalseAlarm)]).is_good());
    }
}
