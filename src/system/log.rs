//! How the log leaves the program: a record a line on standard error, as text, as the service manager's journal wants it, or as
//! JSON for collectors.
//!
//! ```text
//! 2026-11-23T07:10:00.123456Z  INFO the line is back               text, with colours on a terminal
//! <6>the line is back                                              where the journal listens: level first (sd-daemon(3))
//! {"at":"2026-11-23T07:10:00.123456Z","level":"info","message":"the line is back"}
//! ```
//!
//! In JSON each field of a record stands beside these three under its own name; `spans` has the names of what it happened in.
//!
//! The last [`RECENT_MAX`] lines stay in memory as text, for a technician who works at the box from afar ([`recent`]).

use std::{
    collections::VecDeque,
    env, fmt, io,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Full, Writer},
        time::{FormatTime as _, SystemTime},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// What the records look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For people, or for the journal where it listens.
    #[default]
    Text,
    /// For collectors.
    Json,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("write `text` or `json`".to_owned()),
        }
    }
}

/// What is told where nobody says otherwise. WireGuard's library would tell of single packets.
const TOLD: &str = "info,gotatun=off";

/// Begins the log of the program in this form. `variable` of the environment may say what is told, such as `debug`; `info` and
/// above where it does not.
pub fn begin(form: Form, variable: &str) {
    let told = EnvFilter::try_from_env(variable).unwrap_or_else(|_| EnvFilter::new(TOLD));
    let log = tracing_subscriber::fmt().with_env_filter(told).with_writer(std::io::stderr);
    // Set where standard error is the journal's socket (systemd.exec(5)).
    let is_journal = env::var_os("JOURNAL_STREAM").is_some();
    match form {
        Form::Json => log.with_ansi(false).event_format(Json).finish().with(memory()).init(),
        Form::Text if is_journal => {
            log.with_ansi(false).event_format(Journal::default()).finish().with(memory()).init();
        }
        Form::Text => log.with_target(false).finish().with(memory()).init(),
    }
}

/// Lines that stay in memory.
pub const RECENT_MAX: usize = 200;

/// The longest line that stays in memory, in bytes; what is longer is cut.
const LINE_BYTES_MAX: usize = 500;

/// The last lines of this program's log. There is one log a program.
static RECENT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The last lines that were logged, the oldest first, [`RECENT_MAX`] at most; none where the log was not begun.
#[must_use]
pub fn recent() -> Vec<String> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// What keeps the last lines, beside what writes them.
fn memory<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    tracing_subscriber::fmt::layer().with_ansi(false).with_target(false).with_writer(|| Memory)
}

/// Keeps the last lines.
struct Memory;

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines() {
            // Colours of the spans that the terminal's own form has.
            let mut line: String = line.chars().filter(|c| !c.is_control()).collect();
            line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
            if recent.len() >= RECENT_MAX {
                recent.pop_front();
            }
            recent.push_back(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The journal's own words go without time, which it has itself.
#[derive(Debug)]
struct Journal(Format<Full, ()>);

impl Default for Journal {
    fn default() -> Self {
        Self(tracing_subscriber::fmt::format().without_time().with_level(false).with_target(false))
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// The level as syslog counts (RFC 5424 section 6.2.1).
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[derive(Debug)]
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields(mut record) = fields;
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        record.insert("at".to_owned(), Value::from(at));
        record
            .insert("level".to_owned(), Value::from(event.metadata().level().as_str().to_ascii_lowercase()));
        let spans: Vec<Value> = context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
            .map(|span| Value::from(span.name()))
            .collect();
        if !spans.is_empty() {
            record.insert("spans".to_owned(), Value::from(spans));
        }
        writeln!(writer, "{}", Value::Object(record))
    }
}

/// The fields of a record.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of one warning with fields, in a span.
    fn told<E>(form: E) -> String
    where
        E: FormatEvent<tracing_subscriber::Registry, tracing_subscriber::fmt::format::DefaultFields>
            + Send
            + Sync
            + 'static,
    {
        let written = Written::default();
        let into = written.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || into.clone());
        tracing::subscriber::with_default(log.event_format(form).finish(), || {
            let _span = tracing::info_span!("connection", id = 7).entered();
            tracing::warn!(cause = "a \"word\"", free_bytes = 12_u64, "the disk\nis full");
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_record_in_json_is_one_line_with_its_fields_beside_it() {
        let told = told(Json);
        assert_eq!(told.matches('\n').count(), 1, "{told}");
        let mut record: Value = serde_json::from_str(&told).unwrap();
        let at = record.as_object_mut().unwrap().remove("at").unwrap();
        assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
        let expected = serde_json::json!({
            "level": "warn", "message": "the disk\nis full", "cause": "a \"word\"", "free_bytes": 12,
            "spans": ["connection"],
        });
        assert_eq!(record, expected);
    }

    #[test]
    fn the_last_lines_stay_in_memory_bounded_in_number_and_length_and_without_colours() {
        let log = tracing_subscriber::registry().with(memory());
        tracing::subscriber::with_default(log, || {
            for number in 0..RECENT_MAX + 5 {
                tracing::warn!(number, "the disk is full");
            }
            tracing::info!("\u{1b}[31m{}", "é".repeat(LINE_BYTES_MAX));
        });
        let recent = recent();
        assert_eq!(recent.len(), RECENT_MAX);
        assert!(recent[0].contains("the disk is full number=6"), "{}", recent[0]);
        let last = recent.last().unwrap();
        assert!(last.len() <= LINE_BYTES_MAX && !last.contains('\u{1b}'), "{last}");
    }

    #[test]
    fn the_journal_is_told_the_level_first_and_no_time() {
        let told = told(Journal::default());
        assert!(told.starts_with("<4>connection{id=7}: the disk"), "{told}");
    }
}
