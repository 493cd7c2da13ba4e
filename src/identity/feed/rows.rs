//! The lines of a CSV delivery under their header, one at a time.

use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::Encoding;

use super::{NoteKind, Reason, note::Notes, records::Break, text::Text};

/// The longest line in bytes; a quote that is never closed makes one line of the whole file.
const LINE_BYTES_MAX: usize = 1 << 16;

/// The most columns.
const COLUMNS_MAX: usize = 500;

/// What fields beyond the header are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// More of the last column.
    Kept,
    /// A fault of the line, such as a separator in a field without quotes.
    Refused,
}

/// The lines of a CSV file.
pub(super) struct Rows<R: Read> {
    reader: csv::Reader<Text<R>>,
    header: Vec<String>,
    extra: Extra,
    fields: StringRecord,
}

/// A line, or why it cannot be taken.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) fields: &'a StringRecord,
    pub(super) fault: Option<Reason>,
}

impl<R: Read> Rows<R> {
    /// The lines of `from`, its fields parted by `separator`.
    ///
    /// # Errors
    /// When its beginning cannot be read.
    pub(super) fn new(
        from: R,
        separator: u8,
        encoding: Option<&'static Encoding>,
        extra: Extra,
    ) -> Result<Self, Break> {
        let broken = |_| Break { line: 1, reason: Reason::Unreadable };
        let text = Text::of_csv(from, encoding, LINE_BYTES_MAX).map_err(broken)?;
        let mut reader =
            ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text);
        let mut fields = StringRecord::new();
        let is_there = reader.read_record(&mut fields).map_err(|error| broken_at(&error, 1))?;
        if !is_there || fields.len() > COLUMNS_MAX {
            let reason = if is_there { Reason::Malformed } else { Reason::Cut };
            return Err(Break { line: 1, reason });
        }
        let header = fields.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Self { reader, header, extra, fields })
    }

    /// The names of the columns, spaces around them removed.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next line that holds something; none at the end of the file.
    ///
    /// # Errors
    /// Where the file cannot be read on.
    pub(super) fn read(&mut self) -> Result<Option<Row<'_>>, Break> {
        let line = loop {
            let line = self.reader.position().line();
            self.reader.get_mut().allow();
            match self.reader.read_record(&mut self.fields) {
                Ok(true) if self.fields.iter().all(|field| field.trim().is_empty()) => {}
                Ok(true) => break self.fields.position().map_or(line, csv::Position::line),
                Ok(false) => return Ok(None),
                Err(error) => return Err(broken_at(&error, line)),
            }
        };
        let was_dropped = self.reader.get_mut().allow();
        let is_short = self.fields.len() < self.header.len();
        if is_short && self.reader.get_ref().has_ended_within_a_line() {
            return Err(Break { line, reason: Reason::Cut });
        }
        let expected = self.header.len();
        let is_wrong = is_short || (self.extra == Extra::Refused && self.fields.len() > expected);
        let fault = if was_dropped {
            Some(Reason::TooLarge)
        } else {
            is_wrong.then(|| Reason::Fields(self.fields.len(), expected))
        };
        Ok(Some(Row { line, fields: &self.fields, fault }))
    }

    /// The notes on the file as a whole, at its end.
    pub(super) fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        if let Some(line) = self.reader.get_ref().odd_line() {
            notes.take(NoteKind::NotUtf8, line);
        }
        notes
    }
}

fn broken_at(error: &csv::Error, line: u64) -> Break {
    let reason = match error.kind() {
        csv::ErrorKind::Io(cause) if cause.kind() != io::ErrorKind::FileTooLarge => Reason::Unreadable,
        _ => Reason::Malformed,
    };
    Break { line, reason }
}
