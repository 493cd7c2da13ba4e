//! The order in which the daemon comes up and goes down.

use std::{future::ready, path::Path, sync::Arc};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    CentralStatus, DirectoryStatus, RuleFileStatus, Status,
    claim::Claim,
    control::{Control, control_path},
    deliveries::Deliveries,
    epoch, figures,
    health::Watched,
    meeting::{self, Meeting},
    opening, policing,
    reading::Reading,
    reload::Reload,
    standing::Standing,
    telling,
    timekeeping::Timekeeping,
};
use crate::{
    admin::{self, DirectoryHealth, Feeds, Openings, Requests, Snapshot},
    config::Config,
    enforce::{
        dns::{self, Resolver, Tunnels},
        ent::{self, Ent},
        firewall::{self, Heartbeat, Opened, Opener},
        gate::Gate,
        ntp, proxy, quic,
        sign_in::SignIn,
    },
    identity::{EntStanding, Identity, register::Terms},
    journal::Journal,
    lan::{self, CaptiveAdvertiser, Dhcp, Leases},
    model::Moment,
    policy::Policy,
    portal,
    protocol::line::Report,
    system::{bridge_tables, clock::Clock, inherited, metrics, neighbours, tasks::Tasks},
};

/// Runs the box with the configuration at `path` until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration is wrong, the kernel or a port is refused, or a task fails. Traffic is then closed.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    inherited::adopt();
    let clock = Clock::of_the_machine();
    let config = Config::load(path)?;
    let _claim = Claim::on(&config.state_dir)?;

    // Closed before anything listens: without the heartbeat and the proxy's listeners the ruleset lets nothing through.
    firewall::ruleset(&config.firewall).load_closed().await?;
    firewall::route_to_proxy().await?;
    lan::raise(&config.lan).await?;

    let stop = CancellationToken::new();
    let mut tasks = Tasks::new(stop.clone());
    let timekeeping = Timekeeping::begin(clock.clone(), &config.state_dir);
    tasks.start("clock", |stop| timekeeping.serve(stop));
    tasks.start("signals", stop_on_signal);
    let started = start_services(path, config, &clock, &mut tasks);
    if started.is_err() {
        stop.cancel();
    }
    let ended = tasks.run().await;
    started.and(ended)
}

/// Starts everything that stands on the closed ruleset; [`opening`] opens it once the resolver has answered.
fn start_services(path: &Path, config: Config, clock: &Clock, tasks: &mut Tasks) -> anyhow::Result<()> {
    let (journal, writer) = Journal::open(&config.journal, clock.clone())?;
    tasks.start_foundation("journal", |stop| writer.serve(stop));

    let store = admin::Store::open(&config.state_dir, clock.clone())?;
    let People { identity, terms, directory } = start_directory(&config, store.clone(), clock, tasks)?;
    let Policing { rules, acts, policy } =
        start_policing(&config, store, terms.subscribe(), &identity, clock, tasks)?;
    let (reading_sender, reading) = watch::channel(Reading::of(&config, clock.now()));
    let (epoch_sender, epoch) = watch::channel(0);
    let (leases_sender, leases) = watch::channel(Arc::new(Leases::default()));
    let (open_sender, open) = watch::channel(false);
    let (health_sender, health) = watch::channel(Snapshot::default());
    let gate = Gate::new(identity.clone(), policy.clone(), journal.clone(), clock.clone());
    let ((opened, opener), resolver) = (Opened::new()?, Resolver::new(&config.dns));
    let (sign_in, sign_in_service) = SignIn::new(identity.clone(), journal.clone(), clock.clone());
    let (ent, ent_service) = speak_with_ent(config.ent.clone(), &resolver, &identity, clock)?;

    let parts = portal::Parts {
        identity: identity.clone(),
        sign_in,
        ent,
        acts: acts.clone(),
        sights: portal::Sights { health, leases: leases.clone(), resolver: resolver.clone() },
        gate: gate.clone(),
        clock: clock.clone(),
    };
    let Listeners { dns, ntp, proxy, quic, portal, control, metrics, heartbeat } =
        Listeners::bind(&config, opened, &epoch, parts)?;

    let seen = Seen {
        clock: clock.clone(),
        identity: identity.clone(),
        journal: journal.clone(),
        resolver,
        tunnels: dns.tunnels(),
        leases,
        directory,
        open: open.clone(),
        reading,
        requests: acts.requests,
    };
    follow_machines(&identity, tasks);
    tasks.start("dhcp", |stop| Dhcp::new(&config.lan).serve(leases_sender, stop));
    tasks.start("announcing", |stop| CaptiveAdvertiser::new(&config.lan).serve(stop));
    tasks.start("sign-in", |stop| sign_in_service.serve(stop));
    ent_service.into_iter().for_each(|service| tasks.start("ent", |stop| service.serve(stop)));
    tasks.start("ntp", |stop| ntp.serve(stop));
    tasks.start_on_own_thread("proxy", |stop| proxy.serve(stop));
    tasks.start("quic", |stop| quic.serve(stop));
    tasks.start("portal", |stop| portal.serve(stop));
    start_resolver(dns, opener, gate, identity.clone(), epoch, tasks);
    tasks.start("epoch", |stop| epoch::serve(policy, identity.changes(), clock.clone(), epoch_sender, stop));
    let taken = seen.start_watching(&config, health_sender, (control, metrics), tasks);
    let reload = Reload {
        path: path.to_owned(),
        in_force: Standing::of(&config),
        certificate: config.certificate,
        files: config.files,
        rules,
        terms,
        identity,
        reading: reading_sender,
        taken,
        open,
        clock: clock.clone(),
    };
    tasks.start("reload", |stop| reload.serve(stop));
    let (first_zone, portal_name) = (config.zones.first().map(Arc::clone), config.portal.name);
    tasks.start("heartbeat", |stop| {
        opening::serve(heartbeat, first_zone, portal_name, journal, open_sender, stop)
    });
    Ok(())
}

/// Who is known, the holidays by which feeds of people come into force, and how those stand.
struct People {
    identity: Identity,
    terms: watch::Sender<Arc<Terms>>,
    directory: (watch::Receiver<DirectoryStatus>, watch::Receiver<DirectoryHealth>),
}

/// Opens what is known of people, and starts what brings feeds of them into force.
fn start_directory(
    config: &Config,
    store: admin::Store,
    clock: &Clock,
    tasks: &mut Tasks,
) -> anyhow::Result<People> {
    let identity = Identity::open(&config.identity, config.directory.clone(), clock.clone())?;
    let (terms_sender, terms) = watch::channel(Arc::new(config.terms.clone()));
    let (state_dir, here) = (config.state_dir.clone(), config.school.uai.clone());
    let deliveries = Deliveries::begin(state_dir, here, identity.clone(), terms, store, clock.clone());
    let directory = (deliveries.status(), deliveries.health());
    tasks.start("directory", |stop| deliveries.serve(stop));
    Ok(People { identity, terms: terms_sender, directory })
}

/// The rules, what pages decide, and the policy that both make.
struct Policing {
    rules: watch::Sender<Arc<Policy>>,
    acts: portal::Acts,
    policy: watch::Receiver<Arc<Policy>>,
}

/// Starts what joins the rules of `config` with what teachers decide.
fn start_policing(
    config: &Config,
    store: admin::Store,
    terms: watch::Receiver<Arc<Terms>>,
    identity: &Identity,
    clock: &Clock,
    tasks: &mut Tasks,
) -> anyhow::Result<Policing> {
    let (rules_sender, rules) = watch::channel(Arc::new(config.policy.clone()));
    let zones = config.zones.clone();
    let openings = Openings::open(store.clone(), identity.clone(), rules.clone(), zones, clock.now())?;
    let feeds = Feeds::new(store.clone(), identity, terms, clock.clone());
    let acts = portal::Acts::open(store, identity, openings.clone(), feeds)?;
    let given = openings.openings();
    let (policy_sender, policy) = watch::channel(policing::joined(&rules.borrow(), &given.borrow()));
    let of_openings = clock.clone();
    tasks.start("policy", |stop| policing::serve(rules, given, policy_sender, stop));
    tasks.start("openings", |stop| openings.serve(of_openings, stop));
    Ok(Policing { rules: rules_sender, acts, policy })
}

/// What people and machines come to, bound and not yet served.
struct Listeners {
    dns: dns::Service,
    ntp: ntp::Service,
    proxy: proxy::Service,
    quic: quic::Service,
    portal: portal::Service,
    control: Control,
    metrics: Option<metrics::Service>,
    heartbeat: Heartbeat,
}

impl Listeners {
    /// Binds every socket before any of them is served: a port that is taken ends the daemon before it serves anybody.
    fn bind(
        config: &Config,
        opened: Opened,
        epoch: &watch::Receiver<u64>,
        parts: portal::Parts,
    ) -> anyhow::Result<Self> {
        let (gate, resolver, clock) = (&parts.gate, &parts.sights.resolver, &parts.clock);
        let pages = portal::refusal_page(&config.portal);
        Ok(Self {
            dns: dns::Service::bind(&config.dns, gate.clone(), resolver.clone(), opened)?,
            ntp: ntp::Service::bind(&config.ntp, gate.clone(), clock.clone())?,
            proxy: proxy::Service::bind(&config.proxy, gate.clone(), resolver.clone(), pages, epoch.clone())?,
            quic: quic::Service::bind(&config.quic, gate.clone(), resolver.clone(), epoch.clone())?,
            portal: portal::Service::bind(&config.portal, parts)?,
            control: Control::bind(&control_path(&config.state_dir))?,
            metrics: config.metrics.map(metrics::Service::bind).transpose()?,
            heartbeat: Heartbeat::open()?,
        })
    }
}

/// Opens the way to the school's ENT, where it has one.
fn speak_with_ent(
    settings: Option<ent::Settings>,
    resolver: &Resolver,
    identity: &Identity,
    clock: &Clock,
) -> anyhow::Result<(Option<Ent>, Option<ent::Service>)> {
    let opened =
        settings.map(|settings| Ent::open(settings, resolver.clone(), identity.clone(), clock.clone()));
    Ok(opened.transpose().context("cannot speak with the ENT")?.unzip())
}

/// Tells `identity` what the kernel learns of machines: their addresses, and the ports they are behind.
fn follow_machines(identity: &Identity, tasks: &mut Tasks) {
    let known = identity.clone();
    tasks.start("neighbours", |stop| {
        neighbours::follow(stop, move |neighbour| known.learn_neighbour(neighbour.address, neighbour.mac))
    });
    let seen = identity.clone();
    tasks.start("bridges", |stop| {
        bridge_tables::follow(stop, move |sighting| seen.learn_port(sighting.machine, sighting.port))
    });
}

/// Starts the resolver, and beside it what opens the addresses it gives.
fn start_resolver(
    dns: dns::Service,
    opener: Opener,
    gate: Gate,
    machines: Identity,
    epoch: watch::Receiver<u64>,
    tasks: &mut Tasks,
) {
    tasks.start_on_own_thread("resolver", move |stop| async move {
        // Every answer may wake the opener: on the resolver's own thread that costs nothing.
        let opening = opener.serve(
            epoch,
            move |client, zone, permit| gate.still_allows(client, zone, permit),
            move |zone, address| machines.addresses_beside(zone, address),
            stop.clone(),
        );
        tokio::try_join!(dns.serve(stop), opening).map(|_| ())
    });
}

/// Asks every task to end when the service manager or a person asks the daemon to.
async fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stop.cancelled() => {}
    }
    stop.cancel();
    Ok(())
}

/// What is looked at while the box runs: for the pages of health, and for whoever asks on the control socket.
struct Seen {
    clock: Clock,
    identity: Identity,
    journal: Journal,
    resolver: Resolver,
    tunnels: Tunnels,
    leases: watch::Receiver<Arc<Leases>>,
    directory: (watch::Receiver<DirectoryStatus>, watch::Receiver<DirectoryHealth>),
    open: watch::Receiver<bool>,
    reading: watch::Receiver<Reading>,
    requests: Requests,
}

impl Seen {
    /// Starts those who look, for the school and for the académie; what they return counts up when the académie's channel
    /// brought other rules or lists.
    fn start_watching(
        self,
        config: &Config,
        health: watch::Sender<Snapshot>,
        (control, metrics): (Control, Option<metrics::Service>),
        tasks: &mut Tasks,
    ) -> watch::Receiver<u64> {
        let Self { clock, identity, journal, resolver, tunnels, leases, directory, open, reading, requests } =
            self;
        let (directory, directory_health) = directory;
        let watched = Watched {
            line_interface: config.line_interface.clone(),
            state_dir: config.state_dir.clone(),
            certificate_path: config.portal.certificate_path.clone(),
            key_path: config.portal.key_path.clone(),
            clock: clock.clone(),
            identity: identity.clone(),
            journal: journal.clone(),
            resolver: resolver.clone(),
            tunnels: tunnels.clone(),
            open: open.clone(),
            reading: reading.clone(),
            directory: directory_health,
        };
        let snapshot = health.subscribe();
        tasks.start("health", |stop| watched.serve(health, stop));
        let (school, started) = (config.school.name.clone(), clock.now());
        let central = watch::Sender::default();
        let speaker = Arc::new(Speaker {
            school,
            started,
            clock,
            identity,
            journal,
            leases,
            tunnels,
            directory,
            open,
            reading,
            central: central.subscribe(),
        });
        let speaks = Arc::clone(&speaker);
        tasks.start("control", |stop| control.serve(move || speaks.status(), stop));
        if let Some(metrics) = metrics {
            let (speaks, snapshot, resolver) = (Arc::clone(&speaker), snapshot.clone(), resolver.clone());
            let figures = move || ready(speaks.figures(&snapshot.borrow(), resolver.cached()));
            tasks.start("metrics", |stop| metrics.serve(figures, stop));
        }
        start_meeting(config, resolver, requests, speaker, snapshot, central, tasks)
    }
}

/// Starts what meets the académie's central.
fn start_meeting(
    config: &Config,
    resolver: Resolver,
    requests: Requests,
    speaker: Arc<Speaker>,
    snapshot: watch::Receiver<Snapshot>,
    standing: watch::Sender<meeting::Standing>,
    tasks: &mut Tasks,
) -> watch::Receiver<u64> {
    let (taken_sender, taken) = watch::channel(0);
    let diagnoses = Arc::clone(&speaker);
    let clock = speaker.clock.clone();
    let meeting = Meeting {
        state_dir: config.state_dir.clone(),
        school: config.school.uai.clone(),
        settings: config.central.clone(),
        own_table: config.own_table.clone(),
        resolver,
        clock,
        reading: speaker.reading.clone(),
        report: Arc::new(move |standing| speaker.report(&snapshot.borrow(), standing)),
        diagnose: Arc::new(move || diagnoses.status().to_string()),
        requests,
        taken: taken_sender,
        standing,
        changed: watch::Sender::new(0),
    };
    tasks.start("central", |stop| meeting.serve(stop));
    taken
}

/// Knows whom to ask for the daemon's status.
#[derive(Debug)]
struct Speaker {
    school: String,
    started: Moment,
    clock: Clock,
    identity: Identity,
    journal: Journal,
    leases: watch::Receiver<Arc<Leases>>,
    tunnels: Tunnels,
    directory: watch::Receiver<DirectoryStatus>,
    open: watch::Receiver<bool>,
    reading: watch::Receiver<Reading>,
    central: watch::Receiver<meeting::Standing>,
}

impl Speaker {
    /// What central is told.
    fn report(&self, snapshot: &Snapshot, standing: &meeting::Standing) -> Report {
        telling::report(telling::Told {
            status: &self.status(),
            snapshot,
            reading: &self.reading.borrow(),
            channel: standing.channel.clone(),
            lists: standing.lists.clone(),
            started: self.started,
            now: self.clock.now(),
            clock: self.clock.trust(),
            sign_ins_refused: 0,
        })
    }

    /// What those who watch are told.
    fn figures(&self, snapshot: &Snapshot, cached: usize) -> anyhow::Result<String> {
        let report = self.report(snapshot, &self.central.borrow());
        let (status, started) = (&self.status(), self.started);
        figures::text(&figures::Told { status, snapshot, report: &report, started, cached })
    }

    fn central(&self) -> CentralStatus {
        let meeting::Standing { is_enrolled, channel, lists, line } = self.central.borrow().clone();
        let told = channel.refused.or(lists.refused);
        let refused =
            told.map(|refused| format!("{} {}: {}", refused.what, refused.number, refused.sentence));
        let reading = self.reading.borrow();
        CentralStatus {
            enrolled: is_enrolled,
            reached: line.reached,
            since: line.since.map(|since| since.to_string()),
            trouble: Some(line.trouble).filter(|why| !why.is_empty()),
            policy: reading.channel_policy,
            lists: lists.number,
            refused: refused.or_else(|| reading.channel_fault.clone()),
        }
    }

    fn status(&self) -> Status {
        let reading = self.reading.borrow();
        let journal_open = self.journal.is_writing();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started.to_string(),
            school: self.school.clone(),
            gate_open: journal_open && *self.open.borrow(),
            journal_open,
            clock_in_doubt: self.clock.doubt().map(|doubt| doubt.to_string()),
            sessions: self.identity.count(),
            leases: self.leases.borrow().len(),
            tunnels_held: self.tunnels.held(),
            machines_doubled: self.identity.doubles(),
            ent_answers: match self.identity.ent() {
                EntStanding::None => None,
                standing @ (EntStanding::Reachable | EntStanding::Away) => {
                    Some(standing == EntStanding::Reachable)
                }
            },
            central: self.central(),
            directory: self.directory.borrow().clone(),
            rules: reading
                .rules
                .iter()
                .map(|(path, level, rules)| RuleFileStatus {
                    path: path.display().to_string(),
                    level: (*level).to_owned(),
                    rules: *rules,
                })
                .collect(),
            configured: reading.at.to_string(),
            reload_refused: reading.refused.clone(),
            restart_wanted: reading.restart_wanted.map(str::to_owned),
        }
    }
}
