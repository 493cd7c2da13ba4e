//! How a simulated box belongs to its school: what a real enrolment left in its folder.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use preau::{
    protocol::Token,
    sync::{Enrolment, Replace, enrol},
    system::clock::Clock,
};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde::Deserialize;
use tokio::task::JoinSet;
use url::Url;

use super::Fleet;

/// Boxes that are enrolled at once.
const AT_ONCE: usize = 16;

/// A box that belongs to a school.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) school: String,
    pub(super) name: ServerName<'static>,
    pub(super) tls: Arc<ClientConfig>,
}

/// What is read of what the box keeps.
#[derive(Deserialize)]
struct Kept {
    school: String,
    central: String,
    certificate: String,
    authority: String,
    key: String,
}

/// The enrolments in the folder, and as many more as are missing, by the tokens of the file.
pub(super) async fn gather(
    fleet: &Fleet,
    say: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Vec<Membership>> {
    let Fleet { boxes, folder, .. } = fleet;
    let boxes = *boxes;
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let mut dirs = enrolled(folder)?;
    if dirs.len() < boxes {
        say(&format!("{} boxes are enrolled; {} more are now", dirs.len(), boxes - dirs.len()));
        dirs.extend(enrol_more(fleet, boxes - dirs.len(), say).await?);
    }
    dirs.truncate(boxes);
    dirs.iter().map(|dir| read(dir)).collect()
}

/// The folders of boxes that are enrolled, in the order of their schools.
fn enrolled(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut dirs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let dir = entry?.path();
        if kept_path(&dir).exists() {
            dirs.push(dir);
        }
    }
    dirs.sort();
    Ok(dirs)
}

async fn enrol_more(
    fleet: &Fleet,
    missing: usize,
    say: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Vec<PathBuf>> {
    let path = fleet.tokens_path.as_ref().context("boxes are missing: give a file of tokens")?;
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut tokens = text.lines().filter(|line| !line.trim().is_empty());
    let mut dirs = Vec::new();
    let mut under_way = JoinSet::new();
    while dirs.len() < missing {
        while under_way.len() < AT_ONCE && dirs.len() + under_way.len() < missing {
            let Some(line) = tokens.next() else { break };
            let token = Token::read(line)?;
            let dir = fleet.folder.join(&token.school);
            if !kept_path(&dir).exists() {
                under_way.spawn(enrol_one(token, dir, fleet.central));
            }
        }
        let ended = under_way.join_next().await.context("there are not enough tokens in the file")?;
        dirs.push(ended??);
        if dirs.len() % 500 == 0 {
            say(&format!("{} boxes were enrolled", dirs.len()));
        }
    }
    Ok(dirs)
}

async fn enrol_one(token: Token, dir: PathBuf, central: SocketAddr) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(&dir)?;
    let enrolment = Enrolment { token: &token, configured: None, state_dir: &dir, replace: Replace::Nothing };
    let resolve =
        move |_: String| -> BoxFuture<'static, _> { Box::pin(async move { Ok(vec![central.ip()]) }) };
    enrol(&enrolment, Clock::of_the_machine(), Arc::new(resolve), |_| {}).await?;
    Ok(dir)
}

fn read(dir: &Path) -> anyhow::Result<Membership> {
    let path = kept_path(dir);
    let context = || format!("cannot use `{}`", path.display());
    let text = fs::read_to_string(&path).with_context(context)?;
    let Kept { school, central, certificate, authority, key } =
        serde_json::from_str(&text).with_context(context)?;
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        roots.add(authority?)?;
    }
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    // Tickets would be most of what a box costs here.
    tls.resumption = Resumption::disabled();
    let url = Url::parse(&central)?;
    let name = url.domain().context("central has no name")?.to_owned();
    Ok(Membership { school, name: ServerName::try_from(name)?, tls: Arc::new(tls) })
}

fn kept_path(dir: &Path) -> PathBuf {
    dir.join("central/enrolment.json")
}
