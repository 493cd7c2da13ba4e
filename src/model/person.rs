//! A person as the school's directory describes them: enough to sign in, to be put into a class, and to be told to the
//! school's applications. No parents, no postal address, no telephone: the box does not need them.

use std::sync::Arc;

use jiff::civil::Date;

use super::{Account, AccountId, ClassName, Role};

/// A school's code in the national register (UAI): seven digits and a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uai(Arc<str>);

impl Uai {
    /// The code `text`; none where it is not seven digits and a capital letter.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() == 8
            && text.bytes().take(7).all(|byte| byte.is_ascii_digit())
            && text.bytes().last().is_some_and(|byte| byte.is_ascii_uppercase());
        fits.then(|| Self(Arc::from(text)))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person is in one school. A pupil can be in two, a teacher in many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The school.
    pub school: Uai,
    /// Divisions: a pupil's own, a teacher's several.
    pub classes: Vec<ClassName>,
    /// Teaching groups.
    pub groups: Vec<ClassName>,
}

/// A person of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The stable identifier: `ENTPersonJointure` where the source has one.
    pub id: AccountId,
    /// What they type to sign in, where the source or the box gave them one.
    pub login: Option<String>,
    /// Name in use.
    pub family_name: String,
    /// First name in use.
    pub given_name: String,
    /// For telling two people of one name apart.
    pub birth_date: Option<Date>,
    /// What they are to the school.
    pub role: Role,
    /// The schools they belong to, their main one first.
    pub schools: Vec<Attachment>,
}

impl Person {
    /// The person in the words of rules and pages, as the school `here` knows them: classes, then groups.
    #[must_use]
    pub fn account(&self, here: &Uai) -> Account {
        let of_here = self.schools.iter().filter(|attachment| attachment.school == *here);
        let classes = of_here.flat_map(|attachment| attachment.classes.iter().chain(&attachment.groups));
        Account {
            id: self.id.clone(),
            display_name: format!("{} {}", self.given_name, self.family_name),
            role: self.role,
            classes: classes.cloned().collect(),
        }
    }
}
