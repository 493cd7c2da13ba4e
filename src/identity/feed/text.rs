//! The bytes of a delivered file as UTF-8, piece by piece, with the line that has been reached.
//!
//! What a file says of its encoding is believed where it names one that is not UTF-8. Otherwise it is UTF-8, and a byte
//! that cannot be is read as ISO-8859-15: school software that declares nothing, or wrongly UTF-8, writes that.
//!
//! A reader of markup or lines keeps what it reads until it meets an end. [`Text::allow`] says how much that may be:
//! past it the text up to the next `until` byte is dropped, once; what goes on after that is an error.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 15;

/// Bytes within which a file says what its encoding is.
const DECLARATION_BYTES: usize = 256;

/// The bytes of a file as UTF-8.
pub(super) struct Text<R> {
    from: R,
    decoding: Decoding,
    /// What the file begins with, read to find its encoding, not decoded yet.
    raw: Vec<u8>,
    chunk: Vec<u8>,
    has_ended: bool,
    ready: Vec<u8>,
    /// How much of `ready` has been taken.
    taken: usize,
    line: u64,
    odd_line: Option<u64>,
    until: u8,
    allowance: usize,
    left: usize,
    overrun: Overrun,
}

enum Decoding {
    /// The bytes of a character cut by the end of a piece.
    Utf8 {
        held: Vec<u8>,
    },
    Declared(Box<Decoder>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Overrun {
    None,
    Dropped,
}

impl<R: Read> Text<R> {
    /// The text of an XML file. What is read at once ends at `<`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn of_xml(from: R, allowance: usize) -> io::Result<Self> {
        let mut text = Self::new(from, None, b'<', allowance)?;
        if let Some(encoding) = declared(&text.raw) {
            text.decode_as(encoding);
        }
        Ok(text)
    }

    /// The text of a CSV file, in `encoding` or in UTF-8 as far as it is. What is read at once ends at a line's end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn of_csv(from: R, encoding: Option<&'static Encoding>, allowance: usize) -> io::Result<Self> {
        Self::new(from, encoding, b'\n', allowance)
    }

    fn new(
        mut from: R,
        encoding: Option<&'static Encoding>,
        until: u8,
        allowance: usize,
    ) -> io::Result<Self> {
        let mut raw = Vec::new();
        let declaration_bytes = u64::try_from(DECLARATION_BYTES).unwrap_or(u64::MAX);
        from.by_ref().take(declaration_bytes).read_to_end(&mut raw)?;
        let mark = Encoding::for_bom(&raw);
        let mut text = Self {
            from,
            decoding: Decoding::Utf8 { held: Vec::new() },
            raw,
            chunk: Vec::new(),
            has_ended: false,
            ready: Vec::new(),
            taken: 0,
            line: 1,
            odd_line: None,
            until,
            allowance,
            left: allowance,
            overrun: Overrun::None,
        };
        if let Some((_, length)) = mark {
            text.raw.drain(..length);
        }
        if let Some(encoding) = mark.map(|(encoding, _)| encoding).or(encoding) {
            text.decode_as(encoding);
        }
        Ok(text)
    }

    fn decode_as(&mut self, encoding: &'static Encoding) {
        if encoding != UTF_8 {
            self.decoding = Decoding::Declared(Box::new(encoding.new_decoder_without_bom_handling()));
        }
    }

    /// The line that has been reached, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The line near which bytes were first read as what the file does not say, where that was so.
    pub(super) fn odd_line(&self) -> Option<u64> {
        self.odd_line
    }

    /// Allows the next piece of markup, or the next line, its full length. Returns whether the one before was cut short.
    pub(super) fn allow(&mut self) -> bool {
        self.left = self.allowance;
        std::mem::replace(&mut self.overrun, Overrun::None) == Overrun::Dropped
    }

    /// Decodes another piece into `ready`, which has been taken whole. Nothing is added at the end of the file.
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        while self.ready.is_empty() && !self.has_ended {
            let is_odd = if self.raw.is_empty() {
                self.chunk.resize(CHUNK_BYTES, 0);
                let read = match self.from.read(&mut self.chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                self.has_ended = read == 0;
                self.decoding.decode(&self.chunk[..read], self.has_ended, &mut self.ready)
            } else {
                let beginning = std::mem::take(&mut self.raw);
                self.decoding.decode(&beginning, false, &mut self.ready)
            };
            if is_odd && self.odd_line.is_none() {
                self.odd_line = Some(self.line);
            }
        }
        Ok(())
    }

    /// Takes everything before the next `until` byte.
    fn drop_rest(&mut self) -> io::Result<()> {
        loop {
            if self.taken == self.ready.len() {
                self.refill()?;
            }
            let rest = &self.ready[self.taken..];
            let end = rest.iter().position(|byte| *byte == self.until);
            let length = end.unwrap_or(rest.len());
            self.advance(length);
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, length: usize) {
        let end = self.ready.len().min(self.taken + length);
        let lines = self.ready[self.taken..end].iter().filter(|byte| **byte == b'\n').count();
        self.line += u64::try_from(lines).unwrap_or(u64::MAX);
        self.taken = end;
    }
}

impl Decoding {
    /// Adds `bytes` to `text`; returns whether some of them were not what the file says.
    fn decode(&mut self, bytes: &[u8], is_last: bool, text: &mut Vec<u8>) -> bool {
        match self {
            Self::Utf8 { held } => {
                if held.is_empty() {
                    decode_utf8(bytes, is_last, text, held)
                } else {
                    let mut joined = std::mem::take(held);
                    joined.extend_from_slice(bytes);
                    decode_utf8(&joined, is_last, text, held)
                }
            }
            Self::Declared(decoder) => {
                let mut is_odd = false;
                let mut read = 0;
                loop {
                    let start = text.len();
                    text.resize(start + CHUNK_BYTES, 0);
                    let (result, taken, written, replaced) =
                        decoder.decode_to_utf8(&bytes[read..], &mut text[start..], is_last);
                    text.truncate(start + written);
                    read += taken;
                    is_odd |= replaced;
                    if result == CoderResult::InputEmpty {
                        return is_odd;
                    }
                }
            }
        }
    }
}

/// Adds `bytes` to `text`, each byte that is no UTF-8 as ISO-8859-15. A character cut at the end is `held`.
fn decode_utf8(mut bytes: &[u8], is_last: bool, text: &mut Vec<u8>, held: &mut Vec<u8>) -> bool {
    let mut is_odd = false;
    loop {
        let Err(error) = std::str::from_utf8(bytes) else {
            text.extend_from_slice(bytes);
            return is_odd;
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.extend_from_slice(valid);
        if error.error_len().is_none() && !is_last {
            held.extend_from_slice(rest);
            return is_odd;
        }
        let Some((odd, rest)) = rest.split_first() else { return is_odd };
        is_odd = true;
        text.extend_from_slice(latin(*odd).encode_utf8(&mut [0; 4]).as_bytes());
        bytes = rest;
    }
}

/// The character of a byte in ISO-8859-15, and in Windows-1252 where ISO-8859-15 has control characters.
fn latin(byte: u8) -> char {
    let encoding = if byte < 0xa0 { encoding_rs::WINDOWS_1252 } else { encoding_rs::ISO_8859_15 };
    let bytes = [byte];
    let (text, _) = encoding.decode_without_bom_handling(&bytes);
    text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The encoding that an XML declaration at the start of `bytes` names, where it is one that browsers know.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes);
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (label, _) = value.get(1..)?.split_once(quote)?;
    // A label of sixteen-bit text cannot be true where the declaration itself is read byte by byte.
    Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(into.len());
        into[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Text<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            if self.overrun == Overrun::Dropped {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "no end within its bound"));
            }
            self.overrun = Overrun::Dropped;
            self.drop_rest()?;
            self.left = self.allowance;
        }
        if self.taken == self.ready.len() {
            self.refill()?;
        }
        let end = self.ready.len().min(self.taken.saturating_add(self.left));
        Ok(&self.ready[self.taken..end])
    }

    fn consume(&mut self, length: usize) {
        self.left = self.left.saturating_sub(length);
        self.advance(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, as the slowest of pipes would.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(into.len()).min(1);
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn read_xml(bytes: &[u8]) -> (String, Option<u64>) {
        let whole = |from: &mut dyn Read| {
            let mut text = Text::of_xml(from, 1 << 20).unwrap();
            let mut read = String::new();
            text.read_to_string(&mut read).unwrap();
            (read, text.odd_line())
        };
        let (mut at_once, mut by_drops) = (bytes, Drops(bytes));
        let read = whole(&mut at_once);
        assert_eq!(whole(&mut by_drops).0, read.0, "the pieces it comes in do not matter");
        read
    }

    #[test]
    fn a_declared_encoding_is_believed() {
        for (label, bytes, expected) in [
            ("ISO-8859-1", &b"\xc9lise"[..], "Élise"),
            ("iso-8859-15", b"C\xbdur \xa4", "Cœur €"),
            ("windows-1252", b"C\x9cur", "Cœur"),
            ("UTF-8", "Élise".as_bytes(), "Élise"),
        ] {
            let declaration = format!("<?xml version=\"1.0\" encoding=\"{label}\"?>");
            let mut file = declaration.clone().into_bytes();
            file.extend_from_slice(bytes);
            assert_eq!(read_xml(&file), (format!("{declaration}{expected}"), None), "{label}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_read_as_school_software_means_them() {
        let (text, odd) = read_xml(b"a\nZo\xeb, Fran\xe7ois, C\xbdur, C\x9cur et No\xc3\xabl\xe9");
        assert_eq!(text, "a\nZoë, François, Cœur, Cœur et Noëlé");
        assert!(odd.is_some());
        assert_eq!(read_xml("Zoë".as_bytes()), ("Zoë".to_owned(), None));
    }

    #[test]
    fn byte_order_marks_are_taken_away_and_believed() {
        assert_eq!(read_xml("\u{feff}<a>é".as_bytes()).0, "<a>é");
        assert_eq!(read_xml(b"\xff\xfe<\0a\0").0, "<a");
    }

    #[test]
    fn a_piece_without_end_is_dropped_once_and_refused_then() {
        let mut text = Text::of_xml(&b"abcdefgh\n<ij\nklmnop"[..], 4).unwrap();
        let mut piece = Vec::new();
        text.read_until(b'<', &mut piece).unwrap();
        assert_eq!(piece, b"abcd<");
        assert!(text.allow());
        assert_eq!(text.line(), 2);
        piece.clear();
        text.read_until(b'<', &mut piece).unwrap();
        assert_eq!(piece, b"ij\nk");
        assert_eq!(text.line(), 3);
        let mut endless = Text::of_xml(&b"abcd<efg<hijklm"[..], 4).unwrap();
        piece.clear();
        assert!(endless.read_until(b'>', &mut piece).is_err());
        assert!(piece.len() <= 8);
    }

    #[test]
    fn every_line_is_counted_whatever_the_encoding() {
        for file in [&b"<?xml version='1.0' encoding='iso-8859-1'?>\n\xe9\n\n"[..], b"\xe9\n\xe9\n\n"] {
            let mut text = Text::of_xml(file, 1 << 20).unwrap();
            text.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(text.line(), 4);
        }
    }
}
