//! The figures: what was measured, each time, and how they are shown.

use std::{fmt, fs, thread};

use serde::Serialize;

use super::statistics::{median, range};

/// One figure, measured several times.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// The middle of all runs.
    pub median: f64,
    /// Each run, in order.
    pub runs: Vec<f64>,
}

/// What a run of all measurements found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The processor, by its own name.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// The kernel's version.
    pub kernel: String,
    /// The machine's load (mean number of tasks that run or wait to) over the last minute, at each round.
    pub load: Vec<f64>,
    /// The figures, in the order of the course.
    pub figures: Vec<Figure>,
}

impl Report {
    /// A report without figures, of this machine.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            ..Self::default()
        }
    }

    /// Notes the load of the moment.
    pub(super) fn note_load(&mut self) {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        self.load.extend(text.split(' ').next().and_then(|word| word.parse::<f64>().ok()));
    }

    /// Adds one run of the figure called `what`.
    pub(super) fn add(&mut self, what: &str, unit: &'static str, value: f64) {
        let place = self.figures.iter().position(|figure| figure.what == what && figure.unit == unit);
        match place.and_then(|place| self.figures.get_mut(place)) {
            Some(figure) => {
                figure.runs.push(value);
                figure.median = median(&figure.runs).unwrap_or(value);
            }
            None => {
                self.figures.push(Figure { what: what.to_owned(), unit, median: value, runs: vec![value] });
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, processors, kernel, load, figures } = self;
        let (least, most) = range(load).unwrap_or_default();
        writeln!(f, "{processors} x {processor}, Linux {kernel}, load {least:.1} to {most:.1}\n")?;
        writeln!(f, "| what | median | lowest..highest | runs | unit |\n|---|--:|--:|--:|---|")?;
        for Figure { what, unit, median, runs } in figures {
            let (least, most) = range(runs).unwrap_or_default();
            let (median, range) = (shown(*median), format!("{}..{}", shown(least), shown(most)));
            writeln!(f, "| {what} | {median} | {range} | {} | {unit} |", runs.len())?;
        }
        Ok(())
    }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_figure_make_one_row_with_their_median() {
        let mut report = Report::default();
        for value in [3.0, 200.0, 12.34] {
            report.add("dns, blocked", "us", value);
        }
        report.add("dns, blocked", "1/s", 5.0);
        let text = report.to_string();
        assert!(text.contains("| dns, blocked | 12.3 | 3.00..200 | 3 | us |\n"), "{text}");
        assert!(text.contains("| dns, blocked | 5.00 | 5.00..5.00 | 1 | 1/s |\n"), "{text}");
    }
}
