//! The desks at which passwords are verified: two threads of their own, below everything else the box does.
//!
//! A verification takes 19 MiB and a core for some 20 ms. When five hundred people sign in as the day begins, resolver and
//! proxy go on as before: these threads get what the others leave (`nice` 10), and no more than two cores at that. Who
//! comes when the waiting room is full is told to come back.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::{password::Scratch, sign_in::SignInRefusal};
use crate::system::priority;

/// Passwords verified at once.
const VERIFYING_MAX: usize = 2;

/// Verifications that may wait for their turn, some five to ten seconds' worth: every pupil of a collège at once.
const WAITING_MAX: usize = 512;

/// After so long without work a desk gives its memory back.
const REST: Duration = Duration::from_secs(60);

type Work = Box<dyn FnOnce(&mut Scratch) + Send>;

/// The places in which passwords are verified. Its threads end with it.
#[derive(Debug)]
pub(super) struct Desks {
    waiting: SyncSender<Work>,
    /// Turns that were taken.
    #[cfg(test)]
    pub(super) taken: std::sync::atomic::AtomicUsize,
}

impl Desks {
    /// Opens the desks.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn open() -> io::Result<Self> {
        let (waiting, next) = mpsc::sync_channel(WAITING_MAX);
        let next = Arc::new(Mutex::new(next));
        for number in 0..VERIFYING_MAX {
            let next = next.clone();
            thread::Builder::new().name(format!("desk-{number}")).spawn(move || sit(&next))?;
        }
        Ok(Self {
            waiting,
            #[cfg(test)]
            taken: std::sync::atomic::AtomicUsize::new(0),
        })
    }

    /// Does `work` when its turn comes, with the memory of the desk; not where nobody waits for it any more.
    ///
    /// # Errors
    /// [`SignInRefusal::Busy`], where the waiting room is full.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<T, SignInRefusal> {
        #[cfg(test)]
        self.taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |scratch: &mut Scratch| {
            if !answer.is_closed() {
                // Whoever gave up meanwhile is not told.
                let _ = answer.send(work(scratch));
            }
        });
        self.waiting.try_send(work).map_err(|_| SignInRefusal::Busy)?;
        answered.await.map_err(|_| SignInRefusal::Busy)
    }
}

/// Does one work after the other until nobody can bring any more.
fn sit(next: &Mutex<Receiver<Work>>) {
    priority::lower_this_thread();
    let mut scratch = Scratch::default();
    loop {
        let work = next.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(REST);
        match work {
            Ok(work) => work(&mut scratch),
            Err(RecvTimeoutError::Timeout) => scratch = Scratch::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_when_the_waiting_room_is_full_is_told_to_come_back() {
        let desks = Arc::new(Desks::open().unwrap());
        let (release, hold) = mpsc::channel::<()>();
        let hold = Arc::new(Mutex::new(hold));
        let mut rush = tokio::task::JoinSet::new();
        for _ in 0..2 * (VERIFYING_MAX + WAITING_MAX) {
            let (desks, hold) = (desks.clone(), hold.clone());
            rush.spawn(async move { desks.take(move |_| hold.lock().unwrap().recv().is_ok()).await });
        }
        // The desks are held: each other one waits, or is told at once that there is no room.
        let mut told = 0;
        while told < WAITING_MAX {
            assert_eq!(rush.join_next().await.unwrap().unwrap(), Err(SignInRefusal::Busy));
            told += 1;
        }
        drop(release);
        let others = rush.join_all().await;
        assert!(others.iter().filter(|outcome| outcome.is_ok()).count() >= WAITING_MAX);
    }

    #[tokio::test]
    async fn desks_stand_below_everything_else() {
        let desks = Desks::open().unwrap();
        let nice = desks.take(|_| rustix::process::getpriority_process(None)).await.unwrap();
        assert_eq!(nice, Ok(10));
        assert_ne!(rustix::process::getpriority_process(None), Ok(10));
    }
}
