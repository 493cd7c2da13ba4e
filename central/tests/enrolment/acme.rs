//! The portal's certificate, obtained from a real ACME server: pebble, with its own DNS server for the challenge.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use preau::sync::PortalRenewal;
use preau_central::authority::{AcmeSettings, By};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use crate::scene::{Scene, free_port, school};

/// A program of the test's, ended when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Program {
    Program(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Pebble and its DNS server on loopback, and the settings that use them.
fn pebble(dir: &Path) -> (Vec<Program>, AcmeSettings) {
    let [acme, acme_management, dns, dns_management] = [(); 4].map(|()| free_port());
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    let (certificate_path, key_path) = (dir.join("pebble.pem"), dir.join("pebble.key"));
    fs::write(&certificate_path, certificate.pem()).unwrap();
    fs::write(&key_path, key.serialize_pem()).unwrap();
    let config = serde_json::json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{acme}"),
        "managementListenAddress": format!("127.0.0.1:{acme_management}"),
        "certificate": certificate_path, "privateKey": key_path, "httpPort": 1, "tlsPort": 1,
        "ocspResponderURL": "", "externalAccountBindingRequired": false,
    }});
    let config_path = dir.join("pebble.json");
    fs::write(&config_path, config.to_string()).unwrap();
    let local = |port: u16| format!("127.0.0.1:{port}");
    let server = start(
        Command::new("pebble")
            .args(["-strict", "-config", config_path.to_str().unwrap(), "-dnsserver", &local(dns)])
            .env("PEBBLE_VA_NOSLEEP", "1"),
    );
    let nothing = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
    let names = start(Command::new("pebble-challtestsrv").args(nothing).args([
        "-dns01",
        &local(dns),
        "-management",
        &local(dns_management),
    ]));
    let hook = dir.join("records");
    let script = format!(
        r#"#!/bin/sh
case $1 in
  add) path=set-txt ;;
  remove) path=clear-txt ;;
esac
echo "$1 $2" >> {}
exec curl -sSf -d "{{\"host\":\"$2.\",\"value\":\"$3\"}}" http://{}/$path
"#,
        dir.join("records.log").display(),
        local(dns_management)
    );
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = AcmeSettings {
        directory: format!("https://localhost:{acme}/dir").parse().unwrap(),
        contact: None,
        hook,
        trusted: Some(certificate_path),
    };
    for port in [acme, dns_management] {
        wait_for(port);
    }
    (vec![server, names], settings)
}

fn wait_for(port: u16) {
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("a program of the test does not listen: is the package `pebble` installed?");
}

#[tokio::test]
async fn a_portal_gets_its_public_certificate_and_its_key_stays_on_the_box() {
    let dir = tempfile::tempdir().unwrap();
    let (_programs, settings) = pebble(dir.path());
    let scene = Scene::with_acme(Some(settings)).await;
    let (_, client) = scene.enrolled().await;
    let renewal = PortalRenewal {
        client,
        name: "portail.college.example".parse().unwrap(),
        certificate_path: dir.path().join("portal.pem"),
        key_path: dir.path().join("portal.key"),
        clock: scene.box_hands.clock(),
    };
    let refused = format!("{:#}", renewal.renew().await.unwrap_err());
    assert!(refused.contains("other-name"), "{refused}");
    let mut write = scene.database.write().await.unwrap();
    let authority = &scene.authority;
    authority.enter_portal_name(&mut write, By::Central, &school(), &renewal.name).await.unwrap();
    write.commit().await.unwrap();
    renewal.renew().await.unwrap();
    let chain: Vec<_> = CertificateDer::pem_file_iter(&renewal.certificate_path).unwrap().collect();
    assert!(chain.len() >= 2, "the chain leads to the public authority");
    let mode = renewal.key_path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let log = fs::read_to_string(dir.path().join("records.log")).unwrap();
    assert_eq!(
        log,
        "add _acme-challenge.portail.college.example\nremove _acme-challenge.portail.college.example\n"
    );
}
