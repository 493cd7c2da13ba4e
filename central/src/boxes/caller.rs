//! Who asks.

use preau::model::Uai;

use crate::authority::Shown;

/// The school whose box asks, by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The school.
    pub school: Uai,
    /// The certificate it showed.
    pub shown: Shown,
}
