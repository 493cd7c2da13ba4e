//! The tunnel's parameters: what a box is told of it, and what a concentrator is told of boxes.
//!
//! Addresses are given from the prefixes in order and stay the school's for good, also when its box is replaced: what is
//! open to a school inside the académie's network is open to that address.

use anyhow::{Context as _, anyhow, ensure};
use preau::{
    model::Uai,
    protocol::enrolment::{Concentrator, Tunnel},
};

use super::{
    Authority,
    open::TOPIC,
    tunnel_plan::{PlannedConcentrator, Prefix, TunnelPlan, words},
    tunnel_secret::Secret,
};
use crate::{
    audit::{self, Who},
    database::{Database, Write},
    words::Place,
};

/// Everything a concentrator is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concentrating {
    /// The concentrator.
    pub concentrator: PlannedConcentrator,
    /// The networks that schools' addresses come from.
    pub prefixes: Vec<String>,
    /// Its own addresses inside: the first of each network.
    pub addresses: Vec<String>,
    /// The schools whose box is enrolled and was not revoked, by code.
    pub peers: Vec<Peer>,
}

/// A school at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The school.
    pub school: Uai,
    /// Its addresses inside: what may come from it, and goes to it.
    pub addresses: Vec<String>,
    /// The key of its box.
    pub key: PeerKey,
    /// The key its box is about to change to: accepted beside the other.
    pub next: Option<PeerKey>,
}

/// A key of a box, and what it shares with the concentrator. Written out, nothing of the latter is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerKey {
    /// The public key, in base64.
    pub public: String,
    /// The key that both have beforehand, in base64; none where there is no secret to make it of. Secret.
    pub preshared: Option<String>,
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.public)
    }
}

impl Authority {
    /// Has `plan` in place of what was before. Addresses that were given stay given. It is the word of whoever has central's
    /// machine.
    ///
    /// # Errors
    /// Naming what is not in order; nothing is changed then.
    pub async fn set_tunnel(&self, write: &mut Write, plan: &TunnelPlan) -> anyhow::Result<()> {
        plan.check()?;
        let TunnelPlan { prefixes, names, resolvers, concentrators } = plan;
        let text = format!("{} concentrators, {} prefixes", concentrators.len(), prefixes.len());
        audit::note(write, self.now(), &Who::Central, "tunnel-set", Some(&Place::Academie), &text).await?;
        write.execute("DELETE FROM authority_prefix", &[]).await?;
        for prefix in prefixes {
            let sql = "INSERT INTO authority_prefix (prefix) VALUES ($1)";
            write.execute(sql, &[prefix.as_str().into()]).await?;
        }
        write.execute("DELETE FROM authority_concentrator", &[]).await?;
        for (place, concentrator) in (0_i64..).zip(concentrators) {
            let PlannedConcentrator { name, key, endpoint, networks, tls } = concentrator;
            let sql = "INSERT INTO authority_concentrator (place, name, tunnel_key, endpoint, networks, tls)
                VALUES ($1, $2, $3, $4, $5, $6)";
            let values = [
                place.into(),
                name.as_str().into(),
                key.as_str().into(),
                endpoint.as_str().into(),
                networks.join(" ").into(),
                tls.as_deref().into(),
            ];
            write.execute(sql, &values).await?;
        }
        keep(write, "names", &names.join(" ")).await?;
        keep(write, "resolvers", &resolvers.join(" ")).await?;
        self.make_secret(write).await?;
        let version = kept(write, "version").await?.map_or(Ok(0), |text| text.parse::<u64>())?;
        keep(write, "version", &(version + 1).to_string()).await?;
        write.signal(TOPIC);
        Ok(())
    }

    /// Makes the secret of shared keys where the fleet has none yet.
    async fn make_secret(&self, write: &mut Write) -> anyhow::Result<()> {
        if self.secret(kept(write, "secret").await?)?.is_none() {
            let secret = match Secret::read(&self.0.keys_dir)? {
                Some(secret) => secret,
                None => Secret::make(&self.0.keys_dir)?,
            };
            keep(write, "secret", &secret.digest()).await?;
        }
        Ok(())
    }

    /// The secret that the database knows by `digest`: shared keys are made of it on every instance, or on none.
    fn secret(&self, digest: Option<String>) -> anyhow::Result<Option<Secret>> {
        let Some(digest) = digest else { return Ok(None) };
        let keys_dir = self.0.keys_dir.display();
        let copy = || format!("copy `tunnel.secret` of the instance that set the tunnel into `{keys_dir}`");
        let secret = Secret::read(&self.0.keys_dir)?.with_context(copy)?;
        ensure!(
            secret.digest() == digest,
            "the secret of the tunnel is another than the fleet's: {}",
            copy()
        );
        Ok(Some(secret))
    }

    /// The tunnel of `school` for its box's key `of_box`, with addresses given now where it had none; nothing where the
    /// académie has no tunnel.
    pub(super) async fn tunnel_of(
        &self,
        write: &mut Write,
        school: &Uai,
        of_box: &str,
    ) -> anyhow::Result<Option<Tunnel>> {
        let sql =
            format!("SELECT {} FROM authority_concentrator ORDER BY place", PlannedConcentrator::COLUMNS);
        let rows = write.read(&sql, &[]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let secret = self.secret(kept(write, "secret").await?)?;
        let concentrator = |planned: PlannedConcentrator| Concentrator {
            preshared: secret.as_ref().map(|secret| secret.preshared(school, &planned.key, of_box)),
            key: planned.key,
            endpoint: planned.endpoint,
            networks: planned.networks,
            tls: planned.tls,
        };
        let planned = rows.iter().map(PlannedConcentrator::from_row);
        let concentrators =
            planned.map(|planned| planned.map(concentrator)).collect::<anyhow::Result<_>>()?;
        let mut addresses = Vec::new();
        for row in write.read("SELECT prefix FROM authority_prefix ORDER BY prefix", &[]).await? {
            addresses.push(address(write, &Prefix::read(row.text(0)?)?, school).await?);
        }
        let names = words(&kept(write, "names").await?.unwrap_or_default());
        let resolvers = words(&kept(write, "resolvers").await?.unwrap_or_default());
        Ok(Some(Tunnel { addresses, concentrators, names, resolvers }))
    }

    /// Everything that the concentrator called `name` is to have.
    ///
    /// # Errors
    /// When there is none of that name, with those there are; when the database refuses, or the secret is missing here.
    pub async fn concentrating(&self, name: &str) -> anyhow::Result<Concentrating> {
        let database = &self.0.database;
        let sql =
            format!("SELECT {} FROM authority_concentrator ORDER BY place", PlannedConcentrator::COLUMNS);
        let rows = database.read(&sql, &[]).await?;
        let known: Vec<_> = rows.iter().map(PlannedConcentrator::from_row).collect::<anyhow::Result<_>>()?;
        let concentrator = known.iter().find(|known| known.name == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            match names.as_slice() {
                [] => anyhow!("the académie has no tunnel yet; say it by `preau-central tunnel set FILE`"),
                names => anyhow!("no concentrator is called `{name}`; there are: {}", names.join(", ")),
            }
        })?;
        let rows = database.read("SELECT prefix FROM authority_prefix ORDER BY prefix", &[]).await?;
        let prefixes: Vec<Prefix> =
            rows.iter().map(|row| Prefix::read(row.text(0)?)).collect::<anyhow::Result<_>>()?;
        let sql = "SELECT value FROM authority_tunnel WHERE word = 'secret'";
        let rows = database.read(sql, &[]).await?;
        let digest = rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()?;
        let secret = self.secret(digest)?;
        let peers = peers(database, &prefixes, &concentrator.key, secret.as_ref()).await?;
        let addresses = prefixes.iter().map(|prefix| prefix.address(1)).collect::<anyhow::Result<_>>()?;
        let prefixes = prefixes.into_iter().map(|prefix| prefix.text).collect();
        Ok(Concentrating { concentrator, prefixes, addresses, peers })
    }
}

/// The schools whose box is enrolled, with what they share with the concentrator of that key.
async fn peers(
    database: &Database,
    prefixes: &[Prefix],
    concentrator: &str,
    secret: Option<&Secret>,
) -> anyhow::Result<Vec<Peer>> {
    let sql = "SELECT b.school, b.tunnel, b.tunnel_next, a.prefix, a.number
        FROM authority_box b LEFT JOIN authority_address a ON a.school = b.school
        WHERE b.revoked IS NULL ORDER BY b.school, a.prefix";
    let mut peers: Vec<Peer> = Vec::new();
    for row in database.read(sql, &[]).await? {
        let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
        if peers.last().is_none_or(|last| last.school != school) {
            let key = |public: &str| PeerKey {
                public: public.to_owned(),
                preshared: secret.map(|secret| secret.preshared(&school, concentrator, public)),
            };
            let (own, next) = (key(row.text(1)?), row.text_or_nothing(2)?.map(key));
            peers.push(Peer { school, addresses: Vec::new(), key: own, next });
        }
        // An address of a network that is not the tunnel's any more stays the school's, but leads nowhere.
        let of = row.text_or_nothing(3)?;
        let prefix = prefixes.iter().find(|prefix| of == Some(&prefix.text));
        if let (Some(prefix), Some(peer)) = (prefix, peers.last_mut()) {
            peer.addresses.push(prefix.address(u128::try_from(row.integer(4)?)?)?);
        }
    }
    Ok(peers)
}

/// What is kept under `word`.
async fn kept(write: &mut Write, word: &str) -> anyhow::Result<Option<String>> {
    let rows = write.read("SELECT value FROM authority_tunnel WHERE word = $1", &[word.into()]).await?;
    rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

async fn keep(write: &mut Write, word: &str, value: &str) -> anyhow::Result<()> {
    let sql = "INSERT INTO authority_tunnel (word, value) VALUES ($1, $2)
        ON CONFLICT (word) DO UPDATE SET value = excluded.value";
    write.execute(sql, &[word.into(), value.into()]).await.map(drop)
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
