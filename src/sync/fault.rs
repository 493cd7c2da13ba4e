//! What lies at the bottom of a request that failed, as far as somebody can do something about it.

use std::{error::Error, io};

use rustls::CertificateError;

/// What somebody can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Central's certificate does not hold at the time of this machine's clock.
    Dates,
    /// Whoever answers is not central.
    Stranger,
}

/// The fault of TLS in the chain of causes, if there is one.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<Fault> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error shows the cause behind the one it wraps, not the wrapped one itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        let tls = wrapped.and_then(|wrapped| wrapped.downcast_ref()).or_else(|| error.downcast_ref());
        if let Some(rustls::Error::InvalidCertificate(error)) = tls {
            use CertificateError as Of;
            let dates = matches!(
                error,
                Of::Expired | Of::ExpiredContext { .. } | Of::NotValidYet | Of::NotValidYetContext { .. }
            );
            return Some(if dates { Fault::Dates } else { Fault::Stranger });
        }
        if let Some(wrapped) = wrapped
            && let Some(fault) = fault(wrapped)
        {
            return Some(fault);
        }
        cause = error.source();
    }
    None
}
