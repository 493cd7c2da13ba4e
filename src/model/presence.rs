//! Who used which address, and from when to when: the facts of the connection record.

use std::net::IpAddr;

use super::{AccountId, Mac, Moment, ZoneName};

/// One thing that happened to a person's presence on the network (décret 2021-1362, article 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// When.
    pub at: Moment,
    /// Who.
    pub account: AccountId,
    /// In which zone.
    pub zone: ZoneName,
    /// From which machine.
    pub machine: Mac,
    /// What happened.
    pub change: PresenceChange,
}

/// What happened to a presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceChange {
    /// The person signed in from this address.
    SignedIn(IpAddr),
    /// The person's machine used this further address.
    AddressUsed(IpAddr),
    /// The person signed out.
    SignedOut,
    /// The session ended by itself.
    Expired,
    /// Somebody else signed in on the same machine, or the person on one machine too many.
    Replaced,
}
