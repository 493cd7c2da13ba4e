//! The tunnel's parameters: where the académie's concentrators are, and the address of each school inside.
//!
//! Addresses are given from the prefixes in order and stay the school's for good, also when its box is replaced: what is
//! open to a school inside the académie's network is open to that address.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context as _, bail, ensure};
use preau::{
    model::Uai,
    protocol::enrolment::{Concentrator, Tunnel},
};

use super::{Authority, enrolment::key_of};
use crate::{
    audit::{self, Who},
    database::Write,
    words::Place,
};

/// Concentrators a fleet may have, and prefixes that addresses come from.
const ROWS_MAX: usize = 16;

/// Networks behind one concentrator.
const NETWORKS_MAX: usize = 64;

impl Authority {
    /// Sets the concentrators, the preferred one first, and the prefixes that schools' addresses come from, in place of
    /// those before. Addresses that were given stay given. It is the word of whoever has central's machine.
    ///
    /// # Errors
    /// Naming what is not in order; nothing is changed then.
    pub async fn set_tunnel(
        &self,
        write: &mut Write,
        concentrators: &[Concentrator],
        prefixes: &[String],
    ) -> anyhow::Result<()> {
        let text = format!("{} concentrators, {} prefixes", concentrators.len(), prefixes.len());
        audit::note(write, self.now(), &Who::Central, "tunnel-set", Some(&Place::Academie), &text).await?;
        ensure!(
            concentrators.len() <= ROWS_MAX && prefixes.len() <= ROWS_MAX,
            "more than {ROWS_MAX} of a kind"
        );
        for prefix in prefixes {
            Prefix::read(prefix)?;
        }
        write.execute("DELETE FROM authority_prefix", &[]).await?;
        for prefix in prefixes {
            write
                .execute("INSERT INTO authority_prefix (prefix) VALUES ($1)", &[prefix.as_str().into()])
                .await?;
        }
        write.execute("DELETE FROM authority_concentrator", &[]).await?;
        for (place, Concentrator { key, endpoint, networks }) in (0_i64..).zip(concentrators) {
            ensure!(key_of(key).is_some(), "`{key}` is no WireGuard key");
            let (_, port) = endpoint.rsplit_once(':').with_context(|| format!("`{endpoint}` has no port"))?;
            ensure!(port.parse::<u16>().is_ok_and(|port| port != 0), "`{endpoint}` has no port");
            ensure!(
                networks.len() <= NETWORKS_MAX,
                "more than {NETWORKS_MAX} networks behind one concentrator"
            );
            for network in networks {
                Prefix::read(network)?;
            }
            let sql = "INSERT INTO authority_concentrator (tunnel_key, place, endpoint, networks) VALUES ($1, $2, $3, $4)";
            let values =
                [key.as_str().into(), place.into(), endpoint.as_str().into(), networks.join(" ").into()];
            write.execute(sql, &values).await?;
        }
        Ok(())
    }

    /// The tunnel of `school`, with addresses given now where it had none; nothing where the académie has no tunnel.
    pub(super) async fn tunnel_of(&self, write: &mut Write, school: &Uai) -> anyhow::Result<Option<Tunnel>> {
        let sql = "SELECT tunnel_key, endpoint, networks FROM authority_concentrator ORDER BY place";
        let rows = write.read(sql, &[]).await?;
        let concentrators: Vec<Concentrator> = rows
            .iter()
            .map(|row| {
                Ok(Concentrator {
                    key: row.text(0)?.to_owned(),
                    endpoint: row.text(1)?.to_owned(),
                    networks: row
                        .text(2)?
                        .split(' ')
                        .filter(|text| !text.is_empty())
                        .map(str::to_owned)
                        .collect(),
                })
            })
            .collect::<anyhow::Result<_>>()?;
        if concentrators.is_empty() {
            return Ok(None);
        }
        let mut addresses = Vec::new();
        for row in write.read("SELECT prefix FROM authority_prefix ORDER BY prefix", &[]).await? {
            addresses.push(address(write, &Prefix::read(row.text(0)?)?, school).await?);
        }
        Ok(Some(Tunnel { addresses, concentrators }))
    }
}

/// The address of `school` in `prefix`, given now where it had none.
async fn address(write: &mut Write, prefix: &Prefix, school: &Uai) -> anyhow::Result<String> {
    let values = [prefix.text.as_str().into(), school.as_str().into()];
    let sql = "SELECT number FROM authority_address WHERE prefix = $1 AND school = $2";
    let number = match write.read(sql, &values).await?.first() {
        Some(row) => row.integer(0)?,
        None => {
            let sql = "INSERT INTO authority_address (prefix, school, number)
                SELECT $1, $2, COALESCE(MAX(number), 1) + 1 FROM authority_address WHERE prefix = $1 RETURNING number";
            let rows = write.read(sql, &values).await?;
            rows.first().context("the address was not kept")?.integer(0)?
        }
    };
    prefix.address(u128::try_from(number)?)
}

/// A network that addresses come from: the first address is the concentrators', the second the first school's.
#[derive(Debug)]
struct Prefix {
    text: String,
    network: IpAddr,
    length: u32,
}

impl Prefix {
    fn read(text: &str) -> anyhow::Result<Self> {
        let wrong = || format!("`{text}` is no network; write such as `10.128.0.0/14` or `fd00:80::/48`");
        let (network, length) = text.split_once('/').with_context(wrong)?;
        let network: IpAddr = network.parse().with_context(wrong)?;
        let length: u32 = length.parse().with_context(wrong)?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        ensure!(length <= bits, "{}", wrong());
        let prefix = Self { text: text.to_owned(), network, length };
        ensure!(length == bits || prefix.host_bits() == 0, "`{text}` has bits set behind its length");
        Ok(prefix)
    }

    fn host_bits(&self) -> u128 {
        let (value, width) = self.value();
        value & self.room(width)
    }

    fn value(&self) -> (u128, u32) {
        match self.network {
            IpAddr::V4(address) => (address.to_bits().into(), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        }
    }

    /// The largest number behind the length.
    fn room(&self, width: u32) -> u128 {
        1_u128.checked_shl(width - self.length).map_or(u128::MAX, |beyond| beyond - 1)
    }

    /// Address `number` of the network, with the length of a single address.
    fn address(&self, number: u128) -> anyhow::Result<String> {
        let (value, width) = self.value();
        // The last address of an IPv4 network is everybody's.
        if number >= self.room(width) {
            bail!("the tunnel's network `{}` has no address left; add another one", self.text);
        }
        let address = match u32::try_from(value | number) {
            Ok(bits) if width == 32 => IpAddr::V4(bits.into()),
            _ => IpAddr::V6(Ipv6Addr::from_bits(value | number)),
        };
        Ok(format!("{address}/{width}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_from_the_network_until_it_is_full() {
        let prefix = Prefix::read("10.128.0.0/29").unwrap();
        assert_eq!(prefix.address(2).unwrap(), "10.128.0.2/32");
        assert_eq!(prefix.address(6).unwrap(), "10.128.0.6/32");
        assert!(prefix.address(7).is_err());
        assert_eq!(Prefix::read("fd00:80::/48").unwrap().address(0x1234).unwrap(), "fd00:80::1234/128");
        for wrong in ["10.128.0.0", "10.128.0.1/24", "10.0.0.0/33", "fd00::1/64", "a/8"] {
            assert!(Prefix::read(wrong).is_err(), "{wrong}");
        }
    }
}
