//! How a machine becomes the box of a school: with a token, once.
//!
//! The keys are made here and their private halves stay. They are kept before anything is sent: where the answer is lost,
//! the same token with the same keys is answered again for an hour. What came is checked as a whole, and only then is the
//! box enrolled, by one file.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{
    agreement::{PrivateKey, X25519},
    digest::{SHA256, digest},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use reqwest::Method;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::{
    client::{CallError, Client, ENROLLED_BYTES_MAX, Resolve},
    fault::{Fault, fault},
    in_force::central_dir,
    keeping::{self, Kept, VERSION, Written},
};
use crate::{
    model::{Moment, Uai},
    protocol::{
        Token,
        enrolment::{Enrol, Enrolled, Keys, Setup},
    },
    system::{clock::Clock, files},
};

/// How long central may take to answer: it makes a certificate and writes it down, in turn with others.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// Whether the box may be enrolled already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// No: a living enrolment is never written over.
    Nothing,
    /// Yes.
    Enrolment,
}

/// What an enrolment needs to know.
#[derive(Debug)]
pub struct Enrolment<'a> {
    /// The token.
    pub token: &'a Token,
    /// The school the configuration is for; none where there is no configuration yet.
    pub configured: Option<&'a Uai>,
    /// Where the box keeps its state.
    pub state_dir: &'a Path,
    /// Whether the box may be enrolled already.
    pub replace: Replace,
}

/// Why a machine did not become the school's box. Each is one sentence for a technician, and says what to do.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// Token and configuration name two schools.
    #[error(
        "the token is for {token}, but the configuration is for {configured}: correct `[school] uai`, or ask for a token for {configured}"
    )]
    OtherSchool {
        /// The token's.
        token: String,
        /// The configuration's.
        configured: String,
    },
    /// The box is enrolled.
    #[error(
        "this box is enrolled for {0} already and goes on as it is; to enrol it again, ask for a token that replaces it and add `--replace`"
    )]
    Enrolled(String),
    /// What the token says cannot be used.
    #[error("the token does not say where central is; ask for another one")]
    Token,
    /// Nobody answers there.
    #[error(
        "central cannot be reached at {0}: check the line and the name service, and that port and name are let through, then try again"
    )]
    Unreachable(Url, #[source] CallError),
    /// Somebody else answers there.
    #[error(
        "what answers at {0} is not the central that gave the token: something on the way reads the connection, or the token is from before central was made anew"
    )]
    NotCentral(Url),
    /// The clock is wrong.
    #[error(
        "the clock of this machine says {0}, at which central's certificate does not hold: set the clock, then try again"
    )]
    Clock(Moment),
    /// Central says no.
    #[error("{0}")]
    Refused(String),
    /// What came is not in order.
    #[error("central's answer is not in order and nothing was changed: tell the académie")]
    Answer(#[source] anyhow::Error),
    /// The machine itself fails.
    #[error("this machine cannot keep the enrolment")]
    Keeping(#[source] anyhow::Error),
}

/// `enrolling.json`: the keys of an enrolment under way, and for which token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolling {
    token: String,
    key: String,
    sealing_key: String,
    tunnel_key: String,
}

/// Makes this machine the box of the token's school; `say` is told each step before it is done. Gives who it is from now on,
/// and how the school's box before it was set up, where there was one.
///
/// # Errors
/// See [`EnrolError`]. Whatever fails, an enrolment that was there still is.
pub async fn enrol(
    enrolment: &Enrolment<'_>,
    clock: Clock,
    resolve: Resolve,
    mut say: impl FnMut(&str),
) -> Result<(Kept, Option<Setup>), EnrolError> {
    let Enrolment { token, configured, state_dir, replace } = *enrolment;
    if let Some(configured) = configured.filter(|configured| configured.as_str() != token.school) {
        let (token, configured) = (token.school.clone(), configured.as_str().to_owned());
        return Err(EnrolError::OtherSchool { token, configured });
    }
    let before = match keeping::read(state_dir) {
        Ok(Some(kept)) if replace == Replace::Nothing => {
            return Err(EnrolError::Enrolled(kept.school.as_str().to_owned()));
        }
        Ok(before) => before,
        // What cannot be read helps nobody, but goes only on somebody's word.
        Err(_) if replace == Replace::Enrolment => None,
        Err(error) => return Err(EnrolError::Keeping(error)),
    };
    let central = Url::parse(&token.central).map_err(|_| EnrolError::Token)?;
    let authority = digest_of(&token.authority).ok_or(EnrolError::Token)?;
    say(&format!("the token is for {}, given by {central}", token.school));
    say("making the keys of this machine; their private halves stay here");
    let keys = keys(state_dir, token).map_err(EnrolError::Keeping)?;
    say("asking central for the certificate of this machine");
    let enrolled = ask(&central, authority, token, &keys, clock, resolve).await?;
    say("checking what came");
    let kept = checked(token, &keys, &enrolled).map_err(EnrolError::Answer)?;
    say(&format!("keeping it in `{}`", central_dir(state_dir).display()));
    keep(state_dir, &kept, before.as_ref(), &enrolled).map_err(EnrolError::Keeping)?;
    Ok((kept, enrolled.setup))
}

/// The keys for this token: those of a try before, or ones that are made and kept now.
fn keys(state_dir: &Path, token: &Token) -> anyhow::Result<Enrolling> {
    let path = keeping::enrolling_path(state_dir);
    let of = blake3::hash(token.secret.as_bytes()).to_hex().to_string();
    // What cannot be read was cut by a power failure before anything was sent.
    if let Ok(Some(before)) = keeping::read_file::<Enrolling>(&path)
        && before.token == of
    {
        return Ok(before);
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let made =
        Enrolling { token: of, key: key.serialize_pem(), sealing_key: x25519()?, tunnel_key: x25519()? };
    keeping::write(&path, &made)?;
    Ok(made)
}

pub(super) fn x25519() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(STANDARD.encode(bytes))
}

pub(super) fn public_half(key: &str) -> anyhow::Result<String> {
    let key = PrivateKey::from_private_key(&X25519, &STANDARD.decode(key)?)?;
    Ok(STANDARD.encode(key.compute_public_key().map_err(|_| anyhow!("a key has no public half"))?))
}

/// A certificate request (PKCS #10, PEM) for `key`; central takes nothing from it but the key.
pub(super) fn request(key: &KeyPair) -> anyhow::Result<String> {
    Ok(CertificateParams::default().serialize_request(key)?.pem()?)
}

fn public(keys: &Enrolling) -> anyhow::Result<Keys> {
    Ok(Keys {
        request: request(&KeyPair::from_pem(&keys.key)?)?,
        sealing: public_half(&keys.sealing_key)?,
        tunnel: public_half(&keys.tunnel_key)?,
    })
}

async fn ask(
    central: &Url,
    authority: [u8; 32],
    token: &Token,
    keys: &Enrolling,
    clock: Clock,
    resolve: Resolve,
) -> Result<Enrolled, EnrolError> {
    let now = clock.now();
    let client = Client::for_enrolment(central.clone(), authority, clock, resolve);
    let client = client.map_err(EnrolError::Keeping)?;
    let enrol = Enrol {
        secret: token.secret.clone(),
        school: token.school.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        keys: public(keys).map_err(EnrolError::Keeping)?,
    };
    let answer = client.call(Method::POST, "v1/enrol", &enrol, ANSWER_WAIT_MAX, ENROLLED_BYTES_MAX).await;
    answer.map_err(|error| match (&error, fault(&error)) {
        (CallError::Refused { refusal, .. }, _) => EnrolError::Refused(refusal.sentence.clone()),
        (CallError::Unreadable(_), _) => EnrolError::Answer(error.into()),
        (_, Some(Fault::Dates)) => EnrolError::Clock(now),
        (_, Some(Fault::Stranger)) => EnrolError::NotCentral(central.clone()),
        (_, None) => EnrolError::Unreachable(central.clone(), error),
    })
}

/// Checks that what came is what the token vouches for.
fn checked(token: &Token, keys: &Enrolling, enrolled: &Enrolled) -> anyhow::Result<Kept> {
    let Enrolled { school, school_name, certificate, authority, root, repositories, central, tunnel, .. } =
        enrolled.clone();
    anyhow::ensure!(school == token.school, "it is for another school");
    let root_digest = digest_of(&token.root).context("the token has no digest of the root of trust")?;
    anyhow::ensure!(
        digest(&SHA256, root.as_bytes()).as_ref() == root_digest,
        "the root of trust is not the one the token names"
    );
    let vouched = digest_of(&token.authority).context("the token has no digest of the authority")?;
    let is_there = CertificateDer::pem_slice_iter(authority.as_bytes())
        .any(|shown| shown.is_ok_and(|shown| digest(&SHA256, &shown).as_ref() == vouched));
    anyhow::ensure!(is_there, "the authority is not the one the token names");
    Kept::of(Written {
        version: VERSION,
        school,
        school_name,
        central,
        repositories,
        root,
        tunnel,
        certificate,
        authority,
        key: keys.key.clone(),
        sealing_key: keys.sealing_key.clone(),
        tunnel_key: keys.tunnel_key.clone(),
    })
}

/// Puts it on disk; `enrolment.json` last, which is what makes it true.
fn keep(state_dir: &Path, kept: &Kept, before: Option<&Kept>, enrolled: &Enrolled) -> anyhow::Result<()> {
    let dir = central_dir(state_dir);
    // Under the same root what the box has seen stays seen: a new enrolment is no way back to an older view.
    if before.is_none_or(|before| before.root != kept.root) {
        for name in ["trust", "trust.work", "metadata", "parts"] {
            remove_dir(&dir.join(name))?;
        }
        keeping::remove(&dir.join("view"))?;
        files::replace(&dir.join("root.json"), kept.root.as_bytes())?;
    }
    if let Some(setup) = &enrolled.setup {
        keeping::keep_setup(state_dir, setup)?;
    }
    kept.keep(state_dir)?;
    keeping::remove(&keeping::enrolling_path(state_dir))?;
    Ok(())
}

fn remove_dir(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// 32 bytes in hexadecimal.
fn digest_of(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}
