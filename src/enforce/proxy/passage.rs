//! What a road needs of the rest of the box to take one client to one site.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use tokio::net::TcpStream;

use super::{
    connect::{self, ConnectError},
    errand::{Errand, Footing},
    limits::Limits,
    page::RefusalPage,
    relay::Pipes,
    updates::Updates,
};
use crate::{
    journal::Channel,
    model::{Service, Site, UrlPath, Zone},
    policy::{Cause, Origin, Permit, Refusal, Verdict},
};

/// One client's way through the proxy.
pub(super) struct Passage {
    /// Where the client comes from.
    pub(super) zone: Arc<Zone>,
    /// The destination the client asked for, which names the protocol and nothing else where there is a name.
    pub(super) destination: SocketAddr,
    /// What is asked of gate and resolver on the way.
    pub(super) errand: Errand,
    /// Draws the page of a refused request.
    pub(super) page: RefusalPage,
    /// The cache of updates, where there is one.
    pub(super) updates: Option<Updates>,
    /// Pipes for whoever moves much.
    pub(super) pipes: Pipes,
    /// The bounds.
    pub(super) limits: Limits,
}

/// What all passages share. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) footing: Footing,
    pub(super) page: RefusalPage,
    pub(super) updates: Option<Updates>,
    pub(super) pipes: Pipes,
    pub(super) limits: Limits,
}

impl Passage {
    /// The way of the client at `source` in `zone`, who asked for `destination`.
    pub(super) fn new(
        ground: &Ground,
        source: IpAddr,
        zone: &Arc<Zone>,
        destination: SocketAddr,
        channel: Channel,
    ) -> Self {
        Self {
            zone: Arc::clone(zone),
            destination,
            errand: Errand::new(&ground.footing, source, zone, destination, channel),
            page: ground.page.clone(),
            updates: ground.updates.clone(),
            pipes: ground.pipes.clone(),
            limits: ground.limits,
        }
    }

    /// Connects to where `permit` leads, and narrows it to the way that led there.
    ///
    /// # Errors
    /// Why there is no connection.
    pub(super) async fn connect(&self, permit: Permit) -> Result<(TcpStream, Permit), ConnectError> {
        let (addresses, permit) = (self.errand.find)(permit).await?;
        let port = self.destination.port();
        let server = connect::to_one_of(&permit, addresses, port, &self.limits).await?;
        Ok((server, permit))
    }

    /// The same way, but only to sites at which `service` is open. Others are refused without asking the gate: to it a
    /// service that is not open there is a closed port.
    pub(super) fn narrowed_to(self, service: &Service) -> Self {
        let (service, judge) = (service.clone(), self.errand.judge);
        let narrowed = move |site: Site, path: Option<UrlPath>| -> BoxFuture<'static, Verdict> {
            if service.is_open_at(&site) {
                return judge(site, path);
            }
            let refusal = Refusal { site, cause: Cause::Policy(Origin::ZoneDefault) };
            Box::pin(std::future::ready(Verdict::Refuse(refusal)))
        };
        Self { errand: Errand { judge: Box::new(narrowed), ..self.errand }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{sync::watch, time::timeout};

    use super::*;
    use crate::enforce::proxy::scene::{SHORT, Scene};

    async fn is_cut(passage: &Passage) -> bool {
        let permit = Permit::for_tests("exemple.fr".parse().unwrap());
        timeout(Duration::from_millis(50), passage.errand.until_refused(&permit)).await.is_ok()
    }

    #[tokio::test]
    async fn a_permission_that_ended_before_anyone_watched_is_noticed() {
        let scene = Scene::default();
        let passage = scene.passage(SHORT);
        assert!(!is_cut(&passage).await);
        scene.judge_again();
        assert!(!is_cut(&passage).await);
        scene.close_all();
        assert!(is_cut(&passage).await);
    }

    #[tokio::test]
    async fn a_service_of_some_sites_is_refused_elsewhere_without_asking() {
        let mut scene = Scene::default();
        let _listeners = [scene.site("imap.exemple.fr").await, scene.site("www.exemple.net").await];
        let mut service = Service::of_ports("tcp/993".parse().unwrap());
        service.sites.push("exemple.fr".parse().unwrap());
        let passage = scene.passage(SHORT).narrowed_to(&service);
        let allowed = async |site: &str| {
            matches!((passage.errand.judge)(site.parse().unwrap(), None).await, Verdict::Allow(_))
        };
        assert!(allowed("imap.exemple.fr").await);
        assert!(!allowed("www.exemple.net").await && !allowed("192.0.2.9").await);
        assert_eq!(scene.asked(), ["imap.exemple.fr"]);
    }

    #[tokio::test]
    async fn without_a_source_of_changes_nothing_lives_on() {
        let mut passage = Scene::default().passage(SHORT);
        passage.errand.epoch = watch::channel(0).1;
        assert!(is_cut(&passage).await);
    }
}
