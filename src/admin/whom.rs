//! Whom a teacher decides for, and whether they may: their own classes, the pupils of these, and any room.

use std::sync::Arc;

use super::NotDone;
use crate::{
    identity::Identity,
    model::{Account, AccountId, ClassName, DeviceKind, Role, RoomName},
    policy::Scope,
};

/// Whom something is decided for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// One pupil.
    Pupil(AccountId),
    /// A class. What closes is for its pupils alone.
    Class(ClassName),
    /// Whoever uses the machines of a room. What closes spares the staff.
    Room(RoomName),
}

impl Whom {
    /// Whether `account` may decide for them: the referent for everybody, a teacher for the classes of their account, for
    /// the pupils of these, and for any room.
    ///
    /// # Errors
    /// [`NotDone::NotYours`], or [`NotDone::Unknown`] where there is no such pupil, class or room. A teacher is not told
    /// which pupils there are outside their classes.
    pub fn may_be_decided_by(&self, account: &Account, identity: &Identity) -> Result<(), NotDone> {
        let is_theirs = match account.role {
            Role::Referent => true,
            Role::Enseignant => match self {
                Self::Pupil(id) => identity.account(id).is_some_and(|pupil| shares_class(account, &pupil)),
                Self::Class(class) => account.classes.contains(class),
                Self::Room(_) => true,
            },
            Role::Eleve | Role::Administratif | Role::Invite => false,
        };
        if !is_theirs {
            return Err(NotDone::NotYours);
        }
        if self.exists(identity) { Ok(()) } else { Err(NotDone::Unknown) }
    }

    fn exists(&self, identity: &Identity) -> bool {
        match self {
            Self::Pupil(id) => identity.account(id).is_some_and(|account| account.role == Role::Eleve),
            Self::Class(class) => !identity.accounts(|account| account.classes.contains(class)).is_empty(),
            Self::Room(room) => identity.devices().iter().any(|device| device.room.as_ref() == Some(room)),
        }
    }

    /// As the judge knows them at this moment. A printer of a room is not meant: it asks for nothing a teacher opens.
    pub(super) fn scope(&self, identity: &Identity) -> Scope {
        match self {
            Self::Pupil(id) => Scope::Person(id.clone()),
            Self::Class(class) => Scope::Class(class.clone()),
            Self::Room(room) => {
                let machines = identity.devices();
                let machines = machines.iter().filter(|device| {
                    device.room.as_ref() == Some(room) && device.kind != DeviceKind::Imprimante
                });
                Scope::Machines(Arc::new(machines.map(|device| device.mac).collect()))
            }
        }
    }

    /// What they are called on pages and in the trail, in French.
    pub(super) fn label(&self, identity: &Identity) -> Arc<str> {
        match self {
            Self::Pupil(id) => identity
                .account(id)
                .map_or_else(|| Arc::from("élève"), |pupil| Arc::from(&*pupil.display_name)),
            Self::Class(class) => Arc::from(format!("classe {}", class.as_str())),
            Self::Room(room) if room.as_str().to_lowercase().starts_with("salle") => Arc::from(room.as_str()),
            Self::Room(room) => Arc::from(format!("salle {}", room.as_str())),
        }
    }
}

/// Whether `teacher` has the pupil in a class.
pub(super) fn shares_class(teacher: &Account, pupil: &Account) -> bool {
    pupil.role == Role::Eleve && pupil.classes.iter().any(|class| teacher.classes.contains(class))
}
