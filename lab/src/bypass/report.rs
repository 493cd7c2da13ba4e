//! The battery on paper: a table for a terminal, and the published one.

use std::fmt::Write as _;

use super::{Expected, Outcome, Row, Subject, Verdict, lessons::LESSONS, rows::all};

/// The most that is shown of what a program said, in characters.
const SAID_MAX: usize = 300;

/// One row of the table in a terminal: a line for the row, and one for each play that is not as it should be.
#[must_use]
pub fn table(outcome: &Outcome) -> String {
    let mark = if outcome.is_good() { '✓' } else { '✗' };
    let tool = outcome.tools.first().copied().unwrap_or("-");
    let tool = tool.rsplit('/').next().unwrap_or(tool);
    let mut text = format!("{mark} {:<27}{tool:<12}", outcome.row);
    for play in &outcome.plays {
        let seen = if play.reached { "open" } else { "closed" };
        let seen = if play.verdict == Verdict::NotPlayed { "not played" } else { seen };
        let word = match play.verdict {
            Verdict::AsExpected => seen.to_owned(),
            Verdict::Explained => "out of reach".to_owned(),
            Verdict::UnexplainedPass | Verdict::FalseAlarm | Verdict::ToolBroken | Verdict::NotPlayed => {
                format!("{seen}, not {}", play.expected)
            }
        };
        write!(text, "{word:<24}").expect("writing to a string cannot fail");
    }
    let seconds = outcome.plays.iter().map(|play| play.milliseconds).max().unwrap_or_default() / 100;
    write!(text, "{:>3}.{} s", seconds / 10, seconds % 10).expect("writing to a string cannot fail");
    for play in outcome.plays.iter().filter(|play| !play.verdict.is_good()) {
        let lines: Vec<&str> = play.seen.lines().collect();
        let last = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default();
        let said: String = last.join(" / ").chars().take(SAID_MAX).collect();
        write!(text, "\n    {} ({}): {said}", play.subject.word(), outcome.attempt)
            .expect("writing to a string cannot fail");
    }
    text
}

/// The head of [`table`].
#[must_use]
pub fn table_head() -> String {
    let [control, pupil, teacher] = Subject::ALL.map(Subject::word);
    format!("  {:<27}{:<12}{control:<24}{pupil:<24}{teacher:<24}", "row", "tool")
}

/// `docs/bypass.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for lesson in &LESSONS {
        let rows: Vec<&Row> = all().filter(|row| row.lesson == lesson.number).collect();
        line(&mut text, &format!("\n## {}. {}\n", lesson.number, lesson.title));
        if !rows.is_empty() {
            line(&mut text, "| row | tool | attempt | pupil | teacher |\n|---|---|---|---|---|");
        }
        for Row { id, tools, attempt, pupil, teacher, .. } in &rows {
            let tools = tools.join(", ");
            let (pupil, teacher) = (pupil.word(), teacher.word());
            line(&mut text, &format!("| `{id}` | {tools} | {attempt} | {pupil} | {teacher} |"));
        }
        for row in &rows {
            if let Expected::OutOfReach(reason) = row.pupil {
                line(&mut text, &format!("\n`{}` is out of reach: {reason}.", row.id));
            }
        }
        if let Some(note) = lesson.note {
            line(&mut text, &format!("\n{note}"));
        }
    }
    text
}

fn line(text: &mut String, more: &str) {
    writeln!(text, "{more}").expect("writing to a string cannot fail");
}

const INTRODUCTION: &str = "\
# Ways round the filter, and what comes of them

`preau-lab bypass` plays each row below with the real program in the lab: behind a plain router, where it must work; as a
pupil; as a teacher. The last two columns say what must come of it. *Closed*: the content of the far end is not seen;
*open*: it is, because the rules allow it; *out of reach*: it is and the box cannot help it, for the reason that stands
below the table. The command fails on any pass without such a reason, on anything allowed that does not come, and on any
row that does not work without the box; `lab/tests/bypass.rs` runs it with the other tests. This page is made by `preau-lab
bypass --markdown`.

In the battery's school, sites of games, web proxies and tunnels are closed to pupils and open to teachers; resolvers over
HTTPS and TLS are closed to everybody.
";
