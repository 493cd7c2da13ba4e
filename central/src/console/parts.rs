//! What the console needs from the rest of central, and how it is set up.

use std::{net::SocketAddr, path::PathBuf};

use preau::{model::Domain, system::clock::Clock};
use tokio::sync::watch;

use super::client::ClientCertificates;
use crate::{
    accounts::Accounts,
    authority::Authority,
    channel::Channel,
    content::Content,
    database::Database,
    fleet::policy::{Lists, TwoPersons},
    people::People,
};

/// How the console is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The académie's name as people read it.
    pub academie: String,
    /// The address and port it listens on.
    pub listen: SocketAddr,
    /// Its name.
    pub name: Domain,
    /// The certificate chain, PEM.
    pub certificate_path: PathBuf,
    /// Its key, PEM.
    pub key_path: PathBuf,
    /// Certificates that take the place of codes, if any.
    pub clients: Option<ClientCertificates>,
}

/// What the pages ask and act upon.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// Who may come in.
    pub people: People,
    /// Certificates and tokens of boxes.
    pub authority: Authority,
    /// The signed channel.
    pub channel: Channel,
    /// Feeds of accounts.
    pub accounts: Accounts,
    /// Packages of the library.
    pub content: Content,
    /// The lists that drafts are judged by.
    pub lists: watch::Receiver<Lists>,
    /// What a second person approves.
    pub two_persons: TwoPersons,
}
