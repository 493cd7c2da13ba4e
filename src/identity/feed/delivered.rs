//! Persons in the words of central's deliveries: told by central of what it read, taken up again by the box.

use anyhow::Context as _;

use super::PersonRecord;
use crate::{
    model::{AccountId, Attachment, ClassName, Person, Uai},
    protocol::delivery,
};

impl PersonRecord {
    /// The person as central tells `school` of them; none where they are not of it. What they are elsewhere is not told.
    #[must_use]
    pub fn told_to(&self, school: &Uai) -> Option<delivery::Person> {
        let Person { id, login, family_name, given_name, birth_date, role, schools } = &self.person;
        let at = schools.iter().find(|at| at.school == *school)?;
        let names = |names: &[ClassName]| names.iter().map(|name| name.as_str().to_owned()).collect();
        Some(delivery::Person {
            id: id.as_str().to_owned(),
            login: login.clone(),
            family_name: family_name.clone(),
            given_name: given_name.clone(),
            birth_date: birth_date.map(|date| date.to_string()),
            role: role.word().to_owned(),
            classes: names(&at.classes),
            groups: names(&at.groups),
            password: self.password.clone(),
            has_left: self.has_left.map(|date| date.to_string()),
        })
    }

    /// The person that central told `school` of.
    ///
    /// # Errors
    /// When a day or the role is none. The error does not say whose.
    pub fn of_told(told: delivery::Person, school: &Uai) -> anyhow::Result<Self> {
        let delivery::Person {
            id,
            login,
            family_name,
            given_name,
            birth_date,
            role,
            classes,
            groups,
            password,
            has_left,
        } = told;
        let day = |text: Option<String>| {
            text.map(|text| text.parse().context("the day of a person is malformed")).transpose()
        };
        let names = |names: Vec<String>| names.iter().map(|name| ClassName::new(name)).collect();
        let at = Attachment { school: school.clone(), classes: names(classes), groups: names(groups) };
        let person = Person {
            id: AccountId::new(&id),
            login,
            family_name,
            given_name,
            birth_date: day(birth_date)?,
            role: role.parse().map_err(anyhow::Error::msg)?,
            schools: vec![at],
        };
        Ok(Self { person, password, has_left: day(has_left)? })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::Role;

    #[test]
    fn a_person_is_told_to_each_school_as_what_they_are_there() {
        let here = Uai::new("0809999Z").unwrap();
        let there = Uai::new("0800001A").unwrap();
        let at = |school: &Uai, class: &str| Attachment {
            school: school.clone(),
            classes: vec![ClassName::new(class)],
            groups: vec![ClassName::new("LATIN")],
        };
        let person = Person {
            id: AccountId::new("P1"),
            login: Some("ada".to_owned()),
            family_name: "EXEMPLE".to_owned(),
            given_name: "Ada".to_owned(),
            birth_date: Some(date(2014, 2, 3)),
            role: Role::Eleve,
            schools: vec![at(&here, "6A"), at(&there, "5B")],
        };
        let record = PersonRecord { person, password: None, has_left: Some(date(2027, 1, 4)) };
        let told = record.told_to(&there).unwrap();
        assert!(!serde_json::to_string(&told).unwrap().contains("6A"));
        let taken = PersonRecord::of_told(told, &there).unwrap();
        assert_eq!(taken.person.schools, [at(&there, "5B")]);
        assert_eq!((taken.person.birth_date, taken.has_left), (record.person.birth_date, record.has_left));
        assert_eq!(record.told_to(&Uai::new("0800002B").unwrap()), None);
    }
}
