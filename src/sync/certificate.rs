//! The box's certificate towards central, renewed long before it ends.
//!
//! It holds for thirty days and is renewed at two thirds of its life, each box at an hour of its own. A box that was off
//! longer than that renews when it is on again: central gives whoever was not revoked the next one, also where the last has
//! ended. Where the box doubts its clock (decision D18) it cannot tell, and asks once a day.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    client::{CallError, Client},
    enrol::request,
    keeping::Kept,
};
use crate::{
    model::{ClockTrust, Moment},
    protocol::enrolment::{Renew, Renewed},
    system::clock::Clock,
};

/// How often it is looked whether the time has come.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// How long the box waits after a renewal that failed, at first and at most; each wait is twice the one before.
const RETRY_MIN: Duration = Duration::from_secs(60);
const RETRY_MAX: Duration = Duration::from_secs(6 * 3600);

/// How often a box that doubts its clock asks.
const ASK_IN_DOUBT_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How long central may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// Renews the box's certificate.
#[derive(Debug)]
pub struct Renewal {
    state_dir: PathBuf,
    client: Client,
    clock: Clock,
    kept: watch::Sender<Arc<Kept>>,
    wish: Arc<Notify>,
    /// This box's own place in the hours in which all are renewed, 0 to 255.
    place: u8,
}

impl Renewal {
    /// Renews the certificate of `kept`, which `client` shows.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(state_dir: PathBuf, kept: Kept, client: Client, clock: Clock) -> anyhow::Result<Self> {
        let mut place = [0];
        getrandom::fill(&mut place)?;
        let [place] = place;
        let kept = watch::Sender::new(Arc::new(kept));
        Ok(Self { state_dir, client, clock, kept, wish: Arc::default(), place })
    }

    /// Who the box is to central, with the certificate it has at the moment.
    #[must_use]
    pub fn kept(&self) -> watch::Receiver<Arc<Kept>> {
        self.kept.subscribe()
    }

    /// Notify it to have the certificate renewed now.
    #[must_use]
    pub fn wish(&self) -> Arc<Notify> {
        Arc::clone(&self.wish)
    }

    /// Carries out central's order to renew the certificate now: whether it was, within `wait_max`.
    pub fn on_order(&self) -> impl Fn(Duration) -> BoxFuture<'static, bool> + Send + Sync + use<> {
        let (wish, kept) = (self.wish(), self.kept());
        move |wait_max| {
            let (wish, mut kept) = (Arc::clone(&wish), kept.clone());
            Box::pin(async move {
                kept.mark_unchanged();
                wish.notify_one();
                matches!(timeout(wait_max, kept.changed()).await, Ok(Ok(())))
            })
        }
    }

    /// Renews, for as long as the box runs. Whatever fails is tried again.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = self.go_on() => Ok(()),
        }
    }

    async fn go_on(&self) {
        let mut retry = RETRY_MIN;
        let mut asked_in_doubt: Option<Instant> = None;
        let mut wanted = false;
        loop {
            let in_doubt = self.clock.trust() == ClockTrust::Doubtful;
            let due = if in_doubt {
                asked_in_doubt.is_none_or(|asked| asked.elapsed() >= ASK_IN_DOUBT_EVERY)
            } else {
                let kept = self.kept.borrow();
                self.clock.now() >= due_at(kept.certificate_from, kept.certificate_ends, self.place)
            };
            if !due && !wanted {
                tokio::select! {
                    () = sleep(LOOK_EVERY) => {}
                    () = self.wish.notified() => wanted = true,
                }
                continue;
            }
            match self.renew().await {
                Ok(()) => {
                    (retry, wanted) = (RETRY_MIN, false);
                    asked_in_doubt = in_doubt.then(Instant::now);
                }
                Err(cause) => {
                    tell(&cause);
                    tokio::select! {
                        () = sleep(retry + retry * u32::from(self.place) / 512) => {}
                        () = self.wish.notified() => wanted = true,
                    }
                    retry = (retry * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Asks for the next certificate, for a key made for it, and keeps both before they are used.
    async fn renew(&self) -> anyhow::Result<()> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let renew = Renew { request: request(&key)? };
        let renewed: Renewed = self.client.post("v1/certificate", &renew, ANSWER_WAIT_MAX).await?;
        let kept = self.kept.borrow().renewed(renewed, key.serialize_pem());
        let kept = kept.context("central's answer is not in order")?;
        kept.keep(&self.state_dir)?;
        self.client.swap(&kept)?;
        self.kept.send_replace(Arc::new(kept));
        info!("the certificate towards central is renewed");
        Ok(())
    }
}

fn tell(cause: &anyhow::Error) {
    if cause.downcast_ref::<CallError>().and_then(CallError::code) == Some("revoked") {
        error!("central has revoked this box: it needs a new token");
    } else {
        warn!(cause = format!("{cause:#}"), "the certificate towards central is not renewed yet");
    }
}

/// When a certificate is to be renewed: at two thirds of its life, and up to a tenth of it later, by the box's place. One
/// life of thirty days gives three days for a fleet to come by and seven to try again.
pub(super) fn due_at(from: Moment, ends: Moment, place: u8) -> Moment {
    let life = ends.since(from);
    from + life * 2 / 3 + life / 10 * u32::from(place) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_and_not_by_all_at_once() {
        let day = Duration::from_secs(86_400);
        let from = Moment::from_unix_seconds(1_795_132_800);
        let ends = from + day * 30;
        assert_eq!(due_at(from, ends, 0), from + day * 20);
        assert!(due_at(from, ends, 255) < from + day * 23);
        assert!(due_at(from, ends, 255) > from + day * 22);
    }
}
