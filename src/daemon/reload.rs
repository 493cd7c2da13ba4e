//! Reload: the whole new configuration takes effect, or nothing of it does.
//!
//! On SIGHUP, or when one of its files changes, the configuration is read again. If anything in it is wrong, the one
//! before stays in force and the reason is shown by `preau status`. Rules, lists, accounts and registered machines change
//! while the box runs; the rest (zones, line, portal, state) is what sockets and kernel were set up with, and a change
//! there is refused with the word to restart.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{reading::Reading, standing::Standing};
use crate::{
    config::Config,
    identity::{Identity, register::Terms},
    policy::Policy,
    portal::Shown,
    system::{
        clock::Clock,
        service_manager,
        watch::{FileChanges, file_changes},
    },
};

/// The one writer of settings.
#[derive(Debug)]
pub(super) struct Reload {
    pub(super) path: PathBuf,
    pub(super) in_force: Standing,
    /// The certificate that the portal shows.
    pub(super) certificate: Shown,
    pub(super) files: Vec<PathBuf>,
    /// The rules, which [`super::policing`] joins with what teachers decided.
    pub(super) rules: watch::Sender<Arc<Policy>>,
    pub(super) terms: watch::Sender<Arc<Terms>>,
    pub(super) identity: Identity,
    pub(super) reading: watch::Sender<Reading>,
    /// Counts up when the académie's channel brought other rules or lists.
    pub(super) taken: watch::Receiver<u64>,
    /// Whether the gate is open, so that the service manager is not told ready before it is.
    pub(super) open: watch::Receiver<bool>,
    pub(super) clock: Clock,
}

impl Reload {
    /// Reloads on SIGHUP and on file changes until the stop signal.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
        let mut changes = file_changes(self.files.clone())?;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(()) = hangup.recv() => {}
                () = changes.next() => {}
                Ok(()) = self.taken.changed() => {}
            }
            // Before the gate is open the service manager still waits for its first word, which is not this one.
            let is_open = *self.open.borrow();
            if is_open {
                service_manager::reloading();
            }
            let watched = self.files.clone();
            // Before anything is read: what changes from here on is told again.
            self.watch_again(&mut changes);
            self.reload().await;
            if self.files != watched {
                // The configuration in force names other files; what changed in them meanwhile is read as well.
                self.watch_again(&mut changes);
                self.reload().await;
            }
            if is_open {
                service_manager::ready();
            }
        }
    }

    /// Watches the files in force anew. Where a directory is away for a moment, the box goes on with what is in force.
    fn watch_again(&self, changes: &mut FileChanges) {
        match file_changes(self.files.clone()) {
            Ok(fresh) => *changes = fresh,
            Err(cause) => {
                warn!(cause = format!("{cause:#}"), "changes are not seen; reload when it is mended")
            }
        }
    }

    /// Reads the configuration and puts it into force, or keeps the one before and says why.
    async fn reload(&mut self) {
        self.show_certificate().await;
        match self.read().await {
            Ok(config) => {
                self.put_into_force(config);
                info!("configuration reloaded");
            }
            Err(error) => {
                warn!("configuration refused, the one before it stays in force; see `preau status`");
                self.reading.send_modify(|reading| reading.refused = Some(format!("{error:#}")));
            }
        }
    }

    /// Has the portal show the certificate that lies on the disk, whatever the rest of the configuration comes to: one that
    /// was renewed must not wait for a rule to be mended.
    async fn show_certificate(&self) {
        let certificate = self.certificate.clone();
        match tokio::task::spawn_blocking(move || certificate.look_again()).await {
            Ok(Ok(true)) => info!("the portal shows another certificate"),
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(_)) => {
                warn!("the portal's certificate cannot be shown, the one before it is; see `preau check`")
            }
        }
    }

    async fn read(&self) -> anyhow::Result<Config> {
        let path = self.path.clone();
        let config = tokio::task::spawn_blocking(move || Config::load(&path))
            .await
            .context("reading was cut short")??;
        let differences = self.in_force.differences(&Standing::of(&config));
        if !differences.is_empty() {
            bail!(
                "changed: {}; this takes effect at a restart (`systemctl restart preau`), nothing else does before",
                differences.join(", ")
            );
        }
        Ok(config)
    }

    /// People and machines first, rules last: the rules' change makes every live connection be judged again, so what an
    /// answer between two of these steps let in does not outlive the last one.
    fn put_into_force(&mut self, config: Config) {
        let reading = Reading::of(&config, self.clock.now());
        self.identity.replace_directory(config.directory);
        self.identity.replace_devices(config.identity.devices);
        self.terms.send_replace(Arc::new(config.terms));
        self.rules.send_replace(Arc::new(config.policy));
        self.files = config.files;
        self.reading.send_replace(reading);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use tempfile::TempDir;

    use super::*;
    use crate::{
        model::{Account, AccountId, ClockTrust, Moment, Role, Site, Subject, Zone},
        policy::{Question, Verdict},
    };

    const CONFIGURATION: &str = r#"
version = 1
state_dir = "state"
school = { name = "Collège d'Exemple", uai = "0809999Z" }
line = { interface = "wan0", resolvers = ["198.51.100.53"] }
portal = { name = "portail.exemple", certificate = "portal.pem", key = "portal.key" }
accounts = { file = "accounts.csv" }
policy = { rules = ["etablissement.toml"] }
[[zone]]
name = "pedagogique"
kind = "pedagogique"
interface = "ped0"
ipv4 = "10.10.0.1/22"
ipv6 = "fd00:10::1/64"
sign_in = "required"
default = "allow"
"#;

    const HEAD: &str = "version = 1\nlevel = \"etablissement\"\nname = \"Collège d'Exemple\"\n";

    const BLOCK: &str =
        "[[rule]]\nid = \"jeux\"\neffect = \"block\"\nsites = [\"jeux.example\"]\nreason = \"Non.\"\n";

    /// A school whose configuration lies in a directory of its own, and the reload that looks after it.
    struct School {
        dir: TempDir,
        zone: Arc<Zone>,
        reload: Reload,
        policy: watch::Receiver<Arc<Policy>>,
        reading: watch::Receiver<Reading>,
    }

    impl School {
        fn open() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
            write_certificate(dir.path());
            write("accounts.csv", "id,login,name,role,classes,password\n");
            write("etablissement.toml", &format!("{HEAD}{BLOCK}"));
            write("preau.toml", CONFIGURATION);
            let path = dir.path().join("preau.toml");
            let config = Config::load(&path).unwrap();
            let clock = Clock::from_fn(|| Moment::from_unix_seconds(1_795_417_500));
            let zone = Arc::clone(&config.zones[0]);
            let in_force = Standing::of(&config);
            let (reading_sender, reading) = watch::channel(Reading::of(&config, clock.now()));
            let identity = Identity::open(&config.identity, config.directory, clock.clone()).unwrap();
            let (policy_sender, policy) = watch::channel(Arc::new(config.policy));
            let reload = Reload {
                path,
                in_force,
                certificate: Shown::open(&config.portal).unwrap(),
                files: config.files,
                rules: policy_sender,
                terms: watch::Sender::new(Arc::new(config.terms)),
                identity,
                reading: reading_sender,
                taken: watch::channel(0).1,
                open: watch::channel(true).1,
                clock,
            };
            Self { dir, zone, reload, policy, reading }
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn allows_games(&self) -> bool {
            let account = Account {
                id: AccountId::new("E-1"),
                display_name: String::new(),
                role: Role::Eleve,
                classes: Vec::new(),
            };
            let subject = Subject::Person(Arc::new(account));
            let site: Site = "jeux.example".parse().unwrap();
            let question = Question {
                subject: &subject,
                machine: None,
                zone: &self.zone,
                site: &site,
                path: None,
                at: self.reload.clock.now(),

                clock: ClockTrust::Trusted,
            };
            matches!(self.policy.borrow().judge(&question), Verdict::Allow(_))
        }

        fn refused(&self) -> Option<String> {
            self.reading.borrow().refused.clone()
        }
    }

    fn write_certificate(dir: &Path) {
        let pair = rcgen::generate_simple_self_signed([String::from("portail.exemple")]).unwrap();
        fs::write(dir.join("portal.pem"), pair.cert.pem()).unwrap();
        fs::write(dir.join("portal.key"), pair.signing_key.serialize_pem()).unwrap();
    }

    #[tokio::test]
    async fn a_changed_rule_counts_after_a_reload() {
        let mut school = School::open();
        assert!(!school.allows_games());
        school.write("etablissement.toml", HEAD);
        school.reload.reload().await;
        assert_eq!(school.refused(), None);
        assert!(school.allows_games());
        assert_eq!(school.reading.borrow().rules[0].2, 0);
    }

    #[tokio::test]
    async fn a_wrong_file_leaves_everything_as_it_was_and_says_why_until_it_is_mended() {
        let mut school = School::open();
        school.write("etablissement.toml", &format!("{HEAD}[[rule]]\nid = "));
        school.write("preau.toml", &CONFIGURATION.replace("0809999Z", "?"));
        school.reload.reload().await;
        let refused = school.refused().unwrap();
        assert!(refused.contains("preau.toml:4: school.uai"), "{refused}");
        assert!(refused.contains("etablissement.toml:5: "), "{refused}");
        assert!(!school.allows_games());
        assert_eq!(school.reading.borrow().rules[0].2, 1);

        school.write("etablissement.toml", HEAD);
        school.write("preau.toml", CONFIGURATION);
        school.reload.reload().await;
        assert_eq!(school.refused(), None);
        assert!(school.allows_games());
    }

    #[tokio::test]
    async fn a_change_that_needs_a_restart_is_refused_with_the_word_to_restart() {
        for (written, other, named) in [
            ("10.10.0.1/22", "10.11.0.1/22", "zone"),
            ("198.51.100.53", "198.51.100.54", "line"),
            ("wan0", "wan1", "line"),
            ("Collège d'Exemple", "Lycée d'Exemple", "school"),
            ("\"state\"", "\"elsewhere\"", "state_dir"),
            ("accounts.csv\"", "accounts.csv\", session_hours = 3", "accounts.session_hours"),
            ("version = 1", "version = 1\ncentral = { rate_kbit = 512 }", "central"),
        ] {
            let mut school = School::open();
            school.write("preau.toml", &CONFIGURATION.replace(written, other));
            school.write("etablissement.toml", HEAD);
            school.reload.reload().await;
            let refused = school.refused().unwrap();
            assert!(refused.starts_with(&format!("changed: {named}; ")), "{refused}");
            assert!(refused.contains("systemctl restart preau"), "{refused}");
            assert!(!school.allows_games(), "{named}");
        }
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_though_the_rules_are_refused() {
        let mut school = School::open();
        let shown = school.reload.certificate.clone();
        let before = shown.standing();
        write_certificate(school.dir.path());
        school.write("etablissement.toml", "no rules");
        school.reload.reload().await;
        assert!(school.refused().is_some());
        assert!(!shown.look_again().unwrap(), "it is shown already");
        assert_eq!(shown.standing(), before, "both end in the same year");
    }

    #[tokio::test]
    async fn another_rules_file_is_looked_after_from_then_on() {
        let mut school = School::open();
        school.write("college.toml", HEAD);
        school.write("preau.toml", &CONFIGURATION.replace("etablissement.toml", "college.toml"));
        school.reload.reload().await;
        assert!(school.allows_games());
        assert!(school.reload.files.contains(&school.dir.path().join("college.toml")));
        assert!(!school.reload.files.contains(&school.dir.path().join("etablissement.toml")));
    }

    #[tokio::test]
    async fn a_configuration_that_vanishes_leaves_the_one_before_in_force() {
        let school = School::open();
        let stop = CancellationToken::new();
        let (dir, mut reading) = (school.dir.path().to_owned(), school.reading.clone());
        let story = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fs::remove_dir_all(&dir).unwrap();
            let refused = reading.wait_for(|reading| reading.refused.is_some());
            tokio::time::timeout(Duration::from_secs(5), refused).await.unwrap().unwrap();
            stop.cancel();
        };
        let (served, ()) = tokio::join!(school.reload.serve(stop.clone()), story);
        served.unwrap();
        assert_eq!(school.policy.borrow().rules().len(), 1);
    }
}
