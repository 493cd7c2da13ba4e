//! The ways through TCP to all concentrators, each opened when it is first asked for.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, ensure};
use rustls_pki_types::CertificateDer;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    service::{Ladder, Settings},
    standing::Standing,
    way::Resolve,
};

/// Ways at most: central names no more concentrators.
const WAYS_MAX: usize = 16;

/// The ways. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Ladders(Arc<Inner>);

struct Inner {
    authorities: Vec<CertificateDer<'static>>,
    resolve: Resolve,
    mark: Option<u32>,
    opened: Mutex<HashMap<String, Opened>>,
    to_serve: mpsc::UnboundedSender<Ladder>,
}

struct Opened {
    address: SocketAddr,
    wanted: watch::Sender<bool>,
    standing: watch::Receiver<Standing>,
}

/// What serves the ways that were opened.
#[derive(Debug)]
pub struct Climbing(mpsc::UnboundedReceiver<Ladder>);

impl std::fmt::Debug for Ladders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ladders")
    }
}

impl Ladders {
    /// None yet, and what is to serve them. For the parameters see [`Settings`].
    #[must_use]
    pub fn new(
        authorities: Vec<CertificateDer<'static>>,
        resolve: Resolve,
        mark: Option<u32>,
    ) -> (Self, Climbing) {
        let (to_serve, waiting) = mpsc::unbounded_channel();
        let inner = Inner { authorities, resolve, mark, opened: Mutex::default(), to_serve };
        (Self(Arc::new(inner)), Climbing(waiting))
    }

    /// Where on loopback the concentrator whose way through TCP is at `tls`, `name:port`, takes WireGuard's datagrams. It stays the
    /// same; asked for again it is no other. The other ways rest from here on.
    ///
    /// # Errors
    /// When it is no place, there are too many, or nobody serves them.
    pub fn climb(&self, tls: &str) -> anyhow::Result<SocketAddr> {
        let Inner { authorities, resolve, mark, opened, to_serve } = &*self.0;
        let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, known) in opened.iter() {
            known.wanted.send_replace(place == tls);
        }
        if let Some(known) = opened.get(tls) {
            return Ok(known.address);
        }
        ensure!(opened.len() < WAYS_MAX, "more than {WAYS_MAX} ways through TCP");
        let settings = Settings {
            place: tls.parse()?,
            authorities: authorities.clone(),
            resolve: Arc::clone(resolve),
            mark: *mark,
        };
        let ladder = Ladder::open(settings)?;
        let (address, wanted, standing) = (ladder.address(), ladder.wanted(), ladder.standing());
        to_serve.send(ladder).ok().context("the ways through TCP are not served any more")?;
        opened.insert(tls.to_owned(), Opened { address, wanted, standing });
        Ok(address)
    }

    /// Ends every way's connection. What still came through one would have WireGuard believe that the concentrator is there, and
    /// send there again.
    pub fn rest(&self) {
        let opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        for known in opened.values() {
            known.wanted.send_replace(false);
        }
    }

    /// How the way at `tls` stands; none where it was never asked for.
    #[must_use]
    pub fn standing(&self, tls: &str) -> Option<Standing> {
        let opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.get(tls).map(|opened| *opened.standing.borrow())
    }
}

impl Climbing {
    /// Serves each way from the moment it is asked for, until `stop`.
    ///
    /// # Errors
    /// When a socket on loopback fails.
    pub async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut served = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(ladder) = self.0.recv() => drop(served.spawn(ladder.serve(stop.clone()))),
                Some(ended) = served.join_next() => ended.context("a way through TCP was cut short")??,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_way_is_opened_once_and_what_is_no_place_never() {
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().clone();
        let nowhere: Resolve = Arc::new(|_| Box::pin(async { Ok(Vec::new()) }));
        let (ladders, climbing) = Ladders::new(vec![authority], nowhere, None);
        let first = ladders.climb("one.example:443").unwrap();
        assert_eq!(ladders.climb("one.example:443").unwrap(), first);
        assert_ne!(ladders.climb("two.example:443").unwrap(), first);
        assert!(ladders.climb("192.0.2.1:443").is_err());
        for number in 2..WAYS_MAX {
            ladders.climb(&format!("way-{number}.example:443")).unwrap();
        }
        assert!(ladders.climb("one-more.example:443").is_err());
        assert_eq!(ladders.standing("one.example:443"), Some(Standing::default()));
        assert_eq!(ladders.standing("one-more.example:443"), None);
        drop(climbing);
    }

    #[tokio::test]
    async fn one_way_is_wanted_at_a_time_and_none_at_rest() {
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().clone();
        let nowhere: Resolve = Arc::new(|_| Box::pin(async { Ok(Vec::new()) }));
        let (ladders, _climbing) = Ladders::new(vec![authority], nowhere, None);
        let wanted = || {
            let opened = ladders.0.opened.lock().unwrap();
            ["one.example:443", "two.example:443"].map(|place| *opened[place].wanted.borrow())
        };
        ladders.climb("one.example:443").unwrap();
        ladders.climb("two.example:443").unwrap();
        assert_eq!(wanted(), [false, true]);
        ladders.climb("one.example:443").unwrap();
        assert_eq!(wanted(), [true, false]);
        ladders.rest();
        assert_eq!(wanted(), [false, false]);
    }
}
