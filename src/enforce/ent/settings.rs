//! What the box is told of the school's ENT once, checked by `config`.

use std::{fmt, path::PathBuf};

use hyper::{Uri, http::uri::Scheme};

use crate::{identity::EntMatch, model::Domain};

/// The school's ENT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What people call it, as the sign-in page shows it.
    pub name: String,
    /// How people sign in there.
    pub protocol: Protocol,
    /// The prefix of its CAS server, or its issuer.
    pub url: EntUrl,
    /// The names, with everything below them, that its sign-in page needs; its own among them.
    pub sites: Vec<Domain>,
    /// The attribute or claim that holds the person's identifier; none for `cas:user` or `sub`.
    pub id: Option<String>,
    /// By what that identifier names a person here.
    pub matches: EntMatch,
    /// The authorities that may sign its certificate, PEM; none for those of the system.
    pub authorities_path: Option<PathBuf>,
    /// The portal's origin without a final slash, such as `https://portail.college.exemple`: where people come back to.
    pub portal: String,
}

impl Settings {
    /// Where the ENT sends people back to.
    pub(super) fn return_url(&self) -> String {
        format!("{}/connexion/ent/retour", self.portal)
    }
}

/// How people sign in at the ENT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// CAS 3.0.
    Cas,
    /// OpenID Connect, the authorisation code flow with PKCE.
    Oidc {
        /// What the ENT knows this school's box by.
        client_id: String,
        /// What the box shows it by.
        client_secret: Secret,
    },
}

/// A secret shared with the ENT. It prints nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The address below which an ENT's pages for signing in lie: `https`, a host's name, perhaps a port and a path; no query,
/// no final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntUrl {
    text: String,
    host: Domain,
}

/// Why a text is no [`EntUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntUrlError {
    /// No URL, or one with more than scheme, host, port and path.
    #[error("it must read like `https://ent.exemple.fr/cas`, without query or `#`")]
    Form,
    /// Another scheme: passwords and tickets cross the Internet.
    #[error("it must begin with `https://`")]
    Plain,
    /// The host is an address or no name.
    #[error("its host must be a name")]
    Host,
}

impl EntUrl {
    /// The URL written as `text`, final slashes removed.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, EntUrlError> {
        let uri: Uri = text.parse().map_err(|_| EntUrlError::Form)?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(_) => return Err(EntUrlError::Plain),
            None => return Err(EntUrlError::Form),
        }
        // `Uri` reads past a fragment without a word.
        if uri.query().is_some() || text.contains(['#', '@', '?', '"', '<', '>']) {
            return Err(EntUrlError::Form);
        }
        let host = uri.host().ok_or(EntUrlError::Host)?.parse().map_err(|_| EntUrlError::Host)?;
        Ok(Self { text: text.trim_end_matches('/').to_owned(), host })
    }

    /// The host's name.
    #[must_use]
    pub fn host(&self) -> &Domain {
        &self.host
    }

    /// The URL without a final slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A URL on the loopback, which has no `https`.
    #[cfg(test)]
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), host: "localhost.exemple".parse().unwrap() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ent_has_a_name_and_https() {
        let url = EntUrl::parse("https://ENT.exemple.fr:8443/cas/").unwrap();
        assert_eq!(
            (url.as_str(), url.host().as_str()),
            ("https://ENT.exemple.fr:8443/cas", "ent.exemple.fr")
        );
        for (text, error) in [
            ("http://ent.exemple.fr/cas", EntUrlError::Plain),
            ("ent.exemple.fr", EntUrlError::Form),
            ("https://ent.exemple.fr/cas?a=b", EntUrlError::Form),
            ("https://ent.exemple.fr/#x", EntUrlError::Form),
            ("https://moi@ent.exemple.fr/", EntUrlError::Form),
            ("https://192.0.2.1/cas", EntUrlError::Host),
            ("", EntUrlError::Form),
        ] {
            assert_eq!(EntUrl::parse(text), Err(error), "{text}");
        }
    }
}
