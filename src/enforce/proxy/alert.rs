//! What a TLS client is told when its connection goes no further (RFC 8446 section 6).

/// A fatal alert, sent in clear as an answer to the ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alert {
    /// The hello is malformed.
    DecodeError,
    /// We have failed.
    InternalError,
    /// The site is not to be had here: refused, or without an address.
    ///
    /// `access_denied` (49) would say more by its name, but it is about the client's certificate, and browsers show
    /// it so (`ERR_BAD_SSL_CLIENT_AUTH_CERT`); `unrecognized_name` they show as the name's fault, and do not try again.
    UnrecognizedName,
}

impl Alert {
    /// The record to send: an alert of level fatal. The version is the one that every TLS client accepts in a record.
    pub(super) const fn record(self) -> [u8; 7] {
        let description = match self {
            Self::DecodeError => 50,
            Self::InternalError => 80,
            Self::UnrecognizedName => 112,
        };
        [21, 3, 3, 0, 2, 2, description]
    }
}
