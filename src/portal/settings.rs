//! What the portal is told once, checked by `config`.

use std::{path::PathBuf, sync::Arc};

use super::cas;
use crate::model::{Domain, Zone};

/// The portal's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The school's name as people read it.
    pub school: String,
    /// The portal's own name, which the box's resolver answers with the box.
    pub name: Domain,
    /// The certificate chain of that name, PEM, the portal's own certificate first.
    pub certificate_path: PathBuf,
    /// Its private key, PEM.
    pub key_path: PathBuf,
    /// The zones whose box addresses the portal listens on.
    pub zones: Vec<Arc<Zone>>,
    /// The applications that the portal is a CAS server for.
    pub cas: cas::Settings,
    /// The port of plain HTTP: 80, or 0 for any free one in tests.
    pub http_port: u16,
    /// The port of HTTPS: 443, or 0 for any free one in tests.
    pub https_port: u16,
}

impl Settings {
    /// The portal's origin without a final slash, such as `https://portail.college.exemple`.
    pub(super) fn origin(&self) -> String {
        match self.https_port {
            0 | 443 => format!("https://{}", self.name),
            port => format!("https://{}:{port}", self.name),
        }
    }
}
