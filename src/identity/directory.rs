//! The school's accounts, read from a CSV file: `id,login,name,role,classes,password`, one person a line.
//!
//! UTF-8, commas, quotes where a field holds a comma; a byte order mark is passed over; the columns stand in any order.
//! Classes are joined by `|`; the password is a PHC string of argon2id. The file is right as a whole or refused with the
//! line, the field and what to do: an account silently missing is a pupil before a closed door. Messages never repeat
//! what a field holds.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use csv::{ByteRecord, ReaderBuilder};
use thiserror::Error;

use super::password::Verifier;
use crate::model::{Account, AccountId, ClassName, Role};

/// The most accounts a file may hold: ten times the largest school.
const ACCOUNTS_MAX: usize = 100_000;

/// The longest identifier, login or class name in bytes.
const WORD_BYTES_MAX: usize = 200;

/// The longest displayed name in bytes.
const NAME_BYTES_MAX: usize = 1000;

/// The most classes of one account.
const CLASSES_MAX: usize = 200;

const COLUMNS: [&str; 6] = ["id", "login", "name", "role", "classes", "password"];

/// Why an accounts file is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct DirectoryError {
    /// The line, counted from 1.
    pub line: u64,
    /// The column, where the fault lies in one.
    pub field: Option<&'static str>,
    /// What is wrong and what to do, without what the field holds.
    pub what: String,
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// An account with what its owner signs in by.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) account: Arc<Account>,
    pub(super) verifier: Verifier,
}

/// All accounts of the school.
#[derive(Clone, Default)]
pub struct Directory {
    by_login: HashMap<String, Entry>,
    by_id: HashMap<AccountId, Arc<Account>>,
    /// What an unknown login is verified against, so that it takes as long as a known one.
    decoy: Option<Verifier>,
}

/// How many accounts, never which.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("accounts", &self.by_id.len()).finish_non_exhaustive()
    }
}

impl Directory {
    /// Reads the accounts file whose content is `csv`.
    ///
    /// # Errors
    /// At the first line that is not right.
    pub fn parse(csv: &[u8]) -> Result<Self, DirectoryError> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
        let mut row = ByteRecord::new();
        let places = match reader.read_byte_record(&mut row) {
            Ok(true) => Places::of(&row)?,
            Ok(false) => return Err(header_error("the file is empty")),
            Err(cause) => return Err(header_error(&format!("unreadable: {cause}"))),
        };
        let mut directory = Self::default();
        let mut logins_lines = HashMap::new();
        let mut id_lines = HashMap::new();
        loop {
            match reader.read_byte_record(&mut row) {
                Ok(true) => {}
                Ok(false) => return Ok(directory),
                Err(cause) => {
                    let line = cause.position().map_or(1, csv::Position::line);
                    return Err(DirectoryError { line, field: None, what: format!("unreadable: {cause}") });
                }
            }
            let line = row.position().map_or(1, csv::Position::line);
            let row = Row { line, fields: &row, places };
            let (login, entry) = row.entry()?;
            if let Some(first) = id_lines.insert(entry.account.id.clone(), line) {
                return Err(row.error("id", &format!("also on line {first}; give each person an own one")));
            }
            if let Some(first) = logins_lines.insert(login.clone(), line) {
                return Err(row.error("login", &format!("also on line {first}; give each person an own one")));
            }
            if id_lines.len() > ACCOUNTS_MAX {
                return Err(row.error("id", &format!("more than {ACCOUNTS_MAX} accounts; split the file")));
            }
            directory.add(login, entry);
        }
    }

    /// The account that signs in as `login`; spaces around it and its case do not count.
    #[must_use]
    pub fn account_by_login(&self, login: &str) -> Option<&Arc<Account>> {
        self.entry(&normalised(login)).map(|entry| &entry.account)
    }

    /// The account with the identifier `id`.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.by_id.get(id)
    }

    /// How many accounts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn entry(&self, normalised_login: &str) -> Option<&Entry> {
        self.by_login.get(normalised_login)
    }

    pub(super) fn decoy(&self) -> Option<&Verifier> {
        self.decoy.as_ref()
    }

    fn add(&mut self, login: String, entry: Entry) {
        self.decoy.get_or_insert_with(|| entry.verifier.clone());
        self.by_id.insert(entry.account.id.clone(), entry.account.clone());
        self.by_login.insert(login, entry);
    }
}

/// The form in which logins are compared.
pub(super) fn normalised(login: &str) -> String {
    login.trim().to_lowercase()
}

/// Where each column stands.
#[derive(Clone, Copy)]
struct Places([usize; COLUMNS.len()]);

impl Places {
    fn of(header: &ByteRecord) -> Result<Self, DirectoryError> {
        let names: Vec<_> = header.iter().map(|name| String::from_utf8_lossy(name.trim_ascii())).collect();
        if names.len() == 1 && names[0].contains([';', '\t']) {
            return Err(header_error("the separator is not a comma; export the file with commas"));
        }
        let mut seen = HashSet::new();
        for name in &names {
            if !COLUMNS.contains(&&**name) {
                let name: String = name.chars().take(40).collect();
                return Err(header_error(&format!(
                    "unknown column `{name}`; the columns are {}",
                    COLUMNS.join(",")
                )));
            }
            if !seen.insert(name) {
                return Err(header_error(&format!("column `{name}` twice; keep one")));
            }
        }
        let mut places = [0; COLUMNS.len()];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            *place = names.iter().position(|name| name == column).ok_or_else(|| {
                header_error(&format!("column `{column}` is missing; the columns are {}", COLUMNS.join(",")))
            })?;
        }
        Ok(Self(places))
    }
}

fn header_error(what: &str) -> DirectoryError {
    DirectoryError { line: 1, field: None, what: what.to_owned() }
}

/// One line with a person.
struct Row<'a> {
    line: u64,
    fields: &'a ByteRecord,
    places: Places,
}

impl<'a> Row<'a> {
    fn entry(&self) -> Result<(String, Entry), DirectoryError> {
        if self.fields.len() != COLUMNS.len() {
            let what = format!(
                "{} fields where the header has {}; put quotes around a field that holds a comma",
                self.fields.len(),
                COLUMNS.len()
            );
            return Err(DirectoryError { line: self.line, field: None, what });
        }
        let id = self.word("id", WORD_BYTES_MAX)?;
        let login = normalised(self.word("login", WORD_BYTES_MAX)?);
        let display_name = self.word("name", NAME_BYTES_MAX)?.to_owned();
        let role: Role = self.text("role")?.parse().map_err(|_| {
            self.error("role", &format!("no role; the roles are {}", Role::ALL.map(Role::word).join(", ")))
        })?;
        let classes = self.classes()?;
        let verifier = Verifier::parse(self.text("password")?).map_err(|what| {
            self.error("password", &format!("{what}; make one with `preau accounts hash`"))
        })?;
        let account = Arc::new(Account { id: AccountId::new(id), display_name, role, classes });
        Ok((login, Entry { account, verifier }))
    }

    fn classes(&self) -> Result<Vec<ClassName>, DirectoryError> {
        let text = self.text("classes")?;
        let mut classes = Vec::new();
        for name in text.split('|').map(str::trim).filter(|_| !text.is_empty()) {
            if name.is_empty() || name.len() > WORD_BYTES_MAX {
                let what = format!("a class name is empty or longer than {WORD_BYTES_MAX} bytes");
                return Err(self.error("classes", &what));
            }
            if classes.len() == CLASSES_MAX {
                return Err(self.error("classes", &format!("more than {CLASSES_MAX} classes")));
            }
            classes.push(ClassName::new(name));
        }
        Ok(classes)
    }

    /// A field that must hold something, and not too much.
    fn word(&self, column: &'static str, bytes_max: usize) -> Result<&'a str, DirectoryError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Err(self.error(column, "empty; fill it in"));
        }
        if text.len() > bytes_max {
            return Err(self.error(column, &format!("longer than {bytes_max} bytes; shorten it")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.error(column, "holds a control character; remove it"));
        }
        Ok(text)
    }

    fn text(&self, column: &'static str) -> Result<&'a str, DirectoryError> {
        let bytes = COLUMNS
            .iter()
            .position(|known| *known == column)
            .and_then(|index| self.fields.get(self.places.0[index]))
            .unwrap_or_default();
        std::str::from_utf8(bytes)
            .map(str::trim)
            .map_err(|_| self.error(column, "not UTF-8; save the file as UTF-8"))
    }

    fn error(&self, field: &'static str, what: &str) -> DirectoryError {
        DirectoryError { line: self.line, field: Some(field), what: what.to_owned() }
    }
}
