//! Who may do what, where: one table, asked before every act.
//!
//! A person has grants, each a right over a place and all below it. Nothing is implied: who may publish rules may not
//! therefore see the accounts of pupils.

use super::Place;

/// A person's number, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub i64);

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See schools, their state, rules and figures.
    See,
    /// Write drafts of rules.
    Write,
    /// Publish drafts, roll back, halt and go on with waves.
    Publish,
    /// Answer requests that schools passed on.
    Answer,
    /// Enter schools, give enrolment tokens, revoke boxes.
    Enrol,
    /// Bring feeds of accounts, release and refuse them.
    Accounts,
    /// Give orders to boxes.
    Order,
    /// Give people access and rights.
    People,
    /// Read the audit trail.
    Audit,
}

impl Right {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::See,
        Self::Write,
        Self::Publish,
        Self::Answer,
        Self::Enrol,
        Self::Accounts,
        Self::Order,
        Self::People,
        Self::Audit,
    ];

    /// The word it is kept and shown in addresses by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Write => "write",
            Self::Publish => "publish",
            Self::Answer => "answer",
            Self::Enrol => "enrol",
            Self::Accounts => "accounts",
            Self::Order => "order",
            Self::People => "people",
            Self::Audit => "audit",
        }
    }

    /// The right of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }
}

/// A right over a place and what is below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The right.
    pub right: Right,
    /// Where.
    pub place: Place,
}

/// Somebody who acts, with what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: PersonId,
    /// Their name, as the audit trail has it.
    pub name: String,
    /// What they may do.
    pub grants: Vec<Grant>,
}

/// Somebody may do something, there: what acts take as proof.
#[derive(Clone, Debug)]
pub struct Granted {
    actor: Actor,
    right: Right,
    place: Place,
}

/// They may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this right is not among those given")]
pub struct NotGranted;

impl Actor {
    /// Asks for `right` at `place`. `above` are the places that hold it: of a school its groups, its département and the
    /// académie; the académie holds every place and need not be named.
    ///
    /// # Errors
    /// When no grant covers it.
    pub fn may(&self, right: Right, place: &Place, above: &[Place]) -> Result<Granted, NotGranted> {
        let covers = |grant: &Grant| {
            grant.right == right
                && (grant.place == Place::Academie || grant.place == *place || above.contains(&grant.place))
        };
        if self.grants.iter().any(covers) {
            Ok(Granted { actor: self.clone(), right, place: place.clone() })
        } else {
            Err(NotGranted)
        }
    }

    /// Whether they have `right` anywhere at all: whether a page is worth showing.
    #[must_use]
    pub fn has(&self, right: Right) -> bool {
        self.grants.iter().any(|grant| grant.right == right)
    }
}

impl Granted {
    /// Who.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What.
    #[must_use]
    pub fn right(&self) -> Right {
        self.right
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

#[cfg(test)]
mod tests {
    use preau::model::Uai;

    use super::{super::DepartementCode, *};

    #[test]
    fn a_right_counts_where_it_was_given_and_below() {
        let somme = Place::Departement(DepartementCode::new("80").unwrap());
        let school = Place::School(Uai::new("0809999Z").unwrap());
        let grants = vec![Grant { right: Right::Publish, place: somme.clone() }];
        let actor = Actor { id: PersonId(1), name: "Camille Exemple".into(), grants };
        assert!(actor.may(Right::Publish, &somme, &[]).is_ok());
        assert!(actor.may(Right::Publish, &school, std::slice::from_ref(&somme)).is_ok());
        assert!(actor.may(Right::Publish, &school, &[]).is_err());
        assert!(actor.may(Right::Publish, &Place::Academie, &[]).is_err());
        assert!(actor.may(Right::Write, &somme, &[]).is_err());
    }
}
