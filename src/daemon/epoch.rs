//! The count that moves whenever an answer of the gate may have changed: live connections are then judged again.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{policy::Policy, system::clock::Clock};

/// The clock is looked at this often at least, so that a clock that jumps does not leave a boundary unnoticed.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// Moves `epoch` at each change of rules, of sessions, and at each boundary of a timetable or opening.
pub(super) async fn serve(
    mut policy: watch::Receiver<Arc<Policy>>,
    mut sessions: watch::Receiver<u64>,
    clock: Clock,
    epoch: watch::Sender<u64>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut looked_at = clock.now();
    loop {
        let now = clock.now();
        let next = policy.borrow_and_update().next_change(looked_at);
        let wait = next.map_or(LOOK_MAX, |boundary| boundary.since(now).min(LOOK_MAX));
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = policy.changed() => changed?,
            changed = sessions.changed() => changed?,
            () = tokio::time::sleep(wait) => {
                let now = clock.now();
                if next.is_none_or(|boundary| now < boundary) {
                    continue;
                }
                looked_at = now;
            }
        }
        epoch.send_modify(|count| *count += 1);
    }
}
