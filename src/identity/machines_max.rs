//! How many machines a person may be signed in on at once, by what they are to the school.

use crate::model::Role;

/// Machines at once for each role. One more than that, and the session that began first gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachinesMax {
    /// For a pupil: own phone, own tablet, a classroom's computer.
    pub eleve: u8,
    /// For a teacher.
    pub enseignant: u8,
    /// For office staff.
    pub administratif: u8,
    /// For the digital referent.
    pub referent: u8,
    /// For visitors whose voucher says nothing.
    pub invite: u8,
}

impl MachinesMax {
    /// The number for `role`.
    #[must_use]
    pub const fn of(self, role: Role) -> u8 {
        match role {
            Role::Eleve => self.eleve,
            Role::Enseignant => self.enseignant,
            Role::Administratif => self.administratif,
            Role::Referent => self.referent,
            Role::Invite => self.invite,
        }
    }
}

impl Default for MachinesMax {
    fn default() -> Self {
        Self { eleve: 3, enseignant: 5, administratif: 5, referent: 5, invite: 5 }
    }
}
