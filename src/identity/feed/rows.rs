//! The lines of a CSV delivery under their header, one at a time.

use std::io::{self, BufRead as _, Read};

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
    text: Text<R>,
    separator: u8,
    header: Vec<String>,
    extra: Extra,
    line: Vec<u8>,
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
    /// When its beginning cannot be read, or holds nothing.
    pub(super) fn new(
        from: R,
        separator: u8,
        encoding: Option<&'static Encoding>,
        extra: Extra,
    ) -> Result<Self, Break> {
        let text = Text::of_csv(from, encoding, LINE_BYTES_MAX)
            .map_err(|_| Break { line: 1, reason: Reason::Unreadable })?;
        let (line, fields) = (Vec::new(), StringRecord::new());
        let mut rows = Self { text, separator, header: Vec::new(), extra, line, fields };
        let header = match rows.read()? {
            Some(Row { fault: None, fields, .. }) if fields.len() <= COLUMNS_MAX => {
                fields.iter().map(|name| name.trim().to_owned()).collect()
            }
            Some(_) => return Err(Break { line: 1, reason: Reason::Malformed }),
            None => return Err(Break { line: 1, reason: Reason::Cut }),
        };
        rows.header = header;
        Ok(rows)
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
        let (line, was_dropped) = loop {
            let line = self.text.line();
            let Some(was_dropped) = self.read_line(line)? else { return Ok(None) };
            if was_dropped || self.fields.iter().any(|field| !field.trim().is_empty()) {
                break (line, was_dropped);
            }
        };
        let expected = self.header.len();
        let found = self.fields.len();
        let is_last = !self.line.ends_with(b"\n");
        if found < expected && is_last && !was_dropped {
            return Err(Break { line, reason: Reason::Cut });
        }
        let is_long = found > expected && self.extra == Extra::Refused && expected > 0;
        let fault = if was_dropped {
            Some(Reason::TooLarge)
        } else {
            (found < expected || is_long).then_some(Reason::Fields(found, expected))
        };
        Ok(Some(Row { line, fields: &self.fields, fault }))
    }

    /// Reads the line that begins on `line`, with those that a quoted field goes on over. Returns whether it had to be cut
    /// short, or none at the end of the file.
    fn read_line(&mut self, line: u64) -> Result<Option<bool>, Break> {
        self.line.clear();
        self.text.allow();
        let mut quotes = Quotes::FieldStart;
        let mut scanned = 0;
        loop {
            match self.text.read_until(b'\n', &mut self.line) {
                Ok(0) if self.line.is_empty() => return Ok(None),
                // The file ends inside quotes.
                Ok(0) => return Err(Break { line, reason: Reason::Cut }),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(Break { line, reason: Reason::Malformed });
                }
                Err(_) => return Err(Break { line, reason: Reason::Unreadable }),
            }
            quotes = quotes.after(&self.line[scanned..], self.separator);
            scanned = self.line.len();
            if quotes != Quotes::Inside {
                break;
            }
        }
        let was_dropped = self.text.allow();
        let mut reader = ReaderBuilder::new()
            .delimiter(self.separator)
            .has_headers(false)
            .buffer_capacity(1024)
            .from_reader(&self.line[..]);
        let is_there = reader.read_record(&mut self.fields);
        match is_there {
            Ok(true) => {}
            Ok(false) => self.fields.clear(),
            Err(_) => return Err(Break { line, reason: Reason::Malformed }),
        }
        Ok(Some(was_dropped))
    }

    /// The notes on the file as a whole, at its end.
    pub(super) fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        if let Some(line) = self.text.odd_line() {
            notes.take(NoteKind::NotUtf8, line);
        }
        notes
    }
}

/// Where in a line's quoting its bytes leave off (RFC 4180): a quote opens only at the start of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    FieldStart,
    Outside,
    Inside,
    /// Behind a quote inside quotes: the end of them, or the first of a pair.
    MaybeClosed,
}

impl Quotes {
    fn after(self, bytes: &[u8], separator: u8) -> Self {
        bytes.iter().fold(self, |state, byte| match (state, *byte) {
            (Self::Inside, b'"') => Self::MaybeClosed,
            (Self::FieldStart | Self::MaybeClosed, b'"') | (Self::Inside, _) => Self::Inside,
            (_, byte) if byte == separator || byte == b'\n' => Self::FieldStart,
            _ => Self::Outside,
        })
    }
}
