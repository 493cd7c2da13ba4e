//! The configuration file, version 1: strict, checked whole before anything starts.
//!
//! ```toml
//! version = 1
//! database = "sqlite:central.sqlite"      # or "postgresql://user@host/name"
//! repository = "repository"               # a folder, or "s3://bucket/prefix"
//! keys = "keys"                           # the folder of the signing keys that are on line
//! work = "work"                           # a folder for what can be made again, some hundred MB
//! academie = "Académie d'Exemple"
//!
//! two_persons = ["locked-rules"]          # what a second person approves: "locked-rules", "academie"; this is the default
//!
//! [boxes]                                 # where boxes come in
//! listen = "[::]:8443"
//! url = "https://central.ac-exemple.example:8443"
//!
//! [console]                               # where people come in
//! listen = "[::]:443"
//! name = "console.ac-exemple.example"
//! certificate = "console.pem"
//! key = "console.key"
//!
//! [acme]                                  # optional: certificates of portals' public names
//! directory = "https://acme-v02.api.letsencrypt.org/directory"
//! contact = "mailto:dasen@ac-exemple.example"   # optional
//! dns = { hook = "records" }              # the program that writes and removes records
//! trusted = "acme.pem"                    # optional: the authority of the directory's own certificate
//!
//! [metrics]                               # optional: figures for those who watch; nobody is asked who they are
//! listen = "127.0.0.1:9274"
//!
//! [alarms]                                # optional: what central says by itself, to one of these or both
//! webhook = "https://alarms.ac-exemple.example/preau"
//! mail = { program = "/usr/sbin/sendmail", from = "preau@ac-exemple.example", to = ["dsi@ac-exemple.example"] }
//!
//! [concentrator]                          # optional: what `preau-central concentrator run` is (docs/concentrator.md)
//! name = "amiens"
//! interface = "preau0"                    # this is the default
//! port = 51820                            # this is the default
//! tcp = "[::]:443"                        # optional: the way through TCP
//! ```
//!
//! Relative paths start at the folder of the file.

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroU16,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use preau::model::Domain;
use serde::Deserialize;
use url::{Host, Url};

use crate::{
    authority::AcmeSettings,
    bucket, concentrator,
    console::{ClientCertificates, LoginField},
    database,
    fleet::policy::{Act, TwoPersons},
    metrics::alarms,
};

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Addresses that alarms are sent to at most.
const ADDRESSES_MAX: usize = 20;

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The académie's name as people read it.
    pub academie: String,
    /// The database.
    pub database: database::Location,
    /// The repository: a folder or a bucket.
    pub repository: bucket::Location,
    /// The folder of the signing keys that are on line.
    pub keys_dir: PathBuf,
    /// A folder for what can be made again: the editions of the lists.
    pub work_dir: PathBuf,
    /// Acts on rules that need a second person.
    pub two_persons: TwoPersons,
    /// Where boxes come in.
    pub boxes: Boxes,
    /// Where people come in.
    pub console: Console,
    /// Where those who watch come for figures, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Where alarms go, if anywhere.
    pub alarms: Option<alarms::Settings>,
    /// Where certificates of portals' public names come from, if anywhere.
    pub acme: Option<AcmeSettings>,
    /// The concentrator that this machine can be, if any.
    pub concentrator: Option<concentrator::Settings>,
}

/// Where boxes come in.
#[derive(Clone, Debug)]
pub struct Boxes {
    /// The address and port.
    pub listen: SocketAddr,
    /// What boxes call it: `https`, with a name.
    pub url: Url,
}

/// Where people come in.
#[derive(Clone, Debug)]
pub struct Console {
    /// The address and port.
    pub listen: SocketAddr,
    /// Its name.
    pub name: Domain,
    /// The certificate chain, PEM.
    pub certificate_path: PathBuf,
    /// Its key, PEM.
    pub key_path: PathBuf,
    /// Certificates of persons that take the place of their codes, if any.
    pub clients: Option<ClientCertificates>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: i64,
    database: String,
    repository: String,
    keys: String,
    #[serde(default = "default_work")]
    work: String,
    academie: String,
    two_persons: Option<Vec<String>>,
    boxes: BoxesWritten,
    console: ConsoleWritten,
    acme: Option<AcmeWritten>,
    metrics: Option<MetricsWritten>,
    alarms: Option<AlarmsWritten>,
    concentrator: Option<ConcentratorWritten>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConcentratorWritten {
    name: String,
    #[serde(default = "default_interface")]
    interface: String,
    #[serde(default = "default_port")]
    port: NonZeroU16,
    tcp: Option<SocketAddr>,
}

fn default_interface() -> String {
    "preau0".to_owned()
}

/// WireGuard's own.
fn default_port() -> NonZeroU16 {
    NonZeroU16::new(51_820).expect("the number is not zero")
}

fn concentrator(written: ConcentratorWritten) -> anyhow::Result<concentrator::Settings> {
    let ConcentratorWritten { name, interface, port, tcp } = written;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    ensure!(
        (1..=15).contains(&interface.len()) && interface.bytes().all(plain),
        "concentrator.interface: `{interface}` is no name; write 1 to 15 letters, digits, `-` and `_`"
    );
    Ok(concentrator::Settings { name, interface, port: port.get(), tcp })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmsWritten {
    webhook: Option<Url>,
    mail: Option<MailWritten>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailWritten {
    program: String,
    from: String,
    to: Vec<String>,
}

fn alarms(written: AlarmsWritten, base: &Path) -> anyhow::Result<alarms::Settings> {
    let AlarmsWritten { webhook, mail } = written;
    ensure!(webhook.is_some() || mail.is_some(), "alarms: neither webhook nor mail; write one of them");
    if let Some(url) = &webhook {
        let here = url.host().is_some_and(|host| match host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(_) => false,
        });
        let is_good = url.scheme() == "https" || (url.scheme() == "http" && here);
        ensure!(is_good, "alarms.webhook: it is not https; http goes to this machine's own address only");
    }
    let mail = mail.map(|MailWritten { program, from, to }| {
        ensure!(
            (1..=ADDRESSES_MAX).contains(&to.len()),
            "alarms.mail.to: write 1 to {ADDRESSES_MAX} addresses"
        );
        for address in to.iter().chain([&from]) {
            let is_plain = |letter: char| letter.is_ascii_graphic() && !"<>,;\"".contains(letter);
            let is_good = address.contains('@') && !address.starts_with('-') && address.chars().all(is_plain);
            ensure!(
                is_good,
                "alarms.mail: `{address}` is no address; write such as `dsi@ac-exemple.example`"
            );
        }
        Ok(alarms::Mail { program: base.join(program), from, to })
    });
    Ok(alarms::Settings { webhook, mail: mail.transpose()? })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsWritten {
    listen: SocketAddr,
}

fn default_work() -> String {
    "work".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoxesWritten {
    listen: SocketAddr,
    url: Url,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsoleWritten {
    listen: SocketAddr,
    name: String,
    certificate: String,
    key: String,
    client_authority: Option<String>,
    client_field: Option<String>,
}

/// Whose certificates take the place of codes.
fn clients(written: &ConsoleWritten, base: &Path) -> anyhow::Result<Option<ClientCertificates>> {
    let Some(authority) = &written.client_authority else {
        ensure!(
            written.client_field.is_none(),
            "console.client_field: say whose certificates by client_authority"
        );
        return Ok(None);
    };
    let word = written.client_field.as_deref().unwrap_or("mail");
    let field = LoginField::read(word).with_context(|| {
        format!("console.client_field: `{word}` is no field; write `mail`, `common-name` or `user-id`")
    })?;
    Ok(Some(ClientCertificates { authority_path: base.join(authority), field }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeWritten {
    directory: Url,
    contact: Option<String>,
    dns: DnsWritten,
    trusted: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsWritten {
    hook: String,
}

fn acme(written: AcmeWritten, base: &Path) -> anyhow::Result<AcmeSettings> {
    let AcmeWritten { directory, contact, dns, trusted } = written;
    ensure!(directory.scheme() == "https", "acme.directory: `{directory}` is not https");
    let trusted = trusted.map(|path| base.join(path));
    Ok(AcmeSettings { directory, contact, hook: base.join(dns.hook), trusted })
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// With the line and field that is wrong, and what to write.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let size = fs::metadata(path).with_context(|| format!("cannot read `{shown}`"))?.len();
        ensure!(size <= FILE_BYTES_MAX, "`{shown}` is larger than {FILE_BYTES_MAX} bytes");
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base).with_context(|| format!("`{shown}` is refused"))
    }

    fn parse(text: &str, base: &Path) -> anyhow::Result<Self> {
        let File {
            version,
            database,
            repository,
            keys,
            work,
            academie,
            two_persons,
            boxes,
            console,
            acme: acme_written,
            metrics,
            alarms: alarms_written,
            concentrator: concentrator_written,
        } = toml::from_str(text)?;
        ensure!(version == 1, "version: {version} is not known; this program reads version 1");
        ensure!(!academie.trim().is_empty(), "academie: empty; write the académie's name");
        let url = boxes.url;
        ensure!(
            url.scheme() == "https" && url.domain().is_some() && url.path() == "/",
            "boxes.url: `{url}` is not https with a name and no path; write such as `https://central.ac-exemple.example:8443`"
        );
        let clients = clients(&console, base)?;
        let name = &console.name;
        Ok(Self {
            academie,
            database: database::Location::read(&database, base).context("database")?,
            repository: bucket::Location::read(&repository, base).context("repository")?,
            keys_dir: base.join(keys),
            work_dir: base.join(work),
            two_persons: two_persons.map_or_else(|| Ok(TwoPersons::default()), |words| acts(&words))?,
            boxes: Boxes { listen: boxes.listen, url },
            console: Console {
                listen: console.listen,
                name: name.parse().with_context(|| format!("console.name: `{name}`"))?,
                certificate_path: base.join(console.certificate),
                clients,
                key_path: base.join(console.key),
            },
            metrics: metrics.map(|written| written.listen),
            alarms: alarms_written.map(|written| alarms(written, base)).transpose()?,
            acme: acme_written.map(|written| acme(written, base)).transpose()?,
            concentrator: concentrator_written.map(concentrator).transpose()?,
        })
    }
}

fn acts(words: &[String]) -> anyhow::Result<TwoPersons> {
    let act = |word: &String| {
        let known = "write `locked-rules`, `academie` or both";
        Act::read(word).with_context(|| format!("two_persons: `{word}` is no act; {known}"))
    };
    words.iter().map(act).collect::<anyhow::Result<_>>().map(TwoPersons)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
version = 1
database = "sqlite:central.sqlite"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = { listen = "[::]:8443", url = "https://central.ac-exemple.example:8443" }
console = { listen = "[::]:443", name = "console.ac-exemple.example", certificate = "c.pem", key = "c.key" }
"#;

    #[test]
    fn relative_paths_start_at_the_file() {
        let config = Config::parse(GOOD, Path::new("/etc/preau-central")).unwrap();
        assert_eq!(config.database, database::Location::Sqlite("/etc/preau-central/central.sqlite".into()));
        assert_eq!(config.repository, bucket::Location::Folder("/etc/preau-central/repository".into()));
    }

    #[test]
    fn certificates_of_persons_name_them_by_mail_unless_another_field_is_said() {
        let with = |fields: &str| {
            let text =
                GOOD.replacen("\"c.key\"", &format!("\"c.key\", client_authority = \"a.pem\"{fields}"), 1);
            Config::parse(&text, Path::new("/etc")).unwrap().console.clients.unwrap()
        };
        assert_eq!(with("").field, LoginField::Mail);
        assert_eq!(with("").authority_path, Path::new("/etc/a.pem"));
        assert_eq!(with(", client_field = \"user-id\"").field, LoginField::UserId);
        assert!(Config::parse(GOOD, Path::new("/")).unwrap().console.clients.is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (right, wrong, said) in [
            ("version = 1", "version = 2", "version: 2"),
            ("sqlite:central.sqlite", "mysql://x", "database"),
            ("\"repository\"", "\"ftp://x\"", "repository"),
            ("https://central", "http://central", "boxes.url"),
            ("keys = ", "kees = ", "kees"),
            ("boxes = ", "alarms = {}\nboxes = ", "neither webhook nor mail"),
            ("boxes = ", "alarms = { webhook = \"http://x.example/\" }\nboxes = ", "alarms.webhook"),
            (
                "boxes = ",
                "alarms = { mail = { program = \"/x\", from = \"a@x\", to = [\"-oQ@x\"] } }\nboxes = ",
                "alarms.mail: `-oQ@x`",
            ),
            ("academie = ", "two_persons = [\"all\"]\nacademie = ", "two_persons: `all`"),
            ("\"c.key\"", "\"c.key\", client_field = \"mail\"", "console.client_field: say whose"),
            (
                "boxes = ",
                "concentrator = { name = \"a\", interface = \"../x\" }\nboxes = ",
                "concentrator.interface: `../x`",
            ),
            ("boxes = ", "concentrator = { name = \"a\", port = 0 }\nboxes = ", "port"),
            (
                "\"c.key\"",
                "\"c.key\", client_authority = \"a.pem\", client_field = \"surname\"",
                "console.client_field: `surname`",
            ),
        ] {
            let text = GOOD.replacen(right, wrong, 1);
            let error = format!("{:#}", Config::parse(&text, Path::new("/")).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
