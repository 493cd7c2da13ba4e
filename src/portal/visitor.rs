//! Who stands before the portal: known by the machine's address, never by a cookie.

use std::{net::IpAddr, sync::Arc};

use crate::{
    identity::{Identity, SessionView},
    model::{Device, Mac, SignIn, Subject, Zone},
};

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// The machine's address.
    pub(super) source: IpAddr,
    /// The zone of the listener that took the connection.
    pub(super) zone: Arc<Zone>,
}

/// What the box knows of a visitor.
#[derive(Debug)]
pub(super) enum Standing {
    /// A person is signed in on the machine.
    SignedIn(SessionView),
    /// The school has registered the machine.
    Registered(Arc<Device>),
    /// Neither.
    Unknown,
}

impl Visitor {
    /// The machine behind the visitor's address, where it is of the zone and known.
    pub(super) fn machine(&self, identity: &Identity) -> Option<Mac> {
        identity.machine_of(self.source).filter(|_| self.zone.contains(self.source.to_canonical()))
    }

    /// What the box knows of the visitor.
    pub(super) fn standing(&self, identity: &Identity) -> Standing {
        if let Some(session) = identity.session_of(self.source) {
            return Standing::SignedIn(session);
        }
        // Only a person's first use of an address is news, and no person is signed in here.
        match identity.who(&self.zone, self.source).subject {
            Subject::Device(device) => Standing::Registered(device),
            Subject::Person(_) | Subject::Nobody => Standing::Unknown,
        }
    }

    /// Whether the visitor's zone asks for a sign-in.
    pub(super) fn must_sign_in(&self) -> bool {
        match self.zone.sign_in {
            SignIn::Required => true,
            SignIn::NotAsked => false,
        }
    }
}
