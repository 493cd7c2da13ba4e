//! The desks at which passwords are verified: two threads of their own, below everything else the box does.
//!
//! A verification takes 19 MiB and a core for some 20 ms. When five hundred people sign in as the day begins, resolver and
//! proxy go on as before: these threads get what the others leave (`nice` 10), and no more than two cores at that. Who
//! comes when the waiting room is full is told to come back.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

use tokio::sync::oneshot;

use super::{password::Scratch, sign_in::SignInRefusal};
use crate::system::priority;

/// Passwords verified at once.
const VERIFYING_MAX: usize = 2;

/// Verifications that may wait for their turn, some five to ten seconds' worth: every pupil of a collège at once.
const WAITING_MAX: usize = 512;

type Work = Box<dyn FnOnce(&mut Scratch) + Send>;

/// The places in which passwords are verified. Its threads end with it.
#[derive(Debug)]
pub(super) struct Desks {
    waiting: SyncSender<Work>,
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
        Ok(Self { waiting })
    }

    /// Does `work` when its turn comes, with the memory of the desk; not where nobody waits for it any more.
    ///
    /// # Errors
    /// [`SignInRefusal::Busy`], where the waiting room is full.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<T, SignInRefusal> {
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
        let work = next.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        work(&mut scratch);
    }
}
