//! The order in which the daemon comes up and goes down.

use std::{future::ready, path::Path, sync::Arc};

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    DirectoryStatus,
    claim::Claim,
    control::{Control, control_path},
    deliveries::{self, Deliveries},
    epoch,
    fronting::{self, Copies},
    health::Watched,
    meeting::{self, Meeting},
    opening, policing,
    reading::Reading,
    reload::Reload,
    repairing::Repairing,
    setup::SetUp,
    shelves,
    signals::stop_on_signal,
    speaker::Speaker,
    standing::Standing,
    timekeeping::Timekeeping,
    tunnel::{self, Tunnel},
};
use crate::{
    admin::{self, DirectoryHealth, Feeds, Openings, Snapshot},
    config::Config,
    counts::{Counts, Keeper, Waiting},
    enforce::{
        dns::{self, Resolver, Tunnels},
        ent::{self, Ent},
        firewall::{self, Heartbeat, Opened, Opener},
        gate::Gate,
        ntp, proxy, quic,
        sign_in::SignIn,
    },
    ent::warm::Told,
    identity::{Identity, register::Terms},
    journal::Journal,
    lan::{self, CaptiveAdvertiser, Dhcp, Leases},
    library::Library,
    policy::Policy,
    portal,
    system::{bridge_tables, clock::Clock, inherited, metrics, neighbours, tasks::Tasks},
    vpn,
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
    let firewall = tunnel::firewall_at_start(&config);
    firewall::ruleset(&firewall).load_closed().await?;
    firewall::route_to_proxy().await?;
    lan::raise(&config.lan).await?;

    let stop = CancellationToken::new();
    let mut tasks = Tasks::new(stop.clone());
    let timekeeping = Timekeeping::begin(clock.clone(), &config.state_dir);
    tasks.start("clock", |stop| timekeeping.serve(stop));
    tasks.start("signals", stop_on_signal);
    let started = start_services(path, config, firewall, &clock, &mut tasks);
    if started.is_err() {
        stop.cancel();
    }
    let ended = tasks.run().await;
    started.and(ended)
}

/// Starts everything that stands on the closed ruleset; [`opening`] opens it once the resolver has answered.
#[expect(
    clippy::too_many_lines,
    reason = "the order in which a box comes up is one list, read from its top to its end"
)]
fn start_services(
    path: &Path,
    config: Config,
    firewall: firewall::Settings,
    clock: &Clock,
    tasks: &mut Tasks,
) -> anyhow::Result<()> {
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
    let tunnel = watch::Sender::default();
    let counts = start_counts(&config, clock, tasks)?;
    let gate = Gate::new(identity.clone(), policy.clone(), journal.clone(), counts.0.clone(), clock.clone());
    let ((opened, opener), resolver) = (Opened::new()?, Resolver::new(&config.dns));
    let (sign_in, sign_in_service) = SignIn::new(identity.clone(), journal.clone(), clock.clone());
    let (ent, ent_service) = speak_with_ent(config.ent.clone(), &resolver, &identity, clock)?;
    let Copies { fronting, updates, warmed } = fronting::start(&config, &resolver, &epoch, clock, tasks)?;

    let library = shelves::open(config.library.clone(), clock, tasks)?;
    let supply = shelves::supply_to(library.as_ref());

    let parts = portal::Parts {
        identity: identity.clone(),
        sign_in,
        ent,
        acts: acts.clone(),
        library: library.clone(),
        sights: portal::Sights { health, leases: leases.clone(), resolver: resolver.clone() },
        gate: gate.clone(),
        clock: clock.clone(),
        fronting,
    };
    let Listeners { dns, ntp, proxy, quic, portal, control, metrics, heartbeat } =
        Listeners::bind(&config, opened, &epoch, updates, parts)?;

    let (tunnel_keys, keys) = watch::channel(None);
    let (wanted, of_technicians) = mpsc::channel(tunnel::WANTED_MAX);
    let standing = (tunnel.clone(), keys);
    let raised = Tunnel::new(&config, firewall, resolver.clone(), clock.clone(), standing, of_technicians);
    tasks.start("tunnel", |stop| raised.serve(stop));
    let ending = acts.repairs.clone();
    tasks.start("repairs", |stop| ending.serve(stop));
    let repairing = Repairing {
        repairs: acts.repairs,
        resolver: resolver.clone(),
        line_interface: Arc::clone(&config.line_interface),
        tunnel: tunnel.subscribe(),
        wanted,
    };
    let certificate = portal.shown();
    let stage = deliveries::stage(&config.state_dir, &config.school.uai, terms.subscribe(), clock);
    let seen = Seen {
        certificate: certificate.clone(),
        clock: clock.clone(),
        identity: identity.clone(),
        journal: journal.clone(),
        resolver,
        tunnels: dns.tunnels(),
        tunnel: tunnel.subscribe(),
        leases,
        directory,
        open: open.clone(),
        setup: SetUp::new(path, &config, acts.devices, reading.clone()),
        reading,
        repairing,
        books: meeting::Books { requests: acts.requests, stage, supply, tunnel_keys },
        counts,
        library,
        warmed,
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
        certificate,
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
        updates: Option<proxy::Updates>,
        parts: portal::Parts,
    ) -> anyhow::Result<Self> {
        let (gate, resolver, clock) = (&parts.gate, &parts.sights.resolver, &parts.clock);
        let pages = portal::refusal_page(&config.portal);
        Ok(Self {
            dns: dns::Service::bind(&config.dns, gate.clone(), resolver.clone(), opened)?,
            ntp: ntp::Service::bind(&config.ntp, gate.clone(), clock.clone())?,
            proxy: {
                let (gate, resolver, epoch) = (gate.clone(), resolver.clone(), epoch.clone());
                proxy::Service::bind(&config.proxy, gate, resolver, pages, updates, epoch)?
            },
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

/// Starts what keeps counts; the days that wait to be told lie beside it.
fn start_counts(config: &Config, clock: &Clock, tasks: &mut Tasks) -> anyhow::Result<(Counts, Waiting)> {
    let keeper = Keeper::open(&config.state_dir, clock.clone())?;
    let counts = (keeper.counts(), keeper.waiting());
    tasks.start("counts", |stop| keeper.serve(stop));
    Ok(counts)
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

/// What is looked at while the box runs: for the pages of health, and for whoever asks on the control socket.
struct Seen {
    clock: Clock,
    identity: Identity,
    journal: Journal,
    resolver: Resolver,
    tunnels: Tunnels,
    tunnel: watch::Receiver<Option<vpn::Standing>>,
    leases: watch::Receiver<Arc<Leases>>,
    directory: (watch::Receiver<DirectoryStatus>, watch::Receiver<DirectoryHealth>),
    open: watch::Receiver<bool>,
    reading: watch::Receiver<Reading>,
    repairing: Repairing,
    books: meeting::Books,
    setup: SetUp,
    certificate: portal::Shown,
    counts: (Counts, Waiting),
    library: Option<Library>,
    warmed: Option<watch::Receiver<Told>>,
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
        let Self { clock, identity, journal, resolver, leases, open, reading, certificate, .. } = self;
        let (tunnels, tunnel) = (self.tunnels, self.tunnel);
        let repairing = self.repairing;
        let (counts, books, setup, library, warmed, (directory, directory_health)) =
            (self.counts, self.books, self.setup, self.library, self.warmed, self.directory);
        let central = watch::Sender::default();
        let watched = Watched {
            central: central.subscribe(),
            line_interface: config.line_interface.clone(),
            state_dir: config.state_dir.clone(),
            certificate: certificate.clone(),
            clock: clock.clone(),
            identity: identity.clone(),
            journal: journal.clone(),
            resolver: resolver.clone(),
            tunnels: tunnels.clone(),
            tunnel: tunnel.clone(),
            open: open.clone(),
            reading: reading.clone(),
            directory: directory_health,
        };
        let snapshot = health.subscribe();
        tasks.start("health", |stop| watched.serve(health, stop));
        let (school, started) = (config.school.name.clone(), clock.now());
        let speaker = Arc::new(Speaker {
            school,
            started,
            clock,
            identity,
            journal,
            leases,
            tunnels,
            tunnel,
            directory,
            open,
            reading,
            certificate,
            central: central.subscribe(),
            repair: repairing.repairs.standing(),
            counts,
            library,
            warmed,
        });
        let speaks = Arc::clone(&speaker);
        tasks.start("control", |stop| control.serve(move || speaks.status(), stop));
        if let Some(metrics) = metrics {
            let (speaks, snapshot, resolver) = (Arc::clone(&speaker), snapshot.clone(), resolver.clone());
            let figures = move || ready(speaks.figures(&snapshot.borrow(), resolver.cached()));
            tasks.start("metrics", |stop| metrics.serve(figures, stop));
        }
        start_meeting(config, resolver, (books, setup, repairing), speaker, snapshot, central, tasks)
    }
}

/// Starts what meets the académie's central.
fn start_meeting(
    config: &Config,
    resolver: Resolver,
    (books, setup, repairing): (meeting::Books, SetUp, Repairing),
    speaker: Arc<Speaker>,
    snapshot: watch::Receiver<Snapshot>,
    standing: watch::Sender<meeting::Standing>,
    tasks: &mut Tasks,
) -> watch::Receiver<u64> {
    let (taken_sender, taken) = watch::channel(0);
    let diagnoses = Arc::clone(&speaker);
    let (clock, counts) = (speaker.clock.clone(), speaker.counts.clone());
    let meeting = Meeting {
        state_dir: config.state_dir.clone(),
        school: config.school.uai.clone(),
        settings: config.central.clone(),
        line_interface: Arc::clone(&config.line_interface),
        own_table: config.own_table.clone(),
        resolver,
        clock,
        reading: speaker.reading.clone(),
        report: Arc::new(move |standing| speaker.report(&snapshot.borrow(), standing)),
        diagnose: Arc::new(move || diagnoses.status().to_string()),
        repairing,
        books,
        setup,
        portal: config.portal.clone(),
        counts,
        taken: taken_sender,
        standing,
        changed: watch::Sender::new(0),
    };
    tasks.start("central", |stop| meeting.serve(stop));
    taken
}
