//! Keeps the tunnel up until it is told to stop.

use std::{fmt, fs, io, net::IpAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    device::{self, Device, INTERFACE},
    endpoints::Endpoints,
    handshake_clock::{HandshakeClock, Showing},
    keeper::{Keeper, Step, Target, Way},
    ladder::{self, Ladders},
    path_mtu::PathMtu,
    probes::Probes,
    routes,
    settings::Settings,
    standing::{Standing, Trouble},
    wg::{self, Seen},
};
use crate::{
    model::Moment,
    system::{
        clock::Clock,
        links::{Link, Links},
    },
};

/// How often the tunnel is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Finds the addresses of a name by the line's resolvers.
pub type Find = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The tunnel of a box.
pub struct Vpn {
    clock: Clock,
    find: Find,
    ladders: Ladders,
    standing: watch::Sender<Option<Standing>>,
}

/// The tunnel by one enrolment's settings.
struct Tunnel<'a> {
    settings: Settings,
    vpn: &'a Vpn,
}

/// What others find out meanwhile.
struct Watched {
    endpoints: Endpoints,
    probes: Probes,
    path_mtu: PathMtu,
}

/// What is kept from one look to the next.
struct Kept {
    links: Links,
    keeper: Keeper,
    begun: Instant,
    handshakes: HandshakeClock,
    /// The index of the interface that is set up.
    raised: Option<u32>,
    /// The concentrator whose datagrams WireGuard was last told to send into a way through TCP.
    climbed: Option<usize>,
    /// The longest packet, in bytes, that the routes let in.
    mtu: u16,
    /// Whether the routes lead nowhere for want of an interface.
    is_shut: bool,
    line_has_signal: bool,
    /// The last handshake seen of any concentrator.
    shaken: u64,
}

impl Vpn {
    /// How it stands is told to `standing`; `ladders` are the ways through TCP, which somebody else serves.
    pub fn new(
        clock: Clock,
        find: Find,
        ladders: Ladders,
        standing: watch::Sender<Option<Standing>>,
    ) -> Self {
        Self { clock, find, ladders, standing }
    }

    /// Keeps the tunnel of `settings` up until `stop`. When they change the interface stays, and with it the sessions of
    /// concentrators that are told the same. The kernel's interface outlives this; a program's goes with it.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket, or refuses the interface for a reason of its own.
    pub async fn serve(
        self,
        mut settings: watch::Receiver<Settings>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let links = Links::open().context("cannot speak with the kernel about interfaces")?;
        let device = Device::find(&links).await?;
        info!(?device, "the tunnel begins");
        let by_settings = async {
            loop {
                let now = settings.borrow_and_update().clone();
                tokio::select! {
                    changed = settings.changed() => changed.context("nobody says any more what the tunnel is")?,
                    ended = (Tunnel { settings: now, vpn: &self }).run() => return ended,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = device.run(&stop) => Ok(()),
            ended = by_settings => ended,
        }
    }
}

impl Tunnel<'_> {
    /// Keeps the tunnel up; ends by a failure only.
    async fn run(self) -> anyhow::Result<()> {
        let dir = &self.settings.dir;
        fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let links = Links::open().context("cannot speak with the kernel about interfaces")?;
        let watched = Watched {
            endpoints: Endpoints::open(dir),
            probes: Probes::default(),
            path_mtu: PathMtu::default(),
        };
        let Watched { endpoints, probes, path_mtu } = &watched;
        let path = || {
            let standing = self.vpn.standing.borrow();
            let up = standing.as_ref().filter(|standing| standing.up)?;
            Some(Target { concentrator: up.concentrator.checked_sub(1)?, way: up.way })
        };
        tokio::select! {
            () = endpoints.follow(&self.settings, &self.vpn.find, || path().is_some()) => Ok(()),
            () = probes.ask(&self.settings) => Ok(()),
            () = path_mtu.follow(&self.settings, path) => Ok(()),
            ended = self.keep(links, &watched) => ended,
        }
    }

    async fn keep(&self, links: Links, watched: &Watched) -> anyhow::Result<()> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).context("the machine has no randomness")?;
        let has_tls: Vec<_> = self.settings.concentrators.iter().map(|one| one.tls.is_some()).collect();
        let mut kept = Kept {
            links,
            keeper: Keeper::new(&has_tls, Duration::ZERO, u32::from_ne_bytes(random)),
            begun: Instant::now(),
            handshakes: HandshakeClock::open(&self.settings.dir, &self.settings.key),
            raised: None,
            climbed: None,
            mtu: watched.path_mtu.found(),
            is_shut: false,
            line_has_signal: true,
            shaken: 0,
        };
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let trouble = match self.look(&mut kept, watched).await {
                Ok(trouble) => trouble,
                Err(cause) => {
                    debug!(cause = format!("{cause:#}"), "the tunnel cannot be looked after");
                    // The interface may have gone in between; it is set up whole.
                    kept.raised = None;
                    Some(Trouble::Refused)
                }
            };
            self.tell(&kept, trouble, &watched.probes);
        }
    }

    /// Looks once, does what is to be done, and says what is wrong.
    async fn look(&self, kept: &mut Kept, watched: &Watched) -> anyhow::Result<Option<Trouble>> {
        let Watched { endpoints, path_mtu, .. } = watched;
        let now = kept.begun.elapsed();
        let showing = kept.handshakes.judge(self.vpn.clock.now(), self.vpn.clock.doubt());
        if showing == Showing::Never {
            if kept.raised.take().is_some() {
                wg::forget(&self.settings).await?;
            }
            return Ok(Some(Trouble::ClockAhead));
        }
        let all = kept.links.all().await?;
        let Some(link) = all.iter().find(|link| link.name == INTERFACE) else {
            kept.raised = None;
            self.shut(kept).await?;
            return Ok(Some(Trouble::NoInterface));
        };
        if kept.raised != Some(link.index) {
            self.raise(kept, link, endpoints).await?;
            kept.keeper.begin_anew(now);
        }
        let mtu = path_mtu.found();
        if kept.mtu != mtu {
            routes::set(&self.settings, Some(link), mtu).await?;
            kept.mtu = mtu;
            info!(mtu, "the tunnel carries packets of another length");
        }
        let signal = all.iter().any(|link| *link.name == *self.settings.line_interface && link.has_signal);
        let line_is_back = signal && !kept.line_has_signal;
        kept.line_has_signal = signal;
        let seen = wg::look(&self.settings).await?;
        self.note(kept, &seen);
        let step = kept.keeper.look(now, &seen, line_is_back);
        let is_known = self.act(kept, step, endpoints).await?;
        Ok(match showing {
            _ if kept.keeper.is_up() => None,
            _ if !signal => Some(Trouble::LineDown),
            _ if !is_known => Some(Trouble::NameUnknown),
            Showing::Behind => Some(Trouble::ClockBehind),
            Showing::Well | Showing::Never if self.is_captive() => Some(Trouble::Captive),
            Showing::Well | Showing::Never => Some(Trouble::Silent),
        })
    }

    /// Whether somebody else last answered in a concentrator's place.
    fn is_captive(&self) -> bool {
        let mut places = self.settings.concentrators.iter().filter_map(|one| one.tls.as_deref());
        places.any(|place| {
            let way = self.vpn.ladders.standing(place);
            way.is_some_and(|way| !way.is_connected && way.trouble == Some(ladder::Trouble::Captive))
        })
    }

    /// Sets up an interface that is there for the first time.
    async fn raise(&self, kept: &mut Kept, link: &Link, endpoints: &Endpoints) -> anyhow::Result<()> {
        let places = 0..self.settings.concentrators.len();
        let known: Vec<_> = places.map(|place| endpoints.of(&self.settings, place, 0)).collect();
        let Target { concentrator, way } = kept.keeper.at();
        device::raise(&kept.links, link, &self.settings).await?;
        routes::set(&self.settings, Some(link), kept.mtu).await?;
        self.vpn.ladders.rest();
        wg::configure(&self.settings, concentrator, &known).await?;
        kept.climbed = None;
        if way == Way::Tls {
            self.move_to(kept, kept.keeper.at(), endpoints, 0).await?;
        }
        kept.raised = Some(link.index);
        kept.is_shut = false;
        Ok(())
    }

    /// Leads nowhere what was to be led into an interface that is not there.
    async fn shut(&self, kept: &mut Kept) -> anyhow::Result<()> {
        if !kept.is_shut {
            routes::set(&self.settings, None, kept.mtu).await?;
            kept.is_shut = true;
        }
        Ok(())
    }

    /// Does what the keeper says. Says whether it is known where the concentrator is.
    async fn act(&self, kept: &mut Kept, step: Step, endpoints: &Endpoints) -> anyhow::Result<bool> {
        let at = kept.keeper.at();
        // Two attempts at each address.
        let tried = usize::try_from(kept.keeper.tried() / 2).unwrap_or_default();
        let Some(one) = self.settings.concentrators.get(at.concentrator) else { return Ok(false) };
        match (step, at.way) {
            (Step::Stay, _) | (Step::Knock, Way::Tls) => {}
            (Step::Knock, Way::Udp) => match endpoints.of(&self.settings, at.concentrator, tried) {
                Some(endpoint) => wg::knock(one, endpoint).await?,
                None => return Ok(false),
            },
            (Step::Move(target), _) => self.move_to(kept, target, endpoints, tried).await?,
        }
        Ok(at.way == Way::Tls || endpoints.of(&self.settings, at.concentrator, tried).is_some())
    }

    /// Gives the networks to `target`. A concentrator that was reached through TCP is waited for over UDP again.
    async fn move_to(
        &self,
        kept: &mut Kept,
        target: Target,
        endpoints: &Endpoints,
        tried: usize,
    ) -> anyhow::Result<()> {
        let Target { concentrator, way } = target;
        let all = &self.settings.concentrators;
        let Some(one) = all.get(concentrator) else { return Ok(()) };
        let endpoint = match (way, &one.tls) {
            (Way::Tls, Some(place)) => Some(self.vpn.ladders.climb(place)?),
            (Way::Udp, _) | (Way::Tls, None) => {
                self.vpn.ladders.rest();
                endpoints.of(&self.settings, concentrator, tried)
            }
        };
        if let Some(left) = kept.climbed.take().filter(|left| *left != concentrator)
            && let (Some(other), Some(endpoint)) = (all.get(left), endpoints.of(&self.settings, left, tried))
        {
            wg::point(other, endpoint).await?;
        }
        kept.climbed = (way == Way::Tls).then_some(concentrator);
        debug!(concentrator, ?way, "another way into the académie is tried");
        wg::activate(&self.settings, one, endpoint).await
    }

    /// Remembers that a handshake was taken, where one was.
    fn note(&self, kept: &mut Kept, seen: &[Seen]) {
        let latest = seen.iter().map(|seen| seen.handshake).max().unwrap_or_default();
        if latest != kept.shaken && latest > 0 {
            kept.shaken = latest;
            kept.handshakes.note(self.vpn.clock.now());
        }
    }

    /// Tells how the tunnel stands.
    fn tell(&self, kept: &Kept, trouble: Option<Trouble>, probes: &Probes) {
        let up = kept.keeper.is_up() && trouble.is_none();
        let Target { concentrator, way } = kept.keeper.at();
        let before = self.vpn.standing.borrow().clone();
        let was = before.as_ref().filter(|before| before.since.is_some()).map(|before| before.up);
        if was != Some(up) {
            match up {
                true => info!(concentrator = concentrator + 1, ?way, "the tunnel is up"),
                false => warn!(trouble = trouble.map(tracing::field::display), "the tunnel is down"),
            }
        }
        let since = match before {
            Some(before) if was == Some(up) => before.since,
            Some(_) | None => Some(self.vpn.clock.now()),
        };
        let handshake = i64::try_from(kept.shaken).ok().filter(|seconds| *seconds > 0);
        self.vpn.standing.send_replace(Some(Standing {
            up,
            since,
            concentrator: concentrator + 1,
            way,
            handshake: handshake.map(Moment::from_unix_seconds),
            lost_percent: probes.lost_percent(&self.settings).filter(|_| up),
            mtu: Some(kept.mtu),
            tried: kept.keeper.tried(),
            trouble,
        }));
    }
}

impl fmt::Debug for Vpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vpn")
    }
}
