//! The parts of a school's network.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

use super::{Ports, Service, Transport};

/// A zone's name in configuration and rules: 1 to 32 bytes of `a-z`, `0-9`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(Arc<str>);

/// A text that cannot name a zone.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` cannot name a zone; use 1 to 32 of a-z, 0-9 and -")]
pub struct ZoneNameError(String);

impl ZoneName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ZoneName {
    type Err = ZoneNameError;

    fn from_str(text: &str) -> Result<Self, ZoneNameError> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(Arc::from(text))) } else { Err(ZoneNameError(text.chars().take(40).collect())) }
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZoneKind {
    /// Classrooms: pupils and teachers.
    Pedagogique,
    /// Offices.
    Administration,
    /// Visitors.
    Invites,
    /// Whiteboards, printers and other machines without a person.
    Equipements,
}

impl ZoneKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Pedagogique, Self::Administration, Self::Invites, Self::Equipements];

    /// The word of configuration files: `pedagogique`, `administration`, `invites`, `equipements`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pedagogique => "pedagogique",
            Self::Administration => "administration",
            Self::Invites => "invites",
            Self::Equipements => "equipements",
        }
    }
}

impl FromStr for ZoneKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
            format!("`{text}` is no kind of zone; the kinds are {}", Self::ALL.map(Self::word).join(", "))
        })
    }
}

/// Whether people must sign in before a zone gives them anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// Nobody gets anything but the portal before signing in. Registered devices need not.
    Required,
    /// Rules are asked at once; whoever has not signed in is judged as nobody.
    NotAsked,
}

/// What a zone answers where no rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefaultVerdict {
    /// What no rule refuses is allowed.
    Allow,
    /// What no rule allows is refused.
    Block,
}

/// What becomes of QUIC, the web over UDP (decision D5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quic {
    /// Refused at once, so that browsers fall back to TCP.
    Reject,
    /// Read, judged by its server name as TLS is, and relayed where it is allowed.
    Filter,
}

/// Whether a zone leads into the académie's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelAccess {
    /// Nothing in the zone reaches it.
    None,
    /// Whoever is allowed one of the académie's names reaches it, through the tunnel and no other way.
    Academie,
}

/// A part of the school's network with one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name, unique on the box.
    pub name: ZoneName,
    /// Its purpose.
    pub kind: ZoneKind,
    /// The kernel's name of its interface or bridge, at most 15 bytes.
    pub interface: Arc<str>,
    /// The box's own IPv4 address in the zone with the zone's prefix length, such as `10.10.0.1/22`.
    pub ipv4: Ipv4Net,
    /// The box's own IPv6 address in the zone with the prefix length 64, such as `fd00:10::1/64`.
    pub ipv6: Ipv6Net,
    /// Whether people must sign in.
    pub sign_in: SignIn,
    /// The answer where no rule speaks.
    pub default: DefaultVerdict,
    /// What becomes of QUIC.
    pub quic: Quic,
    /// Whether it leads into the académie's network.
    pub tunnel: TunnelAccess,
    /// Traffic other than the web that the zone opens. No two of them share a port.
    pub services: Vec<Service>,
}

impl Zone {
    /// Whether `address` belongs to one of the zone's networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks().iter().any(|network| network.contains(&address))
    }

    /// The zone's two networks, host bits cleared.
    #[must_use]
    pub fn networks(&self) -> [IpNet; 2] {
        [IpNet::V4(self.ipv4.trunc()), IpNet::V6(self.ipv6.trunc())]
    }

    /// The service of the zone that has this port, with what must be spoken there.
    #[must_use]
    pub fn service_on(&self, transport: Transport, port: u16) -> Option<(&Service, Ports)> {
        self.services.iter().find_map(|service| {
            let ports = service.ports.iter().find(|ports| ports.contains(transport, port))?;
            Some((service, *ports))
        })
    }
}
