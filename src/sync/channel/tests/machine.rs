//! A box of the tests: a state directory, a clock that can be set, a judge that can be made to refuse.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use tempfile::TempDir;
use url::Url;

use super::repository::{NOW, Repository, SCHOOL};
use crate::{
    model::{Moment, Uai},
    protocol::line,
    sync::{
        Settings,
        channel::{Channel, ChannelSettings, LineBytes, Refreshed},
        in_force,
    },
    system::clock::Clock,
};

/// A box that trusts a repository.
pub(super) struct Machine {
    state: TempDir,
    hand: Arc<AtomicI64>,
    pub(super) clock: Clock,
    pub(super) refuses: Arc<AtomicBool>,
    pub(super) settings: Settings,
    pub(super) repositories: Vec<Url>,
    pub(super) client: Option<reqwest::Client>,
    pub(super) line_bytes: LineBytes,
}

impl Machine {
    /// A box that was enrolled with the repository's first root, and reads its folder.
    pub(super) fn enrolled(repository: &Repository) -> Self {
        // In memory where there is such a place: it is written and synced hundreds of times.
        let state = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let dir = in_force::central_dir(state.path());
        fs::create_dir_all(&dir).unwrap();
        fs::copy(repository.metadata("1.root.json"), dir.join("root.json")).unwrap();
        let hand = Arc::new(AtomicI64::new(NOW));
        let read = Arc::clone(&hand);
        Self {
            settings: Settings { media_dir: state.path().join("media"), ..Settings::default() },
            state,
            hand,
            clock: Clock::from_fn(move || Moment::from_unix_seconds(read.load(Ordering::SeqCst))),
            refuses: Arc::default(),
            repositories: vec![Url::from_file_path(repository.dir()).unwrap()],
            client: None,
            line_bytes: Arc::new(|| None),
        }
    }

    /// The daemon's channel, started anew.
    pub(super) fn start(&self) -> Channel {
        let settings = ChannelSettings {
            state_dir: self.state().to_owned(),
            school: Uai::new(SCHOOL).unwrap(),
            repositories: self.repositories.clone(),
            settings: self.settings.clone(),
        };
        let refuses = Arc::clone(&self.refuses);
        let check = Arc::new(move |policy: &in_force::Policy| {
            for document in &policy.documents {
                fs::metadata(document).map_err(|error| error.to_string())?;
            }
            if refuses.load(Ordering::SeqCst) {
                Err("rule `jeux` names an unknown category".to_owned())
            } else {
                Ok(())
            }
        });
        let line_bytes = Arc::clone(&self.line_bytes);
        Channel::open(settings, self.client.clone(), check, self.clock.clone(), line_bytes).unwrap()
    }

    pub(super) fn state(&self) -> &Path {
        self.state.path()
    }

    /// The number in force as the daemon reads it from the disk.
    pub(super) fn number(&self) -> Option<u64> {
        in_force::policy(self.state()).unwrap().map(|policy| policy.index.number)
    }

    /// The text of the rules in force.
    pub(super) fn rules(&self) -> String {
        fs::read_to_string(&in_force::policy(self.state()).unwrap().unwrap().documents[0]).unwrap()
    }

    pub(super) fn set_clock(&self, seconds: i64) {
        self.hand.store(seconds, Ordering::SeqCst);
    }
}

/// The word for why nothing was taken; empty where something was, or there was nothing.
pub(super) fn why(refreshed: &Refreshed) -> &'static str {
    match refreshed {
        Refreshed::Refused(refusal) => refusal.why.word(),
        Refreshed::Taken | Refreshed::Unchanged => "",
    }
}

/// What is told on the live line of what was refused: what, number, why.
pub(super) fn told(in_force: &line::InForce) -> Option<(String, u64, String)> {
    in_force.refused.as_ref().map(|refused| (refused.what.clone(), refused.number, refused.why.clone()))
}
