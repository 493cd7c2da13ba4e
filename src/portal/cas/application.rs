//! The school's applications that ask the box who came, as the configuration describes them.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    dialect::Dialect,
    service_url::{ServicePattern, ServiceUrl},
};
use crate::model::{Role, Uai};

/// What the box is a CAS server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The applications.
    pub applications: Vec<Application>,
    /// The school's code, which applications are told.
    pub school: Uai,
}

/// An application of the school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// What people call it.
    pub name: String,
    /// The addresses that tickets may be sent to; at least one.
    pub services: Vec<ServicePattern>,
    /// Where the box itself reaches it, and where its name leads in its own zone; none: where its name leads.
    pub at: Option<SocketAddr>,
    /// The authorities that may have signed its certificate, PEM; none: the system's.
    pub authorities_path: Option<PathBuf>,
    /// Which word for a person it is told.
    pub user: UserWord,
    /// Who may go there; empty: everybody but visitors.
    pub roles: Vec<Role>,
    /// Whether it may go on to other applications in a person's name.
    pub proxies: bool,
    /// What it is told of a person beside the one word.
    pub dialect: Dialect,
}

/// The word by which an application knows a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserWord {
    /// What they type to sign in.
    Login,
    /// Their identifier, which stays when the login changes.
    Id,
}

impl Settings {
    /// The application whose service `url` is.
    pub(super) fn application(&self, url: &ServiceUrl) -> Option<(usize, &Application)> {
        self.applications.iter().enumerate().find(|(_, application)| application.serves(url))
    }
}

impl Application {
    /// Whether `url` is one of its services.
    pub(super) fn serves(&self, url: &ServiceUrl) -> bool {
        self.services.iter().any(|pattern| pattern.fits(url))
    }

    /// Whether people of `role` may go there.
    pub(super) fn is_open_to(&self, role: Role) -> bool {
        if self.roles.is_empty() { role != Role::Invite } else { self.roles.contains(&role) }
    }
}
