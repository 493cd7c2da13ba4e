//! Facts of deliveries: what they change, what holds them, in which order they take effect.

mod guards;
mod kills;
mod large;
mod logins;
mod order;
mod same;
mod whole;

use jiff::civil::{Date, date};
use tempfile::TempDir;

use super::*;
use crate::{
    identity::{
        Directory,
        feed::{Extent, Format, Head, Item, PersonRecord, Reason, Refused, SchoolRecord, Totals},
    },
    model::{AccountId, Attachment, ClassName, Moment, Person, Role, Uai},
};

/// A hash that this box can verify.
const HASH: &str =
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The school of the box.
const HERE: &str = "0809999Z";

/// Another one.
const OTHER: &str = "0809998Y";

fn uai(code: &str) -> Uai {
    Uai::new(code).unwrap()
}

/// A register in a directory of its own, and the day it believes in.
struct Office {
    dir: TempDir,
    register: Register,
    today: Today,
}

impl Office {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::open(dir.path()).unwrap();
        let today = Today { date: date(2026, 11, 23), is_summer: false, is_sure: true };
        Self { dir, register, today }
    }

    fn on(&mut self, date: Date) -> &mut Self {
        self.today.date = date;
        self
    }

    fn stage(&self, delivery: &Delivery) -> Staged {
        self.stage_for(delivery, None)
    }

    fn stage_for(&self, delivery: &Delivery, due: Option<Date>) -> Staged {
        delivery.stage_in(&self.register, self.today, due)
    }

    /// Stages a delivery that must be taken.
    fn taken(&self, delivery: &Delivery) -> i64 {
        match self.stage(delivery) {
            Staged::Waiting { number, preview } => {
                assert_eq!(*preview, self.preview(number));
                number
            }
            other => panic!("{other:?}"),
        }
    }

    fn apply(&self) -> Applied {
        self.register.apply_due(moment(), self.today, &|login| login == "referent").unwrap()
    }

    /// Stages a delivery and lets it take effect.
    fn in_force(&self, delivery: &Delivery) -> i64 {
        let number = self.taken(delivery);
        assert_eq!(self.apply().feeds, [number]);
        number
    }

    fn preview(&self, number: i64) -> Preview {
        self.register.preview(number, self.today).unwrap().unwrap()
    }

    fn directory(&self) -> Directory {
        self.register.snapshot(&uai(HERE)).unwrap()
    }

    /// Everybody in force: identifier, login, role, classes and groups; sorted.
    fn people(&self) -> Vec<String> {
        let directory = self.directory();
        let mut people: Vec<_> = directory
            .accounts()
            .map(|account| {
                let login = directory.person(&account.id).unwrap().login.clone().unwrap_or_default();
                let classes: Vec<_> = account.classes.iter().map(ClassName::as_str).collect();
                format!("{} {login} {} {}", account.id.as_str(), account.role, classes.join("+"))
            })
            .collect();
        people.sort_unstable();
        people
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> =
            self.directory().accounts().map(|account| account.id.as_str().to_owned()).collect();
        ids.sort_unstable();
        ids
    }
}

fn moment() -> Moment {
    Moment::from_unix_seconds(1_795_417_200)
}

/// A delivery as a reader would give it.
#[derive(Clone)]
struct Delivery {
    head: Head,
    here: Uai,
    items: Vec<Item>,
    is_cut: bool,
}

impl Delivery {
    fn new(format: Format, extent: Extent, date: Option<Date>) -> Self {
        let head = Head { format, extent, date, source: "Livraison d'exemple".to_owned() };
        Self { head, here: uai(HERE), items: Vec::new(), is_cut: false }
    }

    /// A complete AAF of that day in November with the box's school.
    fn complete(day: i8) -> Self {
        Self::new(Format::Aaf, Extent::Complete, Some(date(2026, 11, day))).school(HERE)
    }

    fn delta(day: i8) -> Self {
        Self::new(Format::Aaf, Extent::Delta, Some(date(2026, 11, day)))
    }

    fn with(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    fn school(self, code: &str) -> Self {
        self.with(Item::School(SchoolRecord { key: code.to_owned(), uai: uai(code), name: String::new() }))
    }

    fn person(self, record: PersonRecord) -> Self {
        self.with(Item::Person(Box::new(record)))
    }

    fn pupil(self, id: &str, class: &str) -> Self {
        self.person(pupil(id, class))
    }

    /// Pupils of class 6A numbered from 1.
    fn pupils(self, count: usize) -> Self {
        (1..=count).fold(self, |delivery, number| delivery.pupil(&format!("P{number:03}"), "6A"))
    }

    fn refused(self, id: &str) -> Self {
        self.with(Item::Refused(Refused {
            file: "Eleve_0000.xml".to_owned(),
            line: 12,
            id: Some(AccountId::new(id)),
            reason: Reason::NoSchool,
        }))
    }

    fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }

    fn stage_in(&self, register: &Register, today: Today, due: Option<Date>) -> Staged {
        self.hand_over(register, today, due, Intent::Keep)
    }

    fn hand_over(&self, register: &Register, today: Today, due: Option<Date>, intent: Intent) -> Staged {
        let handover = Handover {
            head: &self.head,
            here: &self.here,
            now: moment(),
            today,
            due,
            intent,
            sequence: None,
        };
        let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
            self.items.iter().cloned().try_for_each(take)?;
            Ok(Totals { cut: self.is_cut, ..Totals::default() })
        };
        register.stage(handover, read, None).unwrap()
    }
}

/// A person of the box's school called after their identifier.
fn person(id: &str, role: Role, class: &str) -> PersonRecord {
    let attachment =
        Attachment { school: uai(HERE), classes: vec![ClassName::new(class)], groups: Vec::new() };
    let person = Person {
        id: AccountId::new(id),
        login: None,
        family_name: "EXEMPLE".to_owned(),
        given_name: id.to_owned(),
        birth_date: Some(date(2015, 5, 17)),
        role,
        schools: vec![attachment],
    };
    PersonRecord { person, password: None, has_left: None }
}

fn pupil(id: &str, class: &str) -> PersonRecord {
    person(id, Role::Eleve, class)
}
