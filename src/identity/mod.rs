//! Who: accounts, registered machines, and the sessions that bind a person to a machine's addresses (skeleton).

use std::{net::IpAddr, sync::Arc};

use tokio::sync::watch;

use crate::model::{Mac, Presence, Subject, Zone};

/// Who stands behind a source address.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The person, the device, or nobody.
    pub subject: Subject,
    /// The machine's hardware address, where the neighbour table knows it.
    pub machine: Option<Mac>,
    /// A fact that the journal must hold before anything is done for the asker: the first use of an address.
    pub news: Option<Presence>,
}

/// The people and machines of the school. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Identity {
    _inner: Arc<()>,
}

impl Identity {
    /// Who is at `source` in `zone`. Never waits.
    #[must_use]
    pub fn who(&self, _zone: &Zone, _source: IpAddr) -> Asker {
        unimplemented!()
    }

    /// Changes each time a session begins or ends, or the accounts change; live connections are then judged again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }
}
