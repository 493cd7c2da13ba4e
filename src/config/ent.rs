//! `[accounts.ent]`: where people sign in, and what must be open for it.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::{
    fields::{shown, word},
    file,
    named_files::{Unread, read_text},
    problem::Collector,
};
use crate::{
    enforce::{
        ent::{EntUrl, Protocol, Secret, Settings},
        probes,
        web_client::check_authorities,
    },
    identity::EntMatch,
    model::Domain,
};

/// Names open before sign-in: an ENT with its media and its own sign-in needs some five.
const SITES_MAX: usize = 32;

/// The longest name of an attribute or claim, and of a client, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// The largest file with a client's secret, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// The ENT as the file describes it, and the files it names.
#[derive(Debug)]
pub(super) struct WrittenEnt {
    pub(super) settings: Settings,
    pub(super) paths: Vec<PathBuf>,
}

/// Checks the table. None where it is absent, or wrong, which was noted.
pub(super) fn ent(
    written: Option<&file::Ent>,
    portal_name: Option<&Domain>,
    base: &Path,
    problems: &mut Collector<'_>,
) -> Option<WrittenEnt> {
    let written = written?;
    let mut paths = Vec::new();
    let name = shown("accounts.ent.name", &written.name, problems);
    let protocol = protocol(written, base, &mut paths, problems);
    let url = url(&written.url, problems);
    let sites = sites(&written.sites, url.as_ref(), problems);
    let id = written.id.as_ref().map(|id| plain_name("accounts.ent.id", id, problems));
    let words = [("id", EntMatch::Id), ("login", EntMatch::Login)];
    let matches = word("accounts.ent.matches", &written.matches, &words, problems);
    let authorities_path = authorities(written.authorities.as_ref(), base, problems);
    paths.extend(authorities_path.clone().flatten());
    let settings = Settings {
        name: name?,
        protocol: protocol?,
        url: url?,
        sites,
        id: match id {
            Some(id) => Some(id?),
            None => None,
        },
        matches: matches?,
        authorities_path: authorities_path?,
        portal: format!("https://{}", portal_name?),
    };
    Some(WrittenEnt { settings, paths })
}

fn protocol(
    written: &file::Ent,
    base: &Path,
    paths: &mut Vec<PathBuf>,
    problems: &mut Collector<'_>,
) -> Option<Protocol> {
    let (id, secret) = (&written.client_id, &written.client_secret_file);
    let is_oidc =
        word("accounts.ent.protocol", &written.protocol, &[("cas", false), ("oidc", true)], problems)?;
    if !is_oidc {
        for (field, value) in [("client_id", id), ("client_secret_file", secret)] {
            if let Some(value) = value {
                let what = format!(
                    "accounts.ent.{field}: CAS knows none; remove it, or write `protocol = \"oidc\"`"
                );
                problems.at(&value.span(), what);
            }
        }
        return Some(Protocol::Cas);
    }
    let (Some(id), Some(secret)) = (id, secret) else {
        let what =
            "accounts.ent.protocol: OpenID Connect needs `client_id` and `client_secret_file`; write both";
        problems.at(&written.protocol.span(), what);
        return None;
    };
    let client_id = plain_name("accounts.ent.client_id", id, problems);
    let path = base.join(secret.get_ref());
    let text = match read_text(&path, SECRET_BYTES_MAX) {
        Ok(text) => text.trim().to_owned(),
        Err(Unread { what, .. }) => {
            let what = format!("accounts.ent.client_secret_file: `{}`: {what}", path.display());
            problems.at(&secret.span(), what);
            return None;
        }
    };
    if text.is_empty() || text.chars().any(char::is_control) {
        let what = "accounts.ent.client_secret_file: it must hold the secret on one line and nothing else";
        problems.at(&secret.span(), what);
        return None;
    }
    paths.push(path);
    Some(Protocol::Oidc { client_id: client_id?, client_secret: Secret::new(text) })
}

fn url(written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<EntUrl> {
    EntUrl::parse(written.get_ref())
        .map_err(|error| {
            let what = format!("accounts.ent.url: `{}`: {error}", written.get_ref());
            problems.at(&written.span(), what);
        })
        .ok()
}

/// The names open before sign-in, the ENT's own among them.
fn sites(written: &[Spanned<String>], url: Option<&EntUrl>, problems: &mut Collector<'_>) -> Vec<Domain> {
    if let Some(extra) = written.get(SITES_MAX) {
        problems.at(&extra.span(), format!("accounts.ent.sites: at most {SITES_MAX}; remove some"));
    }
    let mut sites: Vec<Domain> = Vec::new();
    for text in written.iter().take(SITES_MAX) {
        let what = match text.get_ref().parse::<Domain>() {
            Err(error) => format!("`{}`: {error}", text.get_ref()),
            Ok(name) if !name.as_str().contains('.') => {
                format!("`{name}` would open a whole top-level domain to everybody; write the ENT's names")
            }
            Ok(name) => match probes::probe_below(&name) {
                Some(probe) => format!(
                    "`{name}` holds `{probe}`, by which devices find out whether a sign-in is needed; name what \
                     the ENT needs more narrowly"
                ),
                None => {
                    sites.push(name);
                    continue;
                }
            },
        };
        problems.at(&text.span(), format!("accounts.ent.sites: {what}"));
    }
    if let Some(url) = url
        && !sites.iter().any(|site| url.host().is_within(site))
    {
        sites.push(url.host().clone());
    }
    sites
}

/// A name that the ENT gave: visible ASCII without spaces.
fn plain_name(field: &str, written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<String> {
    let name = written.get_ref();
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let what = format!(
            "{field}: `{name}` is not 1 to {NAME_BYTES_MAX} letters, digits and signs without spaces"
        );
        problems.at(&written.span(), what);
    }
    fits.then(|| name.clone())
}

/// The file of authorities, where one is named. None where it is wrong.
#[expect(clippy::option_option, reason = "nothing written is right, something wrong is not")]
fn authorities(
    written: Option<&Spanned<String>>,
    base: &Path,
    problems: &mut Collector<'_>,
) -> Option<Option<PathBuf>> {
    let Some(written) = written else { return Some(None) };
    let path = base.join(written.get_ref());
    match check_authorities(&path) {
        Ok(()) => Some(Some(path)),
        Err(error) => {
            problems.at(&written.span(), format!("accounts.ent.authorities: {error:#}"));
            None
        }
    }
}
