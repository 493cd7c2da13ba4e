//! How the cache reaches the sites that the box fronts: by the box's own resolver, for the school's name leads back to the box,
//! and by connections that are the cache's to keep.

use std::{io, net::IpAddr, path::Path};

use rustls_pki_types::ServerName;

use super::{
    dns::Resolver,
    web_client::{TlsConnectorOf, connect_to_one_of},
};
use crate::{
    ent::{Connect, Connecting, Connection, Origin},
    model::Domain,
};

/// Connects to origins. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Origins {
    resolver: Resolver,
    tls: TlsConnectorOf,
}

impl Origins {
    /// Asks `resolver` where origins are, and trusts the authorities of the PEM file `authorities_path`, or those of the system.
    ///
    /// # Errors
    /// When the file cannot be read or holds no authority.
    pub fn new(resolver: Resolver, authorities_path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self { resolver, tls: TlsConnectorOf::new(authorities_path)? })
    }

    async fn connect_to(&self, origin: &Origin) -> io::Result<Box<dyn Connection>> {
        let upstream = &origin.upstream;
        let addresses = match upstream.address.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let name: Domain = upstream.address.parse().map_err(io::Error::other)?;
                self.resolver.addresses_for_box(&name).await.map_err(io::Error::other)?
            }
        };
        let stream = connect_to_one_of(addresses, upstream.port).await?;
        // Heads are one write; nothing is gained by waiting for more.
        stream.set_nodelay(true)?;
        if !upstream.is_secure {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(origin.host.as_str().to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

impl Connect for Origins {
    fn connect<'a>(&'a self, origin: &'a Origin) -> Connecting<'a> {
        Box::pin(self.connect_to(origin))
    }
}
