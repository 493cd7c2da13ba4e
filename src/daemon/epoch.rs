//! The count that moves whenever an answer of the gate may have changed: live connections are then judged again.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{policy::Policy, system::clock::Clock};

/// The clock is looked at this often at least, so that a clock that jumps does not leave a boundary unnoticed.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// Moves `epoch` at each change of rules, of sessions, of the trust in the clock, and at each boundary of a timetable or
/// opening.
pub(super) async fn serve(
    mut policy: watch::Receiver<Arc<Policy>>,
    mut sessions: watch::Receiver<u64>,
    clock: Clock,
    epoch: watch::Sender<u64>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut looked_at = clock.now();
    let mut doubts = clock.doubts();
    loop {
        let now = clock.now();
        if now < looked_at {
            // The clock was set back: the boundaries it had passed come again, and what they decided is judged anew.
            looked_at = now;
            epoch.send_modify(|count| *count += 1);
        }
        // Not marked as seen: what changed since the last count must still move the next one. Whoever was woken by that
        // one may have judged by the rules before, and nobody would ever ask again.
        let next = policy.borrow().next_change(looked_at);
        let wait = next.map_or(LOOK_MAX, |boundary| boundary.since(now).min(LOOK_MAX));
        tokio::select! {
            // First: what it listens to ends with the daemon, and that is no failure.
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = policy.changed() => changed?,
            changed = sessions.changed() => changed?,
            changed = doubts.changed() => changed?,
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::{model::Moment, policy::RuleFile};

    /// Monday 23 November 2026, 08:00 in Paris.
    const LESSON_BEGINS: Moment = Moment::from_unix_seconds(1_795_417_200);

    const RULES: &str = "
        version = 1
        level = 'etablissement'
        name = 'Exemple'
        [timetables]
        cours = { monday = ['08:00-12:00'] }
        [[rule]]
        id = 'jeux'
        effect = 'block'
        sites = ['jeux.example']
        during = 'cours'
        reason = 'Pas pendant les cours.'
    ";

    fn policy() -> Arc<Policy> {
        Arc::new(Policy::new(vec![RuleFile::parse(RULES).unwrap()], None).unwrap())
    }

    /// What moves the epoch, and the epoch.
    struct Scene {
        policy: watch::Sender<Arc<Policy>>,
        sessions: watch::Sender<u64>,
        epoch: watch::Receiver<u64>,
        stop: CancellationToken,
    }

    /// Runs `story` beside the service, with a clock that begins at `start` and runs.
    async fn play<F: Future<Output = ()>>(start: Moment, story: impl FnOnce(Scene) -> F) {
        let began = Instant::now();
        play_by(Clock::from_fn(move || start + began.elapsed()), story).await;
    }

    /// Runs `story` beside the service, by `clock`.
    async fn play_by<F: Future<Output = ()>>(clock: Clock, story: impl FnOnce(Scene) -> F) {
        let (policy, policies) = watch::channel(policy());
        let (sessions, changes) = watch::channel(0);
        let (sender, epoch) = watch::channel(0);
        let stop = CancellationToken::new();
        let scene = Scene { policy, sessions, epoch, stop: stop.clone() };
        let (served, ()) = tokio::join!(serve(policies, changes, clock, sender, stop), story(scene));
        served.unwrap();
    }

    async fn moves(scene: &mut Scene) -> bool {
        timeout(Duration::from_secs(5), scene.epoch.changed()).await.is_ok_and(|changed| changed.is_ok())
    }

    #[tokio::test]
    async fn the_beginning_of_a_lesson_moves_the_epoch_once() {
        play(LESSON_BEGINS - Duration::from_millis(50), async |mut scene: Scene| {
            assert!(moves(&mut scene).await);
            let again = timeout(Duration::from_millis(200), scene.epoch.changed()).await;
            assert!(again.is_err());
            scene.stop.cancel();
        })
        .await;
    }

    #[tokio::test]
    async fn other_rules_and_other_sessions_move_the_epoch() {
        play(LESSON_BEGINS + Duration::from_secs(60), async |mut scene: Scene| {
            scene.policy.send_replace(policy());
            assert!(moves(&mut scene).await);
            scene.sessions.send_modify(|count| *count += 1);
            assert!(moves(&mut scene).await);
            scene.stop.cancel();
        })
        .await;
    }

    #[tokio::test]
    async fn rules_that_change_right_behind_a_session_move_the_epoch_once_more() {
        let began = Instant::now();
        let rules: Arc<Mutex<Option<watch::Sender<Arc<Policy>>>>> = Arc::default();
        // The clock is read between the count and the next wait: a reload on another thread can come in there.
        let read = Arc::clone(&rules);
        let clock = Clock::from_fn(move || {
            if let Some(rules) = read.lock().unwrap().take() {
                rules.send_replace(policy());
            }
            LESSON_BEGINS + Duration::from_secs(60) + began.elapsed()
        });
        play_by(clock, async |mut scene: Scene| {
            tokio::task::yield_now().await;
            *rules.lock().unwrap() = Some(scene.policy.clone());
            scene.sessions.send_modify(|count| *count += 1);
            let both = scene.epoch.wait_for(|count| *count == 2);
            assert!(timeout(Duration::from_secs(2), both).await.is_ok());
            scene.stop.cancel();
        })
        .await;
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_meets_its_boundaries_again() {
        let is_wrong = Arc::new(AtomicBool::new(true));
        let (read, began) = (Arc::clone(&is_wrong), Instant::now());
        let clock = Clock::from_fn(move || {
            let ahead = if read.load(Ordering::SeqCst) { 70 * 365 * 86_400 } else { 0 };
            LESSON_BEGINS - Duration::from_millis(300) + began.elapsed() + Duration::from_secs(ahead)
        });
        play_by(clock, async |mut scene: Scene| {
            tokio::task::yield_now().await;
            is_wrong.store(false, Ordering::SeqCst);
            // Somebody signs in, the step of the clock is seen, the lesson begins.
            scene.sessions.send_modify(|count| *count += 1);
            let lesson = scene.epoch.wait_for(|count| *count == 3);
            assert!(timeout(Duration::from_secs(5), lesson).await.is_ok());
            scene.stop.cancel();
        })
        .await;
    }
}
