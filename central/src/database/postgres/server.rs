//! Where the server is and how it is spoken to, as the URL says it.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::tls::Tls;

/// The roots that this machine trusts, where the URL names no others: Debian's and Ubuntu's place.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How long one address of the server may take to answer.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// After how long a silence the server's machine is asked whether it is still there.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How long what was sent may stay unacknowledged before the connection counts as broken.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

impl Server {
    /// Reads `postgresql://…`. Beyond what libpq's URLs say, TLS is all or nothing: `sslmode=verify-full`, with the roots
    /// of the PEM file `sslrootcert` or else of this machine, or `sslmode=disable`. Where the URL says neither, a server on
    /// this machine is spoken to without TLS, every other with it.
    ///
    /// # Errors
    /// When the URL is malformed, asks for TLS by halves, or its roots cannot be read.
    pub(super) fn read(url: &str) -> anyhow::Result<Self> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots_path, mut others) = (None, PathBuf::from(SYSTEM_ROOTS), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("sslmode", "verify-full" | "disable") => mode = Some(value == "verify-full"),
                ("sslmode", _) => bail!(
                    "`sslmode={value}` does not say who the server is; write `verify-full` or `disable`"
                ),
                ("sslrootcert", "system") => {}
                ("sslrootcert", path) => roots_path = Path::new(path).to_owned(),
                (name, _) => others.extend(query.split('&').find(|pair| names(pair, name))),
            }
        }
        let mut config: Config =
            format!("{place}?{}", others.join("&")).parse().context("the URL is malformed")?;
        let verify = mode.unwrap_or_else(|| !config.get_hosts().iter().all(is_here));
        config
            .ssl_mode(if verify { SslMode::Require } else { SslMode::Disable })
            .connect_timeout(CONNECT_MAX)
            .keepalives_idle(SILENCE_MAX)
            .keepalives_interval(SILENCE_MAX)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX)
            .application_name("preau-central");
        let tls = if verify { Tls::with_roots(&roots_path)? } else { Tls::none() };
        Ok(Self { config, tls })
    }
}

/// Whether the pair `NAME=VALUE` of a query has this name.
fn names(pair: &str, name: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(found, _)| found == name)
}

/// Whether what is said to the host stays on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_spoken_to_by_tls_unless_the_url_says_otherwise() {
        for (url, expected) in [
            ("postgresql://central@localhost/central", SslMode::Disable),
            ("postgresql://central@[::1]:5433/central", SslMode::Disable),
            ("postgresql:///central?host=/run/postgresql", SslMode::Disable),
            ("postgresql://central@db.example/central", SslMode::Require),
            ("postgresql://central@localhost,db.example/central", SslMode::Require),
            ("postgresql://central@localhost/central?sslmode=verify-full", SslMode::Require),
            ("postgresql://central@db.example/central?sslmode=disable", SslMode::Disable),
        ] {
            assert_eq!(Server::read(url).unwrap().config.get_ssl_mode(), expected, "{url}");
        }
    }

    #[test]
    fn tls_by_halves_is_refused() {
        for mode in ["prefer", "require", "verify-ca", "allow", ""] {
            let url = format!("postgresql://central@db.example/central?sslmode={mode}");
            let refused = Server::read(&url).unwrap_err().to_string();
            assert!(refused.contains("verify-full"), "{refused}");
        }
        let url =
            "postgresql://central@db.example/central?sslmode=verify-full&sslrootcert=/nowhere/roots.pem";
        let refused = Server::read(url).unwrap_err().to_string();
        assert!(refused.contains("/nowhere/roots.pem"), "{refused}");
    }

    #[test]
    fn what_else_the_url_says_is_kept() {
        let url = "postgresql://central@db.example:5433/central?sslmode=disable&options=-c%20x%3Dy";
        let server = Server::read(url).unwrap();
        assert_eq!(server.config.get_options(), Some("-c x=y"));
        assert_eq!(server.config.get_ports(), [5433]);
        assert!(Server::read("postgresql://central@db.example/central?sslmode=disable&x=y").is_err());
    }
}
