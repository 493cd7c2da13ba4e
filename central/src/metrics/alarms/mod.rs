//! Alarms that central sends by itself: to a webhook, by mail, or both.
//!
//! Every half minute it is looked what is wrong ([`judge`]). What has stood for two minutes is said once, and once more when it
//! has been over for five; what comes and goes in between is never said. What was said is kept in the database, for each way
//! apart, so that neither a restart nor a second instance says it again. Where a way takes nothing, it is tried again every
//! two minutes with everything that stands then; an instance that dies between sending and noting it says it twice.
//!
//! One message holds everything there is to say: a département's network that is cut is one message, not two hundred.

mod judge;
mod message;
mod send;
mod settings;
mod standing;

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::look::{Look, Watched};
pub use settings::{Mail, Settings};
pub use standing::PART;

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

#[cfg(test)]
mod tests;
