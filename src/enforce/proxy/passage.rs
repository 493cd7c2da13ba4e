//! What a road needs of the rest of the box to take one client to one site.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use tokio::{net::TcpStream, sync::watch};

use super::{
    client_hello::Hello,
    connect::{self, ConnectError},
    errand::{self, Errand, Footing, HidesBehind, Judge, JudgeAgainst, StillAllows},
    limits::Limits,
    page::RefusalPage,
    relay::Pipes,
};
use crate::{
    journal::Channel,
    model::{Service, Site, UrlPath, Zone},
    policy::{Cause, Origin, Permit, Refusal, Verdict},
};

/// Connects to a permitted site, and narrows the permit to the way that led there.
type Connect = Box<dyn Fn(Permit) -> BoxFuture<'static, Connected> + Send + Sync>;
/// A connection and what it may be used under, or why there is none.
type Connected = Result<(TcpStream, Permit), ConnectError>;

/// One client's way through the proxy. Its questions are functions so that a road can be walked without gate and
/// resolver.
pub(super) struct Passage {
    /// Where the client comes from.
    pub(super) zone: Arc<Zone>,
    /// The destination the client asked for, which names the protocol and nothing else where there is a name.
    pub(super) destination: SocketAddr,
    /// Asks the gate.
    pub(super) judge: Judge,
    /// Asks the gate when somebody was seen to go round the filter.
    pub(super) judge_against: JudgeAgainst,
    /// Asks the resolver about names that hide others.
    pub(super) hides_behind: HidesBehind,
    /// Connects to where a permit leads.
    pub(super) connect: Connect,
    /// Asks the gate again about a live connection.
    pub(super) still_allows: StillAllows,
    /// Changes when live connections are to be judged again; its present value was seen before the first question.
    pub(super) epoch: watch::Receiver<u64>,
    /// Draws the page of a refused request.
    pub(super) page: RefusalPage,
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
        let errand = Errand::new(&ground.footing, source, zone, destination, channel);
        let Errand { judge, judge_against, hides_behind, find, still_allows, epoch } = errand;
        let limits = ground.limits;
        let connect = move |permit: Permit| -> BoxFuture<'static, Connected> {
            let find = Arc::clone(&find);
            Box::pin(async move {
                let (addresses, permit) = find(permit).await?;
                let server = connect::to_one_of(&permit, addresses, destination.port(), &limits).await?;
                Ok((server, permit))
            })
        };
        Self {
            zone: Arc::clone(zone),
            destination,
            judge,
            judge_against,
            hides_behind,
            connect: Box::new(connect),
            still_allows,
            epoch,
            page: ground.page.clone(),
            pipes: ground.pipes.clone(),
            limits,
        }
    }

    /// Asks the gate about what a `hello` shows.
    pub(super) async fn judge_hello(&self, hello: Hello) -> Verdict {
        let Self { judge, judge_against, hides_behind, destination, .. } = self;
        errand::judge_hello(hello, destination.ip(), judge, judge_against, hides_behind).await
    }

    /// The same way, but only to sites at which `service` is open. Others are refused without asking the gate: to it a
    /// service that is not open there is a closed port.
    pub(super) fn narrowed_to(self, service: &Service) -> Self {
        let (service, judge) = (service.clone(), self.judge);
        let narrowed = move |site: Site, path: Option<UrlPath>| -> BoxFuture<'static, Verdict> {
            if service.is_open_at(&site) {
                return judge(site, path);
            }
            let refusal = Refusal { site, cause: Cause::Policy(Origin::ZoneDefault) };
            Box::pin(std::future::ready(Verdict::Refuse(refusal)))
        };
        Self { judge: Box::new(narrowed), ..self }
    }

    /// Returns when `permit` would not be given any more, or nobody is left to say so.
    pub(super) async fn until_refused(&self, permit: &Permit) {
        errand::until_refused(self.epoch.clone(), &self.still_allows, permit).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::enforce::proxy::scene::{SHORT, Scene};

    async fn is_cut(passage: &Passage) -> bool {
        let permit = Permit::for_tests("exemple.fr".parse().unwrap());
        timeout(Duration::from_millis(50), passage.until_refused(&permit)).await.is_ok()
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
            matches!((passage.judge)(site.parse().unwrap(), None).await, Verdict::Allow(_))
        };
        assert!(allowed("imap.exemple.fr").await);
        assert!(!allowed("www.exemple.net").await && !allowed("192.0.2.9").await);
        assert_eq!(scene.asked(), ["imap.exemple.fr"]);
    }

    #[tokio::test]
    async fn without_a_source_of_changes_nothing_lives_on() {
        let mut passage = Scene::default().passage(SHORT);
        passage.epoch = watch::channel(0).1;
        assert!(is_cut(&passage).await);
    }
}
