//! The words everything else is written in: a site, an address, a moment, an account, a zone. No I/O, no rules.

mod account;
mod address;
mod moment;
mod person;
mod presence;
mod service;
mod site;
mod url;
mod zone;

pub use account::{Account, AccountId, ClassName, Device, DeviceKind, Role, RoomName, Subject};
pub use address::{Mac, MacError};
pub use moment::{ClockTrust, Moment};
pub use person::{Attachment, Person, Uai};
pub use presence::{Assurance, Presence, PresenceChange};
pub use service::{Ports, PortsError, Service, Speech, Transport};
pub use site::{Domain, DomainError, Site};
pub use url::UrlPath;
pub use zone::{DefaultVerdict, Quic, SignIn, TunnelAccess, Zone, ZoneKind, ZoneName, ZoneNameError};
