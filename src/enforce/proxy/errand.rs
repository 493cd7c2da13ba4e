//! What a client wants from a site, whatever carries it there: asked of the gate, found by our own resolver, and asked
//! again while it lasts. TLS, HTTP and QUIC share it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{
    client_hello::Hello,
    connect::{self, ConnectError, OwnNetworks},
};
use crate::{
    enforce::{
        dns::Resolver,
        gate::{Asking, Gate},
    },
    journal::Channel,
    model::{Domain, Site, UrlPath, Zone},
    policy::{Evasion, Permit, Verdict},
};

/// Asks the gate about one site, and the page of it where the path is seen.
pub(in crate::enforce) type Judge =
    Box<dyn Fn(Site, Option<UrlPath>) -> BoxFuture<'static, Verdict> + Send + Sync>;
/// Asks the gate about one site that is used as a way round the filter.
pub(in crate::enforce) type JudgeAgainst =
    Box<dyn Fn(Site, Evasion) -> BoxFuture<'static, Verdict> + Send + Sync>;
/// Whether a hello that shows this name, with a key of this number, hides another.
pub(in crate::enforce) type HidesBehind = Box<dyn Fn(&Domain, u8) -> bool + Send + Sync>;
/// Finds where a permitted site is, and narrows the permit to the way that led there.
pub(in crate::enforce) type Find = Arc<dyn Fn(Permit) -> BoxFuture<'static, Found> + Send + Sync>;
/// The addresses outside the school, the one the client asked for first, and what they may be used under.
pub(in crate::enforce) type Found = Result<(Vec<IpAddr>, Permit), ConnectError>;
/// Whether the permit would be given again.
pub(in crate::enforce) type StillAllows = Box<dyn Fn(&Permit) -> bool + Send + Sync>;

/// What every errand needs of the box. Cloning is cheap.
#[derive(Clone)]
pub(in crate::enforce) struct Footing {
    pub(in crate::enforce) gate: Gate,
    pub(in crate::enforce) resolver: Resolver,
    pub(in crate::enforce) own: OwnNetworks,
    pub(in crate::enforce) epoch: watch::Receiver<u64>,
}

/// One client's errand. Its questions are functions so that it can be run without gate and resolver.
pub(in crate::enforce) struct Errand {
    pub(in crate::enforce) judge: Judge,
    pub(in crate::enforce) judge_against: JudgeAgainst,
    pub(in crate::enforce) hides_behind: HidesBehind,
    pub(in crate::enforce) find: Find,
    pub(in crate::enforce) still_allows: StillAllows,
    /// Changes when what lives is to be judged again; its present value was seen before the first question.
    pub(in crate::enforce) epoch: watch::Receiver<u64>,
}

impl Errand {
    /// The errand of the client at `source` in `zone`, who asked for `destination`.
    pub(in crate::enforce) fn new(
        footing: &Footing,
        source: IpAddr,
        zone: &Arc<Zone>,
        destination: SocketAddr,
        channel: Channel,
    ) -> Self {
        let Footing { gate, resolver, own, mut epoch } = footing.clone();
        let judge = {
            let (gate, zone) = (gate.clone(), Arc::clone(zone));
            move |site, path| -> BoxFuture<'static, Verdict> {
                let gate = gate.clone();
                let asking = Asking { source, zone: Arc::clone(&zone), site, path, channel };
                Box::pin(async move { gate.ask(asking).await })
            }
        };
        let judge_against = {
            let (gate, zone) = (gate.clone(), Arc::clone(zone));
            move |site, evasion| -> BoxFuture<'static, Verdict> {
                let gate = gate.clone();
                let asking = Asking { source, zone: Arc::clone(&zone), site, path: None, channel };
                Box::pin(async move { gate.ask_against(asking, evasion).await })
            }
        };
        let hides_behind = {
            let resolver = resolver.clone();
            move |name: &Domain, number| resolver.hides_behind(name, number)
        };
        let find = {
            let (gate, zone) = (gate.clone(), Arc::clone(zone));
            move |permit: Permit| -> BoxFuture<'static, Found> {
                let (resolver, own, gate, zone) =
                    (resolver.clone(), own.clone(), gate.clone(), Arc::clone(&zone));
                Box::pin(async move {
                    let found =
                        connect::find(&permit, destination, &resolver, gate.client_at(source)).await?;
                    let permit = permit.by_way_of(found.leads_to.into_iter().map(Site::Name));
                    for site in permit.sites().skip(1) {
                        // As the resolver does: an alias opens nothing that its target is refused. What is allowed is
                        // part of reaching the site, and not written down again.
                        if gate.would_allow(source, &zone, site) {
                            continue;
                        }
                        let site = site.clone();
                        let asking = Asking { source, zone: Arc::clone(&zone), site, path: None, channel };
                        if let Verdict::Refuse(refusal) = gate.ask(asking).await {
                            return Err(ConnectError::LeadsToRefused(refusal));
                        }
                    }
                    Ok((connect::candidates(found.addresses, destination.ip(), &own), permit))
                })
            }
        };
        let still_allows = {
            let zone = Arc::clone(zone);
            move |permit: &Permit| gate.still_allows(source, &zone, permit)
        };
        epoch.mark_unchanged();
        Self {
            judge: Box::new(judge),
            judge_against: Box::new(judge_against),
            hides_behind: Box::new(hides_behind),
            find: Arc::new(find),
            still_allows: Box::new(still_allows),
            epoch,
        }
    }

    /// Asks the gate about what a `hello` shows; where it shows nothing, about its `destination`.
    ///
    /// A hello whose name stands in front of another one that is encrypted is a way round the filter. A meaningless
    /// encrypted hello (GREASE) is judged by its name like any other; so is a real one to a server that nobody here has
    /// asked the resolver about: what the box cannot know it cannot refuse.
    pub(in crate::enforce) async fn judge_hello(&self, hello: Hello, destination: IpAddr) -> Verdict {
        let hides = match (&hello.server_name, hello.ech_key) {
            (Some(name), Some(number)) => (self.hides_behind)(name, number),
            _ => false,
        };
        let site = hello.server_name.map_or(Site::Address(destination), Site::Name);
        if hides {
            (self.judge_against)(site, Evasion::HiddenName).await
        } else {
            (self.judge)(site, None).await
        }
    }

    /// Returns when `permit` would not be given any more, or nobody is left to say so.
    pub(in crate::enforce) async fn until_refused(&self, permit: &Permit) {
        let mut epoch = self.epoch.clone();
        // Closed: without a source of changes a live connection could outlive its permission.
        while epoch.changed().await.is_ok() {
            if !(self.still_allows)(permit) {
                return;
            }
        }
    }
}
