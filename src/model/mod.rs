//! The words everything else is written in: a site, an address, a moment, an account, a zone. No I/O, no rules.

mod account;
mod address;
mod moment;
mod presence;
mod site;
mod url;
mod zone;

pub use account::{Account, AccountId, ClassName, Device, DeviceKind, Role, Subject};
pub use address::{Mac, MacError};
pub use moment::{ClockTrust, Moment};
pub use presence::{Presence, PresenceChange};
pub use site::{Domain, DomainError, Site};
pub use url::UrlPath;
pub use zone::{DefaultVerdict, Quic, Service, SignIn, Transport, Zone, ZoneKind, ZoneName, ZoneNameError};
