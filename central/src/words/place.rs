//! Where in the académie something is decided (decision D7): the whole, a département, a group of schools, one school.

use std::fmt;

use preau::model::Uai;

/// A place of the tree. What is below a group is by the list of its schools; all else by the register of schools.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// All schools.
    Academie,
    /// The schools of a département.
    Departement(DepartementCode),
    /// Schools that were put together by name, such as `rep-plus`. Between département and school.
    Group(GroupName),
    /// One school.
    School(Uai),
}

/// A département's code: `80`, `2A`, `974`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepartementCode(String);

impl DepartementCode {
    /// The code `text`; none where it is not two or three digits or capital letters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (2..=3).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        fits.then(|| Self(text.to_owned()))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A group's name: small letters, digits and hyphens, 40 at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(String);

impl GroupName {
    /// The name `text`; none where it has other characters or is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=40).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Place {
    /// The place written as [`fmt::Display`] writes it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => (text == "academie").then_some(Self::Academie),
            Some(("departement", code)) => DepartementCode::new(code).map(Self::Departement),
            Some(("groupe", name)) => GroupName::new(name).map(Self::Group),
            Some(("etablissement", uai)) => Uai::new(uai).map(Self::School),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Academie => f.write_str("academie"),
            Self::Departement(code) => write!(f, "departement/{}", code.as_str()),
            Self::Group(name) => write!(f, "groupe/{}", name.as_str()),
            Self::School(uai) => write!(f, "etablissement/{}", uai.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for text in
            ["academie", "departement/80", "departement/2A", "groupe/rep-plus", "etablissement/0809999Z"]
        {
            assert_eq!(Place::read(text).unwrap().to_string(), text);
        }
        for text in
            ["", "academie/", "departement/8", "groupe/REP", "groupe/", "etablissement/0809999", "ville/80"]
        {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }
}
