//! What keeps a delivery from taking effect until somebody says yes.

use std::fmt;

use rusqlite::{Transaction, params};

use super::{
    Today,
    plan::{Delivery, IN_SCOPE},
    preview::Move,
};
use crate::model::Role;

/// Fewer leave every week of the year.
const LEAVING_UNHEEDED: u64 = 5;

/// Of a hundred persons, more than this many leave in summer only.
const PERCENT_MAX: u64 = 10;

/// Of a hundred persons of one role, more than this many leave together never, not even in summer: a file is missing.
const PERCENT_OF_ROLE_MAX: u64 = 50;

/// Why a delivery is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Too many persons would leave outside summer: how many, and of how many.
    Leaving(u64, u64),
    /// More than half of the persons of a role would leave: how many, and of how many.
    Role(Role, u64, u64),
    /// A complete delivery broke off. Released, it makes nobody leave.
    Cut,
    /// It tells changes, and no complete delivery of its source ever took effect.
    NoComplete,
}

impl Why {
    /// The reason in French, for the referent.
    #[must_use]
    pub fn in_french(&self) -> String {
        match self {
            Self::Leaving(leaving, all) => {
                format!("{leaving} personnes sur {all} partiraient, en dehors de l'été")
            }
            Self::Role(role, leaving, all) => {
                let people = match role {
                    Role::Eleve => "élèves",
                    Role::Enseignant => "enseignants",
                    Role::Administratif => "personnels administratifs",
                    Role::Referent => "référents",
                    Role::Invite => "invités",
                };
                format!("{leaving} {people} sur {all} partiraient : il manque sans doute un fichier")
            }
            Self::Cut => "un fichier est coupé ou illisible : la livraison n'est pas entière".to_owned(),
            Self::NoComplete => {
                "elle dit des changements, et aucune livraison complète n'est encore en vigueur".to_owned()
            }
        }
    }
}

/// For technicians.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaving(leaving, all) => write!(f, "{leaving} of {all} persons would leave outside summer"),
            Self::Role(role, leaving, all) => {
                write!(f, "{leaving} of {all} persons of role {role} would leave; a file is probably missing")
            }
            Self::Cut => f.write_str("a file is cut or unreadable; released, it makes nobody leave"),
            Self::NoComplete => f.write_str("it tells changes, and no complete feed is in force yet"),
        }
    }
}

/// What holds the delivery whose plan is in the table `plan`, released or not.
pub(super) fn held(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    today: Today,
) -> anyhow::Result<Option<Why>> {
    if delivery.is_complete && delivery.is_cut {
        return Ok(Some(Why::Cut));
    }
    if !delivery.is_complete {
        let begun: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM feed WHERE source = ?1 AND is_complete AND state = 1)",
            [&delivery.source],
            |row| row.get(0),
        )?;
        if !begun {
            return Ok(Some(Why::NoComplete));
        }
    }
    let mut query = transaction.prepare(&format!(
        "SELECT person.role, count(*), count(plan.id) FROM person
            LEFT JOIN plan ON plan.id = person.id AND plan.act = {}
            WHERE {IN_SCOPE} GROUP BY person.role",
        Move::Leaving.number()
    ))?;
    let rows = query.query_map(params![delivery.number, delivery.source], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut roles = Vec::new();
    for row in rows {
        let (role, of, gone) = row?;
        roles.push((role, u64::try_from(gone)?, u64::try_from(of)?));
    }
    let roles = roles.iter().map(|(role, gone, of)| (role.as_str(), *gone, *of));
    Ok(too_many_leave(roles, today.is_summer))
}

/// Whether more would leave than is usual; `roles` are the roles' words, each with how many leave, of how many.
#[must_use]
pub fn too_many_leave<'a>(
    roles: impl IntoIterator<Item = (&'a str, u64, u64)>,
    is_summer: bool,
) -> Option<Why> {
    let (mut all, mut leaving) = (0, 0);
    let mut of_role = None;
    for (role, gone, of) in roles {
        all += of;
        leaving += gone;
        if let Ok(role) = role.parse()
            && is_too_many(gone, of, PERCENT_OF_ROLE_MAX)
        {
            of_role = Some(Why::Role(role, gone, of));
        }
    }
    let too_many = !is_summer && is_too_many(leaving, all, PERCENT_MAX);
    of_role.or(too_many.then_some(Why::Leaving(leaving, all)))
}

fn is_too_many(leaving: u64, all: u64, percent_max: u64) -> bool {
    leaving > LEAVING_UNHEEDED && leaving.saturating_mul(100) > all.saturating_mul(percent_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_tenth_and_more_than_five_are_too_many() {
        for (leaving, all, expected) in
            [(5, 5, false), (6, 60, false), (6, 59, true), (60, 600, false), (61, 600, true), (0, 0, false)]
        {
            assert_eq!(is_too_many(leaving, all, PERCENT_MAX), expected, "{leaving} of {all}");
        }
    }
}
