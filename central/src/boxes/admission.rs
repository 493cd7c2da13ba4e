//! Who may ask for what: decided for every request, before any route.

use hyper::StatusCode;

use super::{Caller, Refused};
use crate::authority::Holding;

/// The one path that asks for no certificate.
pub(super) const ENROL_PATH: &str = "/v1/enrol";

/// The one path that a certificate may have ended for.
pub(super) const CERTIFICATE_PATH: &str = "/v1/certificate";

/// Decides on `path` for whoever showed that certificate; gives the caller the handler is to see.
pub(super) fn admit(path: &str, shown: Option<(Caller, Holding)>) -> Result<Option<Caller>, Refused> {
    if path == ENROL_PATH {
        // A certificate counts for nothing here: what makes the box the school's is the token.
        return Ok(None);
    }
    let Some((caller, holding)) = shown else {
        let sentence = "this needs the certificate that enrolment gives";
        return Err(Refused::new(StatusCode::UNAUTHORIZED, "no-certificate", sentence));
    };
    match holding {
        Holding::Holds => Ok(Some(caller)),
        Holding::Ended if path == CERTIFICATE_PATH => Ok(Some(caller)),
        Holding::Ended => {
            let sentence = "the box's certificate has ended; it is to renew it";
            Err(Refused::new(StatusCode::FORBIDDEN, "certificate-ended", sentence))
        }
        Holding::Nothing => {
            let sentence = "the box's certificate is good for nothing any more; it needs a new token";
            Err(Refused::new(StatusCode::FORBIDDEN, "revoked", sentence))
        }
    }
}
