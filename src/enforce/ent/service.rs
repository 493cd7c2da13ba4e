//! Looks at the ENT now and then, and at once when somebody needs to know.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Ent, limits::LOOK_TIME_MAX};
use crate::{
    enforce::web_client::WebError,
    identity::{EntStanding, Identity},
};

/// The one that looks, which must be served for the ENT to count as reachable.
#[derive(Debug)]
pub struct Service {
    pub(super) ent: Ent,
    pub(super) identity: Identity,
}

impl Service {
    /// Looks until `stop`, and tells `identity` what the passwords it knows are worth.
    ///
    /// # Errors
    /// None at present: an ENT that is away is what it is for.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                looked = timeout(LOOK_TIME_MAX, self.ent.look()) => looked.unwrap_or(Err(WebError::Time)),
            };
            let wait = self.note(looked);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.ent.look_is_wanted() => {}
                () = tokio::time::sleep(with_jitter(wait)) => {}
            }
        }
    }

    /// Takes what a look came to; returns how long to wait for the next.
    fn note(&self, looked: Result<(), WebError>) -> Duration {
        let was = self.ent.outlook();
        let is = was.after(looked.is_ok(), Instant::now());
        match (was.standing(), is.standing(), looked) {
            (EntStanding::Reachable, EntStanding::Away, Err(cause)) => warn!(%cause, "the ENT is away"),
            (EntStanding::Away, EntStanding::Reachable, _) => info!("the ENT is reachable"),
            _ => {}
        }
        // Before those who wait for the look: they find both saying the same.
        self.identity.set_ent(is.standing());
        self.ent.set_outlook(is);
        is.wait()
    }
}

/// Up to a fifth more: the boxes of an académie do not look all at once.
fn with_jitter(wait: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness it is the bare time.
    let part = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    wait + wait * part / 1280
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_spread_over_a_fifth_of_their_time() {
        for _ in 0..50 {
            let wait = with_jitter(Duration::from_secs(60));
            assert!((60_000..72_000).contains(&wait.as_millis()), "{wait:?}");
        }
    }
}
