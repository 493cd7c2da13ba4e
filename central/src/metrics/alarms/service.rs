//! The rounds: look, follow, say.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Settings, judge, send, standing};
use crate::metrics::look::{Look, Watched};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Looks, and says what is to be said.
#[derive(Debug)]
pub struct Alarms {
    watched: Watched,
    settings: Settings,
    academie: String,
    http: reqwest::Client,
}

impl Alarms {
    /// Alarms of the académie of that name, about what is `watched`.
    ///
    /// # Errors
    /// When the system's authorities cannot be read.
    pub fn new(watched: Watched, settings: Settings, academie: String) -> anyhow::Result<Self> {
        Ok(Self { watched, settings, academie, http: send::client()? })
    }

    /// Looks and says until the stop signal.
    ///
    /// # Errors
    /// Never; what fails is tried again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let round = async {
                if let Err(cause) = self.round(&self.watched.look().await).await {
                    warn!(cause = format!("{cause:#}"), "alarms cannot be told; it is tried again");
                }
                sleep(LOOK_EVERY).await;
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = round => {}
            }
        }
    }

    /// One round: what `look` saw, followed and said.
    async fn round(&self, look: &Look) -> anyhow::Result<()> {
        // Without the database nothing is known, so nothing has begun and nothing is over.
        let Ok(stood) = &look.stood else { return Ok(()) };
        let alarms = judge::alarms(look, stood);
        let mut failed = None;
        for way in self.settings.ways() {
            let mut write = self.watched.database.write().await?;
            let news = standing::follow(&mut write, way.word(), &alarms, look.at).await?;
            write.commit().await?;
            if news.is_empty() {
                continue;
            }
            match send::send(&self.http, way, &self.academie, &news, look.at).await {
                Ok(()) => {
                    let mut write = self.watched.database.write().await?;
                    standing::told(&mut write, way.word(), &news).await?;
                    write.commit().await?;
                }
                Err(cause) => failed = Some(cause),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
