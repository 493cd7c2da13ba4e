//! What a delta says of one person: the attributes it names, each replaced as a whole.

use jiff::civil::Date;

use crate::model::{AccountId, Attachment, ClassName, Person, Role, Uai};

/// A change of one person. A field that is none stays as it is; the only operation there is replaces all values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonChange {
    /// Whom it changes.
    pub id: AccountId,
    /// Name in use.
    pub family_name: Option<String>,
    /// First name in use.
    pub given_name: Option<String>,
    /// Date of birth; some none where it is known to be empty.
    pub birth_date: Option<Option<Date>>,
    /// What they are to the school.
    pub role: Option<Role>,
    /// The main school.
    pub main_school: Option<Uai>,
    /// Every school they hold a post in.
    pub posts: Option<Vec<Uai>>,
    /// All divisions, by school.
    pub classes: Option<Vec<(Uai, ClassName)>>,
    /// All teaching groups, by school.
    pub groups: Option<Vec<(Uai, ClassName)>>,
    /// The day they leave the school; some none where they stay.
    pub has_left: Option<Option<Date>>,
}

impl PersonChange {
    /// A change of `id` that changes nothing.
    #[must_use]
    pub fn none(id: AccountId) -> Self {
        Self {
            id,
            family_name: None,
            given_name: None,
            birth_date: None,
            role: None,
            main_school: None,
            posts: None,
            classes: None,
            groups: None,
            has_left: None,
        }
    }

    /// Puts the change into `person`. A school is theirs afterwards when it is the main one, when they have a class or
    /// group in it, or when they hold a post there; posts stay as they were where the change does not speak of them.
    pub fn apply(&self, person: &mut Person) {
        let Self {
            id: _,
            family_name,
            given_name,
            birth_date,
            role,
            main_school,
            posts,
            classes,
            groups,
            has_left: _,
        } = self;
        if let Some(name) = family_name {
            person.family_name.clone_from(name);
        }
        if let Some(name) = given_name {
            person.given_name.clone_from(name);
        }
        if let Some(date) = birth_date {
            person.birth_date = *date;
        }
        if let Some(role) = role {
            person.role = *role;
        }
        let schools = &mut person.schools;
        if let Some(classes) = classes {
            schools.iter_mut().for_each(|attachment| attachment.classes.clear());
            for (school, class) in classes {
                push_once(&mut attachment(schools, school).classes, class);
            }
        }
        if let Some(groups) = groups {
            schools.iter_mut().for_each(|attachment| attachment.groups.clear());
            for (school, group) in groups {
                push_once(&mut attachment(schools, school).groups, group);
            }
        }
        let old_main = schools.first().map(|attachment| attachment.school.clone());
        let main = main_school.as_ref().or(old_main.as_ref());
        for school in posts.iter().flatten() {
            attachment(schools, school);
        }
        let holds_post = |school: &Uai| match posts {
            Some(posts) => posts.contains(school),
            None => Some(school) != old_main.as_ref(),
        };
        schools.retain(|at| {
            Some(&at.school) == main
                || !at.classes.is_empty()
                || !at.groups.is_empty()
                || holds_post(&at.school)
        });
        if let Some(main) = main_school {
            attachment(schools, main);
            schools.sort_by_key(|at| at.school != *main);
        }
    }
}

/// What the person is in `school`, made where they were not there.
pub(super) fn attachment<'a>(schools: &'a mut Vec<Attachment>, school: &Uai) -> &'a mut Attachment {
    let place = schools.iter().position(|known| known.school == *school).unwrap_or_else(|| {
        schools.push(Attachment { school: school.clone(), classes: Vec::new(), groups: Vec::new() });
        schools.len() - 1
    });
    &mut schools[place]
}

/// Adds `name` unless it is there.
pub(super) fn push_once(names: &mut Vec<ClassName>, name: &ClassName) {
    if !names.contains(name) {
        names.push(name.clone());
    }
}
