//! The requests of an XML delivery, one at a time.
//!
//! ```xml
//! <ficAlimMENESR>
//!   <addRequest>                                  or modifyRequest, deleteRequest
//!     <operationalAttributes><attr name="categoriePersonne"><value>Eleve</value></attr></operationalAttributes>
//!     <identifier><id>9000001</id></identifier>
//!     <attributes>                                or <modifications>, of <modification name="…" operation="replace">
//!       <attr name="sn"><value>EXEMPLE</value></attr>
//!     </attributes>
//!   </addRequest>
//! </ficAlimMENESR>
//! ```
//!
//! One request is held at a time. External documents are not opened, entities of the file's own are refused, and
//! whatever the file holds, what is kept of it is bounded by [`Limits`].

use std::io::{self, Read};

use quick_xml::{
    Reader,
    errors::Error,
    events::{BytesStart, Event},
};

use super::{NoteKind, Reason, entity, note::Notes, text::Text};

/// What a file may hold, and what each bound stops.
struct Limits;

impl Limits {
    /// Markup or text between two tags, in bytes: a value of a hundred megabytes.
    const PIECE_BYTES: usize = 1 << 16;
    /// Text of one request, in bytes: a flood of long values.
    const RECORD_BYTES: usize = 1 << 20;
    /// Values of one request: a flood of empty ones.
    const VALUES: usize = 10_000;
    /// Attributes of one tag that are looked at: a flood of them.
    const TAG_ATTRIBUTES: usize = 8;
    /// Elements inside elements: a nest that fills the memory. The format has five.
    const DEPTH: usize = 8;
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Modify,
    Delete,
}

/// One attribute of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// As they stand, references resolved once.
    pub(super) values: Vec<String>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) operation: Operation,
    /// `Eleve`, `PersEducNat`, `EtabEducNat`, …; empty where the request does not say.
    pub(super) category: String,
    pub(super) id: String,
    pub(super) attributes: Vec<Attribute>,
    /// Why it cannot be taken, where that is seen already here.
    pub(super) fault: Option<Reason>,
    bytes: usize,
    values: usize,
}

/// Where a file cannot be read on.
#[derive(Debug)]
pub(super) struct Break {
    pub(super) line: u64,
    pub(super) reason: Reason,
}

/// The part of a request that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Operational,
    Identifier,
    Attributes,
    Other,
}

/// The requests of a file, one at a time.
pub(super) struct Records<R: Read> {
    reader: Reader<Text<R>>,
    piece: Vec<u8>,
    depth: usize,
    has_root: bool,
    section: Section,
    record: Option<Record>,
    /// The text of the value or identifier that is being read.
    value: Option<String>,
    /// Kinds of requests that the format does not know.
    notes: Notes,
}

impl<R: Read> Records<R> {
    /// The requests of the file `from`.
    ///
    /// # Errors
    /// When its beginning cannot be read.
    pub(super) fn new(from: R) -> io::Result<Self> {
        let mut reader = Reader::from_reader(Text::of_xml(from, Limits::PIECE_BYTES)?);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Ok(Self {
            reader,
            piece: Vec::new(),
            depth: 0,
            has_root: false,
            section: Section::Other,
            record: None,
            value: None,
            notes: Notes::default(),
        })
    }

    /// The notes on the file as a whole, at its end.
    pub(super) fn notes(mut self) -> Notes {
        if let Some(line) = self.reader.get_ref().odd_line() {
            self.notes.take(NoteKind::NotUtf8, line);
        }
        self.notes
    }

    /// The next request; none at the end of the file.
    ///
    /// # Errors
    /// Where the file cannot be read on: it is cut, not well formed, or not safe. Nothing comes after that.
    pub(super) fn read(&mut self) -> Result<Option<Record>, Break> {
        let mut piece = std::mem::take(&mut self.piece);
        loop {
            piece.clear();
            let line = self.reader.get_ref().line();
            let event = match self.reader.read_event_into(&mut piece) {
                Ok(event) => event,
                Err(error) => {
                    return Err(Break { line: self.reader.get_ref().line(), reason: reason(&error) });
                }
            };
            let was_dropped = self.reader.get_mut().allow();
            let done = self.take(&event, line).map_err(|reason| Break { line, reason })?;
            if was_dropped && let Some(record) = &mut self.record {
                let name = record.attributes.last().map_or("", |attribute| &attribute.name);
                record.fault.get_or_insert(Reason::TooLong(name.to_owned()));
            }
            if let Some(record) = done {
                self.piece = piece;
                return Ok(Some(record));
            }
            if matches!(event, Event::Eof) {
                let is_whole = self.depth == 0 && self.has_root;
                return if is_whole { Ok(None) } else { Err(Break { line, reason: Reason::Cut }) };
            }
        }
    }

    /// Takes one event that began on `line`; returns a request that it ends.
    fn take(&mut self, event: &Event<'_>, line: u64) -> Result<Option<Record>, Reason> {
        match event {
            Event::Start(tag) => self.start(tag, line)?,
            Event::End(_) => return Ok(self.end()),
            Event::Text(text) => self.text(text),
            Event::CData(text) => self.text(text),
            Event::GeneralRef(name) => match entity::character(name) {
                Some(letter) => self.text(letter.encode_utf8(&mut [0; 4])),
                None => self.fault(Reason::Entity(name.chars().take(20).collect())),
            },
            // The declarations of a file are where entities are made of entities, or of other files.
            Event::DocType(text) if text.contains('[') || text.contains("<!") => {
                return Err(Reason::Declarations);
            }
            Event::Empty(_)
            | Event::DocType(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::Eof => {}
        }
        Ok(None)
    }

    fn start(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), Reason> {
        self.depth += 1;
        if self.depth > Limits::DEPTH {
            return Err(Reason::TooDeep);
        }
        let name = tag.name();
        match (self.depth, name.as_ref()) {
            (1, _) => self.has_root = true,
            (2, name) => self.begin(name, line),
            (3, name) => {
                self.section = match name {
                    "operationalAttributes" => Section::Operational,
                    "identifier" => Section::Identifier,
                    "attributes" | "modifications" => Section::Attributes,
                    _ => Section::Other,
                };
            }
            (4, "attr" | "modification") => self.attribute(tag),
            (4, "id") if self.section == Section::Identifier => self.value = Some(String::new()),
            (5, "value") => self.value = Some(String::new()),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, line: u64) {
        let operation = match name {
            "addRequest" => Operation::Add,
            "modifyRequest" => Operation::Modify,
            "deleteRequest" => Operation::Delete,
            other => {
                self.notes.take(NoteKind::UnknownCategory(other.chars().take(40).collect()), line);
                return;
            }
        };
        self.section = Section::Other;
        self.record = Some(Record {
            line,
            operation,
            category: String::new(),
            id: String::new(),
            attributes: Vec::new(),
            fault: None,
            bytes: 0,
            values: 0,
        });
    }

    fn attribute(&mut self, tag: &BytesStart<'_>) {
        let mut name = String::new();
        let mut operation = None;
        for attribute in tag.attributes().with_checks(false).take(Limits::TAG_ATTRIBUTES).flatten() {
            match attribute.key.as_ref() {
                "name" => name = entity::unescape(&attribute.value).trim().to_owned(),
                "operation" => operation = Some(attribute.value.trim().to_owned()),
                _ => {}
            }
        }
        if let Some(word) = operation.filter(|word| word != "replace") {
            self.fault(Reason::Operation(word.chars().take(20).collect()));
        }
        if self.section == Section::Attributes
            && let Some(record) = &mut self.record
        {
            let room = record.room(name.len());
            if room {
                record.attributes.push(Attribute { name, values: Vec::new() });
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let (Some(value), Some(record)) = (&mut self.value, &mut self.record) {
            record.bytes += text.len();
            if record.bytes > Limits::RECORD_BYTES {
                record.fault.get_or_insert(Reason::TooLarge);
            } else {
                value.push_str(text);
            }
        }
    }

    fn end(&mut self) -> Option<Record> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        match depth {
            2 => return self.record.take(),
            3 => self.section = Section::Other,
            4 | 5 => {
                if let (Some(value), Some(record)) = (self.value.take(), &mut self.record) {
                    record.keep(self.section, value);
                }
            }
            _ => {}
        }
        None
    }

    fn fault(&mut self, reason: Reason) {
        if let Some(record) = &mut self.record {
            record.fault.get_or_insert(reason);
        }
    }
}

impl Record {
    /// Counts another attribute or value of `bytes`; whether there is room for it.
    fn room(&mut self, bytes: usize) -> bool {
        self.values += 1;
        self.bytes += bytes;
        let fits = self.values <= Limits::VALUES && self.bytes <= Limits::RECORD_BYTES;
        if !fits {
            self.fault.get_or_insert(Reason::TooLarge);
        }
        fits
    }

    fn keep(&mut self, section: Section, value: String) {
        if !self.room(0) {
            return;
        }
        match section {
            Section::Operational => value.trim().clone_into(&mut self.category),
            Section::Identifier => value.trim().clone_into(&mut self.id),
            Section::Attributes => {
                if let Some(attribute) = self.attributes.last_mut() {
                    attribute.values.push(value);
                }
            }
            Section::Other => {}
        }
    }
}

/// What an error of the reader means for the one who sent the file.
fn reason(error: &Error) -> Reason {
    match error {
        Error::Io(cause) if cause.kind() != io::ErrorKind::FileTooLarge => Reason::Unreadable,
        // Markup that is not closed at the end of the file.
        Error::Syntax(fault) if *fault != quick_xml::errors::SyntaxError::InvalidBangMarkup => Reason::Cut,
        _ => Reason::Malformed,
    }
}
