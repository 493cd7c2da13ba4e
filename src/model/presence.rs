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

/// How somebody showed who they are when they signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// The ENT said so.
    Online,
    /// The line was down: the password was the one that the box had learned at an earlier sign-in at the ENT.
    Offline,
    /// By an account of the school's own.
    Local,
    /// By a visitor's voucher.
    Voucher,
}

impl Assurance {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Online, Self::Offline, Self::Local, Self::Voucher];

    /// The word kept on disk: `online`, `offline`, `local`, `voucher`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Local => "local",
            Self::Voucher => "voucher",
        }
    }
}
