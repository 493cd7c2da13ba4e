//! What the portal is told once, checked by `config`.

use std::{path::PathBuf, sync::Arc};

use super::{cas, front::FrontedSite};
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
    /// Who puts both there.
    pub certificate_from: CertificateFrom,
    /// The zones whose box addresses the portal listens on.
    pub zones: Vec<Arc<Zone>>,
    /// The sites that the box fronts.
    pub fronted: Vec<FrontedSite>,
    /// The applications that the portal is a CAS server for.
    pub cas: cas::Settings,
    /// Whether the school has a library.
    pub has_library: bool,
    /// The port of plain HTTP: 80, or 0 for any free one in tests.
    pub http_port: u16,
    /// The port of HTTPS: 443, or 0 for any free one in tests.
    pub https_port: u16,
}

/// Who puts the portal's certificate where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFrom {
    /// Technicians: without it the portal does not start.
    Files,
    /// The box, which has the académie's central obtain it.
    Central,
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
