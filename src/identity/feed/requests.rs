//! Turns one request of an XML delivery into what it means here: a school, a person, a change, a leaving, or a refusal.

use super::{
    Extent, Format, Item, NoteKind, PersonChange, PersonRecord, Reason, SchoolRecord,
    change::{attachment, push_once},
    fields::Fields,
    functions,
    note::Notes,
    records::{Operation, Record},
    schools::Schools,
    seen::{Seen, Sight},
    value::{WORD_CHARS_MAX, word},
};
use crate::model::{AccountId, Attachment, ClassName, Person, Role, Uai};

/// The most schools that a refusal names.
const KEYS_NAMED_MAX: usize = 5;

/// What requests are read with: what the delivery said so far.
pub(super) struct Requests<'a> {
    pub(super) format: Format,
    pub(super) extent: Extent,
    pub(super) schools: &'a mut Schools,
    pub(super) seen: &'a mut Seen,
    pub(super) notes: &'a mut Notes,
}

/// What a request is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Category {
    Pupil,
    Staff,
    School,
    Guardian,
    Subject,
}

impl Category {
    /// The categories of AAF and the GPEI's, whatever they are called by the request's own attribute.
    fn of(word: &str) -> Option<Self> {
        match word {
            "Eleve" => Some(Self::Pupil),
            "PersEducNat" => Some(Self::Staff),
            "EtabEducNat" => Some(Self::School),
            "PersRelEleve" => Some(Self::Guardian),
            "MatEducNat" | "MatiereEducNat" | "MefEducNat" => Some(Self::Subject),
            _ => None,
        }
    }
}

impl Requests<'_> {
    /// What `record` means; none where it is of no use to the box.
    ///
    /// # Errors
    /// When the delivery holds more persons than any does. What is wrong with the record alone is an inner error.
    pub(super) fn item(&mut self, record: &Record) -> anyhow::Result<Result<Option<Item>, Reason>> {
        let item = self.meaning(record);
        if let Ok(Some(Item::Person(person))) = &item {
            let attributes: Vec<_> =
                record.attributes.iter().map(|attribute| (&attribute.name, &attribute.values)).collect();
            match self.seen.take(person.person.id.as_str(), attributes)? {
                Sight::First => {}
                Sight::Again => {
                    self.notes.take(NoteKind::Repeated, record.line);
                    return Ok(Ok(None));
                }
                Sight::Other => return Ok(Err(Reason::SeenBefore)),
            }
        }
        Ok(item)
    }

    fn meaning(&mut self, record: &Record) -> Result<Option<Item>, Reason> {
        let category = Category::of(&record.category);
        match category {
            Some(Category::Guardian) => {
                self.notes.take(NoteKind::Guardians, record.line);
                return Ok(None);
            }
            Some(Category::Subject) => {
                self.notes.take(NoteKind::Subjects, record.line);
                return Ok(None);
            }
            _ => {}
        }
        if let Some(fault) = &record.fault {
            return Err(fault.clone());
        }
        if self.extent == Extent::Complete && record.operation != Operation::Add {
            return Err(Reason::NotInComplete);
        }
        match (record.operation, category) {
            (Operation::Add, Some(Category::School)) => {
                self.school(record).map(|school| school.map(Item::School))
            }
            (Operation::Add, Some(Category::Pupil)) => self.person(record, Role::Eleve).map(Some),
            (Operation::Add, Some(Category::Staff)) => self.person(record, Role::Enseignant).map(Some),
            (Operation::Add, _) => Err(Reason::NoRole(record.category.chars().take(40).collect())),
            (Operation::Modify | Operation::Delete, Some(Category::School)) => {
                self.notes.take(NoteKind::SchoolChange, record.line);
                Ok(None)
            }
            (Operation::Modify, _) => self.change(record).map(Some),
            // The identifier is all that is given; the kind may be missing.
            (Operation::Delete, _) => Ok(Some(Item::Leaves(identifier(record, None)?))),
        }
    }

    fn school(&mut self, record: &Record) -> Result<Option<SchoolRecord>, Reason> {
        let fields = Fields::of(record, self.notes)?;
        let key = fields.school_key.filter(|key| !key.is_empty()).unwrap_or_else(|| record.id.clone());
        if key.is_empty() {
            return Err(Reason::NoIdentifier);
        }
        let uai = fields.school_uai.filter(|uai| !uai.is_empty());
        let uai = uai.ok_or_else(|| Reason::Missing("ENTStructureUAI".to_owned()))?;
        let uai = Uai::new(&uai.to_ascii_uppercase()).ok_or(Reason::NotUai)?;
        let school = SchoolRecord { key, uai, name: fields.school_name.unwrap_or_default() };
        Ok(self.schools.add(&school)?.then_some(school))
    }

    fn person(&mut self, record: &Record, category: Role) -> Result<Item, Reason> {
        let fields = Fields::of(record, self.notes)?;
        let id = identifier(record, fields.person_id.as_deref())?;
        let family_name = fields.family_name.filter(|name| !name.is_empty());
        let given_name = fields.given_name.filter(|name| !name.is_empty());
        let functions = fields.functions.unwrap_or_default();
        let mut classes = fields.classes.unwrap_or_default();
        classes.extend(fields.classes_again);
        let mut groups = fields.groups.unwrap_or_default();
        groups.extend(fields.groups_again);
        let role = if category == Role::Eleve {
            Role::Eleve
        } else {
            let stands = fields.stands_before_pupils.unwrap_or(!classes.is_empty());
            self.role(&functions, stands, record.line)
        };

        let main = fields.main_school.filter(|key| !key.is_empty());
        let named = main.iter().chain(classes.iter().chain(&groups).map(|(key, _)| key));
        let keys: Vec<&String> = named.chain(functions.iter().map(|(key, _)| key)).collect();
        let mut schools = Vec::new();
        for key in &keys {
            if let Some(school) = self.find(key, record.line) {
                attachment(&mut schools, &school);
            }
        }
        if schools.is_empty() {
            return Err(no_school(&keys));
        }
        self.put(&mut schools, &classes, |attachment| &mut attachment.classes);
        self.put(&mut schools, &groups, |attachment| &mut attachment.groups);
        let person = Person {
            id,
            login: None,
            family_name: family_name.ok_or_else(|| Reason::Missing("sn".to_owned()))?,
            given_name: given_name.ok_or_else(|| Reason::Missing("givenName".to_owned()))?,
            birth_date: fields.birth_date.flatten(),
            role,
            schools,
        };
        let has_left = fields.leaving_date.flatten();
        Ok(Item::Person(Box::new(PersonRecord { person, password: None, has_left })))
    }

    fn put(
        &self,
        schools: &mut Vec<Attachment>,
        names: &[(String, ClassName)],
        of: impl Fn(&mut Attachment) -> &mut Vec<ClassName>,
    ) {
        for (key, name) in names {
            if let Some(school) = self.schools.find(key) {
                push_once(of(attachment(schools, &school)), name);
            }
        }
    }

    fn change(&mut self, record: &Record) -> Result<Item, Reason> {
        let fields = Fields::of(record, self.notes)?;
        let mut change = PersonChange::none(identifier(record, fields.person_id.as_deref())?);
        let kept = |name: Option<String>, attribute: &str| match name {
            Some(name) if name.is_empty() => Err(Reason::Missing(attribute.to_owned())),
            name => Ok(name),
        };
        change.family_name = kept(fields.family_name, "sn")?;
        change.given_name = kept(fields.given_name, "givenName")?;
        change.birth_date = fields.birth_date;
        change.has_left = fields.leaving_date;
        let line = record.line;
        if let Some(key) = fields.main_school.filter(|key| !key.is_empty()) {
            change.main_school = Some(self.find(&key, line).ok_or_else(|| no_school(&[&key]))?);
        }
        if let Some(functions) = fields.functions {
            let stands = fields.stands_before_pupils.unwrap_or(false);
            change.role = Some(self.role(&functions, stands, line));
            change.posts = Some(functions.iter().filter_map(|(key, _)| self.find(key, line)).collect());
        }
        change.classes = fields.classes.map(|names| self.resolved(names, line)).transpose()?;
        change.groups = fields.groups.map(|names| self.resolved(names, line)).transpose()?;
        Ok(Item::Change(Box::new(change)))
    }

    /// The classes `names` by school. Where some are given and no school of them is known, they cannot replace anything.
    fn resolved(
        &mut self,
        names: Vec<(String, ClassName)>,
        line: u64,
    ) -> Result<Vec<(Uai, ClassName)>, Reason> {
        let keys: Vec<String> = names.iter().map(|(key, _)| key.clone()).collect();
        let resolved: Vec<_> =
            names.into_iter().filter_map(|(key, name)| Some((self.find(&key, line)?, name))).collect();
        if resolved.is_empty() && !keys.is_empty() {
            return Err(no_school(&keys.iter().collect::<Vec<_>>()));
        }
        Ok(resolved)
    }

    fn role(&mut self, functions: &[(String, String)], stands_before_pupils: bool, line: u64) -> Role {
        for (_, code) in functions {
            if code != "-" && functions::role(code, self.format).is_none() {
                self.notes.take(NoteKind::UnknownFunction(code.clone()), line);
            }
        }
        let codes = functions.iter().map(|(_, code)| code.as_str());
        functions::role_of_all(codes, self.format, stands_before_pupils)
    }

    fn find(&mut self, key: &str, line: u64) -> Option<Uai> {
        let school = self.schools.find(key);
        if school.is_none() {
            self.notes.take(NoteKind::SchoolUnknown(key.to_owned()), line);
        }
        school
    }
}

fn identifier(record: &Record, jointure: Option<&str>) -> Result<AccountId, Reason> {
    let name = "ENTPersonJointure";
    let id = word(name, &record.id, WORD_CHARS_MAX)?;
    match jointure.filter(|jointure| !jointure.is_empty()) {
        Some(jointure) if id.is_empty() => Ok(AccountId::new(jointure)),
        Some(jointure) if jointure != id => Err(Reason::Contradiction(name.to_owned())),
        _ if id.is_empty() => Err(Reason::NoIdentifier),
        _ => Ok(AccountId::new(&id)),
    }
}

fn no_school(keys: &[&String]) -> Reason {
    let mut named: Vec<&str> = Vec::new();
    for key in keys.iter().filter(|key| !key.is_empty()) {
        if !named.contains(&key.as_str()) && named.len() < KEYS_NAMED_MAX {
            named.push(key);
        }
    }
    if named.is_empty() { Reason::NoSchool } else { Reason::SchoolUnknown(named.join(", ")) }
}
