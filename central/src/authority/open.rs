//! The authority itself: opened once, shared by everything that asks it.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use bytes::Bytes;
use preau::{
    model::{Moment, Uai},
    system::clock::Clock,
};
use rustls::{ServerConfig, sign::CertifiedKey};
use rustls_pki_types::CertificateDer;
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

use super::{
    attempts::Attempts,
    certificate::{self, Shown},
    limits::{AWAY_MAX, READ_AGAIN, SERVER_RENEWED_AFTER},
    standing::{self, Standing},
};
use crate::database::Database;

/// The signal that something was revoked, on whichever instance.
pub(super) const TOPIC: &str = "authority";

/// The authority. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Authority(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) database: Database,
    pub(super) central: Url,
    pub(super) root: Bytes,
    pub(super) clock: Clock,
    pub(super) attempts: Mutex<Attempts>,
    pub(super) keys_dir: PathBuf,
    name: String,
    standing: watch::Sender<Arc<Standing>>,
    tunnel: watch::Sender<u64>,
}

/// What a certificate that the authority signed is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Everything that is its school's.
    Holds,
    /// It has ended: only to be renewed.
    Ended,
    /// Nothing: it was revoked, or ended too long ago, or has not begun by central's clock.
    Nothing,
}

impl Authority {
    /// Opens the authority in `keys_dir`. `central` is what boxes call the listener, `root` the channel's first
    /// `root.json`.
    ///
    /// # Errors
    /// When the folder has no authority, a key is readable by others, or the database refuses.
    pub async fn open(
        database: Database,
        keys_dir: &Path,
        central: &Url,
        root: Bytes,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let name = central.domain().context("central's address has no name")?.to_owned();
        let standing = Standing::read(keys_dir, &database, &name, None, clock.now()).await?;
        let inner = Inner {
            database,
            central: central.clone(),
            root,
            clock,
            attempts: Mutex::default(),
            keys_dir: keys_dir.to_owned(),
            name,
            tunnel: watch::Sender::new(standing.tunnel),
            standing: watch::Sender::new(Arc::new(standing)),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Follows what other instances revoke, what the operator does in the folder of keys, and the age of the listener's
    /// certificate.
    ///
    /// While the database cannot be read, what was last known stands: nothing can be revoked then either.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut signals = self.0.database.signals().listen();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(READ_AGAIN) => {}
                signal = signals.recv() => match signal {
                    Ok(topic) if topic == TOPIC => {}
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => {
                        stop.cancelled().await;
                        return Ok(());
                    }
                },
            }
            if let Err(error) = self.look().await {
                warn!(cause = format!("{error:#}"), "the authority goes on by what it knew");
            }
        }
    }

    /// Until when the authority holds that boxes' certificates are signed by.
    #[must_use]
    pub fn ends(&self) -> Option<Moment> {
        self.standing().signing(self.now()).ok().map(|root| root.until)
    }

    /// The version of the tunnel's parameters, which boxes are told.
    #[must_use]
    pub fn tunnel_version(&self) -> watch::Receiver<u64> {
        self.0.tunnel.subscribe()
    }

    /// Makes a certificate of the authority that signs for `name`, with a key of its own that is on no disk, and says until when
    /// it is to be used: for a concentrator's way through TCP.
    ///
    /// # Errors
    /// When no authority signs.
    pub fn certify(&self, name: &str) -> anyhow::Result<(CertifiedKey, Moment)> {
        let (standing, now) = (self.standing(), self.now());
        let made = certificate::for_server(standing.signing(now)?, name, now)?;
        Ok((made, now + SERVER_RENEWED_AFTER))
    }

    /// The listener's side of TLS.
    ///
    /// # Errors
    /// When the provider lacks TLS 1.3.
    pub fn tls(&self) -> anyhow::Result<Arc<ServerConfig>> {
        standing::server_config(self.0.name.clone(), self.0.standing.subscribe())
    }

    /// What the certificate of a box says; none where it is another kind of certificate.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Shown> {
        certificate::read(certificate)
    }

    /// What a certificate, whose signature was checked at the door, is good for at this moment.
    #[must_use]
    pub fn holding(&self, shown: &Shown) -> Holding {
        let now = self.now();
        if self.standing().revoked.contains(&shown.serial) || now < shown.from || shown.ends + AWAY_MAX <= now
        {
            Holding::Nothing
        } else if shown.ends <= now {
            Holding::Ended
        } else {
            Holding::Holds
        }
    }

    /// Returns once the certificate was revoked.
    pub async fn revoked(&self, shown: &Shown) {
        let mut standing = self.0.standing.subscribe();
        // The sender lives in `self`.
        let _ = standing.wait_for(|standing| standing.revoked.contains(&shown.serial)).await;
    }

    /// Where boxes find the repository.
    pub(super) fn repositories(&self) -> Vec<String> {
        vec![format!("{}v1/repository/", self.0.central)]
    }

    /// The certificates of all authorities that may sign central's own, PEM.
    pub(super) fn trusted(&self) -> String {
        self.standing().roots.iter().map(|root| root.pem.as_str()).collect()
    }

    pub(super) fn now(&self) -> Moment {
        self.0.clock.now()
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.0.standing.borrow())
    }

    /// Reads everything again.
    pub(super) async fn look(&self) -> anyhow::Result<()> {
        let Inner { keys_dir, database, name, standing, .. } = &*self.0;
        let before = self.standing();
        let read = Standing::read(keys_dir, database, name, Some(&before), self.now()).await?;
        self.0.tunnel.send_if_modified(|known| mem::replace(known, read.tunnel) != read.tunnel);
        standing.send_replace(Arc::new(read));
        Ok(())
    }
}

/// What one enrolled box is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBox {
    /// The school.
    pub school: Uai,
    /// The version of the program when it was enrolled.
    pub version: String,
    /// When it was enrolled.
    pub enrolled: Moment,
    /// When it was revoked, if so.
    pub revoked: Option<Moment>,
    /// When its latest certificate ends.
    pub certificate_ends: Option<Moment>,
}
