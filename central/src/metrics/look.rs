//! Looks at central and its fleet, at one moment.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use preau::{
    model::{Moment, Uai},
    system::clock::Clock,
};
use tokio::time::timeout;

use super::certificates;
use crate::{
    authority::{Authority, KnownBox},
    channel::{Channel, Concern},
    database::Database,
    fleet::{
        observed::{self, Seen},
        policy::{self, Progress},
        requests::{self, Level},
        schools::{self, School},
        traffic::Traffic,
    },
};

/// How long looking may take: a database that does not answer by then counts as unreachable.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(8);

/// Open releases that are looked at, the latest ones.
const RELEASES_MAX: usize = 8;

/// What is watched. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The time.
    pub clock: Clock,
    /// Where everything is kept.
    pub database: Database,
    /// What is signed.
    pub channel: Channel,
    /// Certificates of boxes.
    pub authority: Authority,
    /// What passes on the live line.
    pub traffic: Traffic,
    /// The console's certificate.
    pub console_certificate_path: PathBuf,
    /// Since when views lack something.
    pub due_since: DueSince,
}

/// Views that lack something: by their school, at which publication, and since when this instance has seen it.
pub type DueSince = Arc<Mutex<HashMap<Uai, (i64, Moment)>>>;

/// What was seen.
#[derive(Debug)]
pub struct Look {
    /// When.
    pub at: Moment,
    /// What the database tells, or why it tells nothing.
    pub stood: anyhow::Result<Stood>,
    /// Until when the certificates hold that files tell of, by what they are of.
    pub ends: Vec<(&'static str, Moment)>,
    /// Requests waiting on the live line of this instance.
    pub waiting: u64,
    /// Answers given on it since the start.
    pub answers: u64,
}

/// How central and its fleet stand, by the database.
#[derive(Clone, Debug)]
pub struct Stood {
    /// The register.
    pub schools: Vec<School>,
    /// What schools last said.
    pub seen: Vec<Seen>,
    /// The boxes that were enrolled.
    pub boxes: Vec<KnownBox>,
    /// The version that is published for each school.
    pub published: HashMap<Uai, u64>,
    /// How many views there are.
    pub views: i64,
    /// How many of them lack something, and for how long the first has.
    pub due: (usize, Duration),
    /// The releases that may still reach schools, the latest of them.
    pub releases: Vec<Progress>,
    /// Open requests by whom they stand before.
    pub requests: Vec<(Level, i64)>,
    /// What should be known of the channel.
    pub concerns: Vec<Concern>,
    /// Until when signatures made off line hold, by role.
    pub signed_until: [(&'static str, Moment); 3],
}

impl Watched {
    /// Looks.
    pub async fn look(&self) -> Look {
        let at = self.clock.now();
        let stood = timeout(LOOK_WAIT_MAX, self.stood(at)).await;
        let mut ends = Vec::new();
        ends.extend(certificates::ends(&self.console_certificate_path).ok().map(|end| ("console", end)));
        ends.extend(self.authority.ends().map(|end| ("authority", end)));
        Look {
            at,
            stood: stood.context("the database does not answer").and_then(|stood| stood),
            ends,
            waiting: self.traffic.waiting(),
            answers: self.traffic.answers(),
        }
    }

    async fn stood(&self, at: Moment) -> anyhow::Result<Stood> {
        let Self { database, channel, authority, .. } = self;
        let (views, due) = channel.backlog().await?;
        let mut open = policy::open_releases(database).await?;
        let mut releases = Vec::new();
        for release in open.drain(open.len().saturating_sub(RELEASES_MAX)..) {
            releases.extend(policy::progress(database, release.id, at).await?);
        }
        Ok(Stood {
            schools: schools::all(database).await?,
            seen: observed::all(database).await?,
            boxes: authority.boxes().await?,
            published: channel.published(None).await?.into_iter().collect(),
            views,
            due: (due.len(), self.due_for(due, at)),
            releases,
            requests: requests::open_by_level(database).await?,
            concerns: channel.health().await?,
            signed_until: channel.signed_until().await?,
        })
    }

    /// For how long the view has lacked something that has for longest.
    fn due_for(&self, due: Vec<(Uai, i64)>, at: Moment) -> Duration {
        let mut since = self.due_since.lock().unwrap_or_else(PoisonError::into_inner);
        let now = due.into_iter().map(|(school, done)| {
            let known = since.get(&school).filter(|(known, _)| *known == done);
            let since = known.map_or(at, |(_, since)| *since);
            (school, (done, since))
        });
        *since = now.collect::<Vec<_>>().into_iter().collect();
        since.values().map(|(_, since)| at.since(*since)).max().unwrap_or_default()
    }
}
