//! How the way through TCP stands, for those who look at it.

use thiserror::Error;

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the concentrator is connected at the moment, and said that it is one.
    pub is_connected: bool,
    /// Why the last try failed or the last connection ended; none before the first end.
    pub trouble: Option<Trouble>,
    /// Connections that stood since the start.
    pub connections: u64,
    /// Datagrams that were dropped for those that came after them, since the start.
    pub dropped: u64,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The concentrator's name has no address.
    #[error("the concentrator's name cannot be resolved")]
    Unresolved,
    /// Nobody takes connections there.
    #[error("nobody takes connections at the concentrator's port")]
    Unreachable,
    /// Somebody else answers there: no TLS, or a certificate that is not the concentrator's. Lines of hotels and other guests do
    /// so until somebody has confirmed their page; for the referent, "la ligne demande une page d'accueil".
    #[error(
        "somebody else answers in the concentrator's place: the line asks for a page to be confirmed, or is read"
    )]
    Captive,
    /// The connection was ended while it was being made: something on the way lets no such thing through, or the concentrator is
    /// full.
    #[error("the connection was cut while it was being made")]
    Cut,
    /// The connection stood, and ended.
    #[error("the connection to the concentrator ended")]
    Ended,
}
