//! What the network of a school is made of.

use std::{path::PathBuf, sync::Arc};

use crate::model::Zone;

/// The zones and where their state lives. Checked: names are distinct, networks do not overlap, texts hold no control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The zones, in the order of the configuration file.
    pub zones: Vec<Arc<Zone>>,
    /// The bridges the daemon makes. A zone's interface that is not among them must exist.
    pub bridges: Vec<Bridge>,
    /// Where leases and dnsmasq's configuration are kept; UTF-8.
    pub state_dir: PathBuf,
    /// The `https` URI of the portal's RFC 8908 API, which DHCP announces (RFC 8910).
    pub portal_api: Option<String>,
}

/// A bridge and its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// The kernel's name of the bridge: the interface of a zone.
    pub name: Arc<str>,
    /// The kernel's names of its ports.
    pub ports: Vec<Arc<str>>,
}
