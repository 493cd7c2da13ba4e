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
use crate::model::{Account, AccountId, ClassName, Person, Role, Uai};

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
    /// None where the box has no password of this person: they sign in at the ENT.
    pub(super) verifier: Option<Verifier>,
}

/// All accounts of the school.
#[derive(Clone, Default)]
pub struct Directory {
    by_login: HashMap<String, Entry>,
    by_id: HashMap<AccountId, Known>,
    /// What an unknown login is verified against, so that it takes as long as a known one.
    decoy: Option<Verifier>,
}

/// One account with the person behind it.
#[derive(Clone, Debug)]
struct Known {
    account: Arc<Account>,
    person: Arc<Person>,
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
            directory.add_local(login, entry);
        }
    }

    /// The directory of `persons`, each with the PHC string of a password where one was delivered, as the school `here`
    /// knows them. Of two persons with one login neither signs in by it: the box cannot know whose it is.
    ///
    /// # Errors
    /// A delivered password that cannot be used; its text says why, never whose.
    pub fn of_persons(
        persons: impl IntoIterator<Item = (Person, Option<String>)>,
        here: &Uai,
    ) -> Result<Self, &'static str> {
        let mut directory = Self::default();
        let mut shared = HashSet::new();
        for (person, password) in persons {
            let verifier = password.as_deref().map(Verifier::parse).transpose()?;
            let account = Arc::new(person.account(here));
            if let Some(login) = person.login.as_deref().map(normalised) {
                let entry = Entry { account: account.clone(), verifier };
                directory.decoy = directory.decoy.take().or_else(|| entry.verifier.clone());
                if directory.by_login.insert(login.clone(), entry).is_some() {
                    shared.insert(login);
                }
            }
            directory.by_id.insert(person.id.clone(), Known { account, person: Arc::new(person) });
        }
        directory.by_login.retain(|login, _| !shared.contains(login));
        Ok(directory)
    }

    /// The account that signs in as `login`; spaces around it and its case do not count.
    #[must_use]
    pub fn account_by_login(&self, login: &str) -> Option<&Arc<Account>> {
        self.entry(&normalised(login)).map(|entry| &entry.account)
    }

    /// The account with the identifier `id`.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.by_id.get(id).map(|known| &known.account)
    }

    /// The person with the identifier `id`.
    #[must_use]
    pub fn person(&self, id: &AccountId) -> Option<&Arc<Person>> {
        self.by_id.get(id).map(|known| &known.person)
    }

    /// Everybody, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.by_id.values().map(|known| &known.account)
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

    fn add_local(&mut self, login: String, entry: Entry) {
        self.decoy = self.decoy.take().or_else(|| entry.verifier.clone());
        let person = Person {
            id: entry.account.id.clone(),
            login: Some(login.clone()),
            family_name: entry.account.display_name.clone(),
            given_name: String::new(),
            birth_date: None,
            role: entry.account.role,
            schools: Vec::new(),
        };
        let known = Known { account: entry.account.clone(), person: Arc::new(person) };
        self.by_id.insert(entry.account.id.clone(), known);
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
        Ok((login, Entry { account, verifier: Some(verifier) }))
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

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str =
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// A file of `lines` below the usual header; `HASH` in them stands for a password's hash, in quotes.
    fn file(lines: &str) -> Vec<u8> {
        format!("id,login,name,role,classes,password\n{lines}")
            .replace("HASH", &format!("\"{HASH}\""))
            .into_bytes()
    }

    /// The message that refuses a file of `lines`.
    fn refusal(lines: &str) -> String {
        Directory::parse(&file(lines)).unwrap_err().to_string()
    }

    #[test]
    fn accounts_are_found_by_login_whatever_its_case() {
        let directory = Directory::parse(&file(
            "1,Camille.Martin,\"Martin, Camille\",eleve,6A|Chorale du jeudi,HASH\n2,a.durand,Alix Durand,enseignant,,HASH\n",
        ))
        .unwrap();
        let camille = directory.account_by_login(" camille.MARTIN ").unwrap();
        assert_eq!(camille.display_name, "Martin, Camille");
        assert_eq!(camille.role, Role::Eleve);
        assert_eq!(camille.classes, [ClassName::new("6A"), ClassName::new("Chorale du jeudi")]);
        assert_eq!(directory.account(&AccountId::new("2")).unwrap().role, Role::Enseignant);
        assert!(directory.account_by_login("a.durand").unwrap().classes.is_empty());
        assert!(directory.account_by_login("inconnu").is_none());
        assert_eq!(directory.count(), 2);
    }

    #[test]
    fn spreadsheets_may_add_a_byte_order_mark_and_windows_line_ends() {
        let text =
            format!("\u{feff}login,id,classes,role,name,password\r\nc,1,6A,eleve,Camille,\"{HASH}\"\r\n");
        let directory = Directory::parse(text.as_bytes()).unwrap();
        assert_eq!(directory.account_by_login("c").unwrap().id, AccountId::new("1"));
    }

    #[test]
    fn a_wrong_line_is_refused_with_its_place_and_what_to_do() {
        for (lines, message) in [
            (
                "1,c,Camille,eleve,6A",
                "line 2: 5 fields where the header has 6; put quotes around a field that holds a comma",
            ),
            ("1,c,Martin, Camille,eleve,6A,HASH", "line 2: 7 fields"),
            ("1,c,Camille,eleve,6A,HASH\n,d,Alix,eleve,6A,HASH", "line 3, field `id`: empty; fill it in"),
            ("1, ,Camille,eleve,6A,HASH", "line 2, field `login`: empty"),
            ("1,c,,eleve,6A,HASH", "line 2, field `name`: empty"),
            (
                "1,c,Camille,directeur,6A,HASH",
                "line 2, field `role`: no role; the roles are eleve, enseignant,",
            ),
            ("1,c,Camille,Eleve,6A,HASH", "line 2, field `role`: no role"),
            ("1,c,Camille,eleve,6A||6B,HASH", "line 2, field `classes`: a class name is empty"),
            ("1,c,Camille,eleve,6A,secret", "line 2, field `password`: no PHC string"),
            ("1,c,Camille,eleve,6A,", "line 2, field `password`: no PHC string"),
            ("1,c,Camille,eleve,,HASH\n1,d,Alix,eleve,,HASH", "line 3, field `id`: also on line 2"),
            ("1,c,Camille,eleve,,HASH\n2,C ,Alix,eleve,,HASH", "line 3, field `login`: also on line 2"),
            ("1,c,\"Cam\nille\",eleve,,HASH", "line 2, field `name`: holds a control character"),
        ] {
            let refused = refusal(lines);
            assert!(refused.starts_with(message), "{lines}\n{refused}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_what_a_field_holds() {
        for lines in [
            "1,c,Camille,Camille Martin,6A,HASH",
            "1,c,Camille,eleve,6A,Camille Martin",
            "Camille Martin,c,A,eleve,,HASH\nCamille Martin,d,B,eleve,,HASH",
        ] {
            assert!(!refusal(lines).contains("Camille Martin"), "{lines}");
        }
    }

    #[test]
    fn a_wrong_header_is_refused() {
        for (header, message) in [
            ("", "line 1: the file is empty"),
            ("id;login;name;role;classes;password", "line 1: the separator is not a comma"),
            ("id,login,name,role,classes", "line 1: column `password` is missing"),
            ("id,login,name,role,classes,password,email", "line 1: unknown column `email`"),
            ("id,login,name,role,classes,password,id", "line 1: column `id` twice"),
            ("1,c,Camille,eleve,6A,x", "line 1: unknown column `1`"),
        ] {
            let refused = Directory::parse(header.as_bytes()).unwrap_err().to_string();
            assert!(refused.starts_with(message), "{header}\n{refused}");
        }
    }

    #[test]
    fn fields_and_accounts_are_bounded() {
        assert!(refusal(&format!("1,c,{},eleve,,HASH", "é".repeat(501))).contains("longer than 1000 bytes"));
        assert!(refusal(&format!("{},c,C,eleve,,HASH", "1".repeat(201))).contains("longer than 200 bytes"));
        assert!(refusal(&format!("1,c,C,eleve,{},HASH", "a|".repeat(201))).contains("more than 200 classes"));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused_with_their_field() {
        let mut bytes = file("1,c,Andr");
        bytes.extend_from_slice(b"\xe9,eleve,,x");
        let refused = Directory::parse(&bytes).unwrap_err().to_string();
        assert_eq!(refused, "line 2, field `name`: not UTF-8; save the file as UTF-8");
    }

    #[test]
    fn every_cut_of_a_file_is_refused_or_ends_between_lines() {
        let whole = file("1,c,\"Martin, Camille\",eleve,6A,HASH\n2,d,Alix,eleve,6B,HASH\n");
        for end in 0..whole.len() {
            let cut = &whole[..end];
            if let Ok(directory) = Directory::parse(cut) {
                let lines = cut.iter().filter(|byte| **byte == b'\n').count();
                let is_at_line_end =
                    cut.ends_with(b"\n") || whole[end] == b'\n' || cut.ends_with(b"A") || whole[end] == b'"';
                assert!(is_at_line_end, "cut at {end}: {} accounts, {lines} lines", directory.count());
            }
        }
    }
}
