//! The tunnel to the académie, from the moment the enrolment names one: the packet filter first, then the académie's names,
//! then the tunnel itself; told of it when central says something else, and when another key of the box is to be tried.
//!
//! A tunnel that cannot be raised ends nothing: the school goes on, and the académie's networks stay closed.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use ipnet::IpNet;
use rustls_pki_types::CertificateDer;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::tunnel_keys::{Seen, Turns, Which};
use crate::{
    config::Config,
    enforce::{
        dns::{Academie, Resolver},
        firewall,
    },
    model::Zone,
    sync::{
        in_force, keeping,
        tunnel::{self, Change, TunnelInForce},
    },
    system::{clock::Clock, links::Links},
    vpn::{self, Vpn, ladder::Ladders},
};

/// How often it is looked whether the enrolment says something else.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a key is not asked to be changed again because of the clock.
const ANOTHER_AFTER: Duration = Duration::from_secs(3600);

/// How long what failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a technician may want of the tunnel and of the packet filter, whose one writer is here. The answer is a fragment.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Compare the packet filter in the kernel with the one that is meant, and load it again.
    Rules(oneshot::Sender<Result<String, String>>),
    /// Raise the tunnel anew.
    Anew(oneshot::Sender<Result<String, String>>),
}

/// Wishes that wait: a technician's acts come one after the other.
pub(super) const WANTED_MAX: usize = 4;

/// What the tunnel needs of the rest of the daemon.
pub(super) struct Tunnel {
    state_dir: PathBuf,
    zones: Vec<Arc<Zone>>,
    line_interface: Arc<str>,
    /// The packet filter in the kernel.
    firewall: firewall::Settings,
    resolver: Resolver,
    clock: Clock,
    standing: watch::Sender<Option<vpn::Standing>>,
    /// By whom keys are changed, once the box meets central.
    change: watch::Receiver<Option<Change>>,
    turns: Turns,
    /// The key that is to follow, and whether it was said to stand.
    next: Option<(String, bool)>,
    begun: Instant,
    another_at: Option<Instant>,
    /// What a technician wants, and whether the tunnel is to be raised anew.
    wanted: mpsc::Receiver<Wanted>,
    is_anew: bool,
}

/// The packet filter of `config`, with the tunnel that the enrolment names: closed to everybody else from the first moment.
pub(super) fn firewall_at_start(config: &Config) -> firewall::Settings {
    let (zones, line) = (&config.zones, Arc::clone(&config.line_interface));
    let settings = settings(&config.state_dir, zones, line, Which::Own).unwrap_or_else(|cause| {
        warn!(cause = format!("{cause:#}"), "the enrolment's tunnel cannot be used");
        (None, None)
    });
    let (settings, _) = settings;
    firewall::Settings {
        tunnel: settings.as_ref().map(|settings| of_firewall(settings, vpn::MTU_MIN)),
        ..config.firewall.clone()
    }
}

impl Tunnel {
    /// The tunnel of a box whose packet filter stands as `firewall` says.
    pub(super) fn new(
        config: &Config,
        firewall: firewall::Settings,
        resolver: Resolver,
        clock: Clock,
        (standing, change): (watch::Sender<Option<vpn::Standing>>, watch::Receiver<Option<Change>>),
        wanted: mpsc::Receiver<Wanted>,
    ) -> Self {
        Self {
            state_dir: config.state_dir.clone(),
            zones: config.zones.clone(),
            line_interface: Arc::clone(&config.line_interface),
            firewall,
            resolver,
            clock,
            standing,
            change,
            turns: Turns::default(),
            next: None,
            begun: Instant::now(),
            another_at: None,
            wanted,
            is_anew: false,
        }
    }

    /// Keeps the tunnel that the enrolment names, until the stop signal.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut told = String::new();
        while !stop.is_cancelled() {
            let settings = self.settings().await.unwrap_or_else(|cause| {
                // Once, not every two seconds.
                let cause = format!("{cause:#}");
                if cause != told {
                    warn!(cause, "the enrolment's tunnel cannot be used");
                    told = cause;
                }
                None
            });
            if let Err(cause) = self.run(settings, &stop).await {
                warn!(cause = format!("{cause:#}"), "the tunnel failed; it is raised again");
                stop.run_until_cancelled(sleep(RETRY_AFTER)).await;
            }
            if mem::take(&mut self.is_anew) {
                // The packet filter keeps the académie's networks closed while there is no interface.
                self.standing.send_replace(Some(vpn::Standing::default()));
                if let Err(cause) = remove_interface().await {
                    warn!(cause = format!("{cause:#}"), "the tunnel's interface cannot be removed");
                }
            }
        }
        Ok(())
    }

    /// Runs the tunnel of `settings`, or none, until the stop signal or until the enrolment names one where there was none, or
    /// none any more.
    async fn run(&mut self, settings: Option<vpn::Settings>, stop: &CancellationToken) -> anyhow::Result<()> {
        self.prepare(settings.as_ref()).await?;
        let Some(settings) = settings else {
            stop.run_until_cancelled(self.until_otherwise(None)).await;
            return Ok(());
        };
        let (find, clock) = (self.resolver.finder(), self.clock.clone());
        let authorities = self.authorities().await?;
        let (ladders, climbing) = Ladders::new(authorities, Arc::clone(&find), Some(vpn::MARK));
        let vpn = Vpn::new(clock, find, ladders, self.standing.clone());
        let (sender, receiver) = watch::channel(settings);
        tokio::select! {
            ended = vpn.serve(receiver, stop.clone()) => ended,
            ended = climbing.serve(stop.clone()) => ended,
            ended = self.hand_on(&sender) => ended,
        }
    }

    /// Hands on what the enrolment says, as long as it names a tunnel.
    async fn hand_on(&mut self, settings: &watch::Sender<vpn::Settings>) -> anyhow::Result<()> {
        loop {
            let known = settings.borrow().clone();
            self.until_otherwise(Some(&known)).await;
            if self.is_anew {
                return Ok(());
            }
            let Ok(Some(now)) = self.settings().await else { return Ok(()) };
            self.prepare(Some(&now)).await?;
            settings.send_replace(now);
        }
    }

    /// Closes what must be closed and opens what `settings` say, before anything carries a packet.
    async fn prepare(&mut self, settings: Option<&vpn::Settings>) -> anyhow::Result<()> {
        let mtu = self.firewall.tunnel.as_ref().map_or(vpn::MTU_MIN, |tunnel| tunnel.mtu);
        let tunnel = settings.map(|settings| of_firewall(settings, mtu));
        if tunnel != self.firewall.tunnel {
            vpn::remove_routes().await?;
            let firewall = firewall::Settings { tunnel, ..self.firewall.clone() };
            firewall::ruleset(&firewall)
                .apply()
                .await
                .context("cannot tell the packet filter of the tunnel")?;
            self.firewall = firewall;
        }
        self.resolver.set_academie(settings.map(of_dns).as_ref());
        if settings.is_none() {
            self.standing.send_replace(None);
            remove_interface().await?;
        }
        Ok(())
    }

    /// Waits until central names another tunnel, or the other key is to be held.
    async fn until_otherwise(&mut self, settings: Option<&vpn::Settings>) {
        let dir = in_force::central_dir(&self.state_dir);
        let changed_at = |name: &str| std::fs::metadata(dir.join(name)).and_then(|file| file.modified()).ok();
        let looked = || ["enrolment.json", "tunnel.json"].map(changed_at);
        let mut known = looked();
        loop {
            tokio::select! {
                () = sleep(LOOK_EVERY) => self.fit_segments().await,
                Some(wanted) = self.wanted.recv() => {
                    if self.fulfil(wanted, settings.is_some()).await {
                        return;
                    }
                }
            }
            let (written, is_turned) = (looked(), self.take_turns());
            if written != known || is_turned {
                known = written;
                // One that cannot be read is no other one.
                if self.settings().await.is_ok_and(|now| now.as_ref() != settings) {
                    return;
                }
            }
        }
    }

    /// Has the packet filter cut segments to what the tunnel was found to carry.
    async fn fit_segments(&mut self) {
        let found = self.standing.borrow().as_ref().and_then(|standing| standing.mtu);
        let Some((mtu, tunnel)) = found.zip(self.firewall.tunnel.as_ref()) else { return };
        if tunnel.mtu == mtu {
            return;
        }
        let tunnel = Some(firewall::Tunnel { mtu, ..tunnel.clone() });
        let firewall = firewall::Settings { tunnel, ..self.firewall.clone() };
        match firewall::ruleset(&firewall).apply().await {
            Ok(()) => self.firewall = firewall,
            Err(cause) => {
                warn!(
                    cause = format!("{cause:#}"),
                    "the packet filter cannot be told what the tunnel carries"
                );
            }
        }
    }

    /// Does what a technician wants; whether the tunnel is to be raised anew.
    async fn fulfil(&mut self, wanted: Wanted, has_tunnel: bool) -> bool {
        // Who does not wait for the answer any more has given up; it is done all the same.
        match wanted {
            Wanted::Rules(answer) => {
                let ruleset = firewall::ruleset(&self.firewall);
                let found = match ruleset.read_back().await {
                    Ok(()) => "the kernel held what is meant".to_owned(),
                    Err(cause) => format!("the kernel held something else: {cause:#}"),
                };
                let loaded = match ruleset.apply().await {
                    Ok(()) => firewall::route_to_proxy().await,
                    Err(cause) => Err(cause),
                };
                let _ = answer.send(match loaded {
                    Ok(()) => Ok(format!("{found}\nit was loaded again and reads back as meant")),
                    Err(cause) => Err(format!("{found}\nit could not be loaded again: {cause:#}")),
                });
                false
            }
            Wanted::Anew(answer) => {
                let said = if has_tunnel { Ok("raised anew") } else { Err("this box has no tunnel") };
                let _ = answer.send(said.map(str::to_owned).map_err(str::to_owned));
                self.is_anew = has_tunnel;
                has_tunnel
            }
        }
    }

    /// Looks which key is to be held, and says of one that was answered that it stands; whether it is another than before.
    fn take_turns(&mut self) -> bool {
        let before = self.turns.holds();
        let standing = self.standing.borrow().clone();
        let Some((key, is_said)) = &mut self.next else {
            self.turns = Turns::default();
            self.ask_for_another(standing.as_ref());
            return before != Which::Own;
        };
        match self.turns.look(self.begun.elapsed(), Seen::of(standing.as_ref())) {
            Some(which) => which != before,
            None => {
                if let Some(change) = self.change.borrow().as_ref().filter(|_| !*is_said) {
                    change.stands(key);
                    *is_said = true;
                }
                false
            }
        }
    }

    /// Concentrators refuse a clock that is behind an earlier handshake: another key has no such past.
    fn ask_for_another(&mut self, standing: Option<&vpn::Standing>) {
        let is_behind = standing.is_some_and(|seen| seen.trouble == Some(vpn::Trouble::ClockBehind));
        let is_asked = self.another_at.is_some_and(|at| at.elapsed() < ANOTHER_AFTER);
        if let Some(change) = self.change.borrow().as_ref().filter(|_| is_behind && !is_asked) {
            change.another();
            self.another_at = Some(Instant::now());
        }
    }

    /// What central says of the tunnel by the key that is to be held, read on a thread that may wait for the disk.
    async fn settings(&mut self) -> anyhow::Result<Option<vpn::Settings>> {
        let (state_dir, zones) = (self.state_dir.clone(), self.zones.clone());
        let (line, which) = (Arc::clone(&self.line_interface), self.turns.holds());
        let read = move || settings(&state_dir, &zones, line, which);
        let (settings, next) = tokio::task::spawn_blocking(read).await??;
        if self.next.as_ref().map(|(key, _)| key) != next.as_ref() {
            self.next = next.map(|key| (key, false));
            self.turns = Turns::default();
        }
        Ok(settings)
    }

    /// Who may sign for the concentrators' ways through TCP.
    async fn authorities(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let state_dir = self.state_dir.clone();
        let kept = tokio::task::spawn_blocking(move || keeping::read(&state_dir)).await??;
        Ok(kept.context("the enrolment is gone")?.authorities().to_vec())
    }
}

/// Removes the interface that the kernel keeps of an earlier tunnel.
async fn remove_interface() -> anyhow::Result<()> {
    let links = Links::open().context("cannot speak with the kernel about interfaces")?;
    match links.find(vpn::INTERFACE).await? {
        Some(link) if link.is_wireguard => links.remove(&link).await,
        Some(_) | None => Ok(()),
    }
}

/// The tunnel that central names for one of the box's keys, if it names one, and the key that is to follow.
fn settings(
    state_dir: &Path,
    zones: &[Arc<Zone>],
    line: Arc<str>,
    which: Which,
) -> anyhow::Result<(Option<vpn::Settings>, Option<String>)> {
    let Some(kept) = keeping::read(state_dir)? else { return Ok((None, None)) };
    let TunnelInForce { own, next } = tunnel::read(state_dir, &kept)?;
    let following = next.as_ref().map(|next| next.key.clone());
    let held = match (which, next) {
        (Which::Next, Some(next)) => next,
        (Which::Own | Which::Next, _) => own,
    };
    let of = |tunnel| vpn::Settings::of(tunnel, &held.key, zones, line, state_dir);
    Ok((held.tunnel.as_ref().map(of).transpose()?, following))
}

/// What the packet filter must know of it.
fn of_firewall(settings: &vpn::Settings, mtu: u16) -> firewall::Tunnel {
    let mut tunnel = firewall::Tunnel {
        interface: Arc::from(vpn::INTERFACE),
        mark: vpn::MARK,
        own4: Vec::new(),
        own6: Vec::new(),
        mtu,
        networks4: Vec::new(),
        networks6: Vec::new(),
    };
    for network in settings.networks() {
        match network {
            IpNet::V4(network) => tunnel.networks4.push(network),
            IpNet::V6(network) => tunnel.networks6.push(network),
        }
    }
    for own in &settings.addresses {
        match own {
            IpNet::V4(own) => tunnel.own4.push(own.addr()),
            IpNet::V6(own) => tunnel.own6.push(own.addr()),
        }
    }
    tunnel
}

/// What the resolver must know of it.
fn of_dns(settings: &vpn::Settings) -> Academie {
    Academie {
        names: settings.names.clone(),
        resolvers: settings.resolvers.clone(),
        networks: settings.networks(),
        own: settings.own(),
    }
}
