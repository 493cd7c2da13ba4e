//! The school's ENT, somewhere on the Internet: a real LemonLDAP::NG that signs people in by CAS and by OpenID Connect.
//!
//! It is Debian's own portal under Starman, with the people of the lab as its users (`lab/data/ent`). Everybody's password
//! there is their login. Its certificate is the lab's authority's, its data lies in the lab's memory and goes with it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{
    authority::Authority,
    enclosure::{Door, LAB_DIR},
    plan::{ENT, ENT_ADDRESSES, ENT_NAME},
    process::{Running, run, wait_for},
};

/// How long the ENT may take to answer; it takes half a second on a machine that does nothing else.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Its processes, each of which serves one connection at a time. A browser opens a few at once and leaves some unused, and
/// the box asks meanwhile.
const WORKERS: &str = "8";

/// Its program, its settings, and where it finds them.
const PROGRAM: &str = include_str!("../data/ent/ent.psgi");
const SETTINGS: &str = include_str!("../data/ent/lemonldap-ng.ini");
const CONFIGURATION: &str = include_str!("../data/ent/lmConf-1.json");

/// What the box is told of it.
const BOX_TABLE: &str = include_str!("../data/ent/box.toml");

/// The secret that the box shows it.
const CLIENT_SECRET: &str = "secret-du-labo";

/// How people sign in at the ENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntProtocol {
    /// CAS 3.0.
    Cas,
    /// OpenID Connect.
    Oidc,
}

/// What to add to the box's configuration for it to know the ENT, and to write to its `ent.secret`.
pub(crate) fn box_table(protocol: EntProtocol) -> (String, &'static str) {
    let (word, url) = match protocol {
        EntProtocol::Cas => ("cas", format!("https://{ENT_NAME}/cas")),
        EntProtocol::Oidc => ("oidc", format!("https://{ENT_NAME}")),
    };
    let mut table = BOX_TABLE.replace("PROTOCOL", word).replace("URL", &url);
    if protocol == EntProtocol::Oidc {
        table.push_str("client_id = \"preau\"\nclient_secret_file = \"ent.secret\"\n");
    }
    (table, CLIENT_SECRET)
}

/// Starts the ENT and waits until it answers.
pub(crate) fn start(door: &Door) -> anyhow::Result<Running> {
    let dir = door.file_path(ENT);
    if !dir.join("ent.psgi").exists() {
        furnish(door, &dir)?;
    }
    let inside = format!("{LAB_DIR}/{ENT}");
    let settings = format!("LLNG_DEFAULTCONFFILE={inside}/lemonldap-ng.ini");
    let (certificate, key) = (format!("{inside}/tls.pem"), format!("{inside}/tls.key"));
    let program = format!("{inside}/ent.psgi");
    let listen = format!("{}:443:ssl", ENT_ADDRESSES[0]);
    let arguments = [
        "env",
        &settings,
        "starman",
        "--workers",
        WORKERS,
        "--preload-app",
        "--listen",
        &listen,
        "--enable-ssl",
        "--ssl-cert",
        &certificate,
        "--ssl-key",
        &key,
        &program,
    ];
    let mut running = Running::start(door, ENT, ENT, &arguments)?;
    let place = format!("{ENT_NAME}:443:{}", ENT_ADDRESSES[0]);
    let url = format!("https://{ENT_NAME}/cas/login");
    let question =
        ["curl", "--silent", "--insecure", "--fail", "--output", "/dev/null", "--resolve", &place, &url];
    let answers = wait_for(READY_WAIT_MAX, || {
        let answered =
            run(door, ENT, &question, Duration::from_secs(5)).is_ok_and(|output| output.succeeded());
        (answered || !running.is_running()).then_some(answered)
    });
    if answers != Some(true) {
        bail!("the ENT does not start (are lemonldap-ng's portal and starman installed?): {}", running.log());
    }
    Ok(running)
}

/// Writes everything the ENT reads.
fn furnish(door: &Door, dir: &Path) -> anyhow::Result<()> {
    for part in ["conf", "sessions/lock", "psessions/lock", "cache"] {
        fs::create_dir_all(dir.join(part)).context("cannot make a directory of the ENT")?;
    }
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), text).with_context(|| format!("cannot write the ENT's `{name}`"))
    };
    let credentials = Authority::read(&door.file_path("authority"))?.certify(ENT_NAME)?;
    write("tls.pem", &credentials.certificate_pem)?;
    write("tls.key", &credentials.key_pem)?;
    write("lemonldap-ng.ini", SETTINGS)?;
    // LemonLDAP::NG signs with RSA in its old form of PEM.
    let script = "cd /run/preau-lab/ent && openssl genrsa -traditional -out sign.key 2048 2> /dev/null && \
                  openssl rsa -in sign.key -pubout -out sign.pub 2> /dev/null";
    door.script(script).context("cannot make the ENT's key")?;
    let read = |name: &str| fs::read_to_string(dir.join(name)).context("cannot read the ENT's key");
    let mut configuration: Value =
        serde_json::from_str(CONFIGURATION).context("the ENT's configuration is no JSON")?;
    configuration["oidcServicePrivateKeySig"] = Value::from(read("sign.key")?);
    configuration["oidcServicePublicKeySig"] = Value::from(read("sign.pub")?);
    write("conf/lmConf-1.json", &configuration.to_string())?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).context("cannot open the ENT's directory")?;
    write("ent.psgi", PROGRAM)
}
