//! Who: accounts, registered machines, and the sessions that bind a person to a machine's addresses (skeleton).

use std::{net::IpAddr, sync::Arc};

use tokio::sync::watch;

use crate::model::{Account, Mac, Moment, Presence, Subject, Zone};

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

/// A session as its owner may see it (skeleton).
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Whose it is.
    pub account: Arc<Account>,
    /// When it began.
    pub since: Moment,
    /// When it ends by itself.
    pub until: Moment,
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

    /// The session of the machine at `source`, if somebody is signed in there.
    #[must_use]
    pub fn session_of(&self, _source: IpAddr) -> Option<SessionView> {
        unimplemented!()
    }

    /// Changes each time a session begins or ends, or the accounts change; live connections are then judged again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }
}
