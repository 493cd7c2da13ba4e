//! Meets the académie's central, from the moment the box is enrolled: channel, lists, live line and certificate, started
//! together and started anew when the box gets another certificate or is enrolled again. Nothing in the school waits for any
//! of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{reading::Reading, repairing::Repairing, setup::SetUp, shelves};
use crate::{
    admin::Requests,
    config::{category_table, read_policy},
    counts::{Counts, Waiting},
    enforce::dns::Resolver,
    library::Supply,
    model::Uai,
    portal,
    protocol::line::{Done, InForce, Order, PassedOn, Report, What},
    sync::{
        Accounts, AccountsInForce, Lists, ListsInForce, PortalRenewal, Renewal, Returns, Settings, Stage,
        channel::{Channel, ChannelSettings, Check, Waits},
        client::Client,
        counts::Teller,
        in_force, keeping,
        line::{Hands, Line, LineState, ToldTime},
        tunnel::{Change, Tunnels},
    },
    system::{clock::Clock, links},
};

/// How often it is looked whether the box is enrolled, or enrolled anew.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether the line is back.
const LINE_EVERY: Duration = Duration::from_millis(500);

/// How often it is looked whether something else is wrong than central was told.
const FINDINGS_EVERY: Duration = Duration::from_secs(2);

/// How long a renewal that central orders may take before it is told that it failed.
const RENEWAL_WAIT: Duration = Duration::from_secs(90);

/// How long what failed at once is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// How the box stands with central.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Whether it is enrolled.
    pub(super) is_enrolled: bool,
    /// What of the channel is in force.
    pub(super) channel: InForce,
    /// What of the lists.
    pub(super) lists: ListsInForce,
    /// What of the accounts was received.
    pub(super) accounts: AccountsInForce,
    /// Whether central is reached.
    pub(super) line: LineState,
    /// What is large and waits for its turn on the line.
    pub(super) waits: Option<Waits>,
}

/// The school's own books that the académie has a say in.
pub(super) struct Books {
    /// What the school asks the académie.
    pub(super) requests: Requests,
    /// Lays a delivery of accounts before the register.
    pub(super) stage: Stage,
    /// Where the library is told what there is.
    pub(super) supply: watch::Sender<Option<Supply>>,
    /// Where the tunnel is told by whom its keys are changed.
    pub(super) tunnel_keys: watch::Sender<Option<Change>>,
}

/// What the meeting needs of the rest of the daemon.
pub(super) struct Meeting {
    pub(super) state_dir: PathBuf,
    pub(super) school: Uai,
    pub(super) settings: Settings,
    /// The interface of the line, whose counter shows who else uses it.
    pub(super) line_interface: Arc<str>,
    /// The category table that the configuration file names.
    pub(super) own_table: Option<PathBuf>,
    pub(super) resolver: Resolver,
    pub(super) clock: Clock,
    /// Makes a report of how the box is and how it stands with central.
    pub(super) report: Arc<dyn Fn(&Standing) -> Report + Send + Sync>,
    /// What the configuration was last read as: what is really in force.
    pub(super) reading: watch::Receiver<Reading>,
    /// What `preau status` shows, for a technician who asks from afar.
    pub(super) diagnose: Arc<dyn Fn() -> String + Send + Sync>,
    /// What technicians may have done here.
    pub(super) repairing: Repairing,
    /// The books that central has a say in.
    pub(super) books: Books,
    /// What the box is set up with.
    pub(super) setup: SetUp,
    /// The portal, whose certificate central may be the one to obtain.
    pub(super) portal: portal::Settings,
    /// What is counted, and the days that wait to be told.
    pub(super) counts: (Counts, Waiting),
    /// Counts up when the rules or the lists in force are to be read again.
    pub(super) taken: watch::Sender<u64>,
    pub(super) standing: watch::Sender<Standing>,
    /// Counts up when the box is otherwise than it was told.
    pub(super) changed: watch::Sender<u64>,
}

impl Meeting {
    /// Meets central whenever the box is enrolled, until the stop signal.
    pub(super) async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let path = in_force::central_dir(&self.state_dir).join("enrolment.json");
        loop {
            let written = changed_at(&path);
            let met = async {
                if written.is_none() {
                    return std::future::pending().await;
                }
                if let Err(cause) = self.meet(&stop).await {
                    warn!(cause = format!("{cause:#}"), "cannot meet central; it is tried again");
                    sleep(RETRY_AFTER).await;
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.until_otherwise(&path, written) => info!("the enrolment is another"),
                () = met => {}
            }
        }
    }

    /// Waits until the box is enrolled anew, or no more. A certificate that is renewed goes into the same file, and what
    /// runs goes on with it.
    async fn until_otherwise(&self, path: &Path, mut known: Option<SystemTime>) {
        // A key that is made at each enrolment and kept until the next.
        let enrolment = || Some(keeping::read(&self.state_dir).ok()??.sealing_key().to_owned());
        let of = known.and_then(|_| enrolment());
        loop {
            sleep(LOOK_EVERY).await;
            let written = changed_at(path);
            if written != known {
                known = written;
                if of.is_none() || enrolment() != of {
                    return;
                }
            }
        }
    }

    async fn meet(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let kept = keeping::read(&self.state_dir)?.context("the enrolment is gone")?;
        self.lay_root(&kept.root)?;
        let client = Client::new(&kept, self.clock.clone(), self.resolver.finder())?;
        let settings = ChannelSettings {
            state_dir: self.state_dir.clone(),
            school: self.school.clone(),
            repositories: kept.repositories.clone(),
            settings: self.settings.clone(),
        };
        let accounts = Accounts::open(&self.state_dir, &kept, &self.school, Arc::clone(&self.books.stage))?;
        let (kept_sender, kept_requests) = mpsc::unbounded_channel();
        let tunnels = Tunnels::open(self.state_dir.clone(), &kept, client.clone())?;
        self.books.tunnel_keys.send_replace(Some(tunnels.change()));
        let renewal = Renewal::new(self.state_dir.clone(), kept, client.clone(), self.clock.clone())?;
        let teller = Teller::new(client.clone(), self.counts.0.clone(), self.counts.1.clone());
        let hands = self.repairing.add_to(self.hands(kept_sender), client.central());
        let hands = changing(sending(renewing(hands, &renewal), &teller), &tunnels);
        let (back, returned) = watch::channel(0);
        let returns = Returns::new(returned);
        let line = Line::new(client.clone(), hands, self.clock.clone(), &self.state_dir)?
            .with_returns(returns.clone());
        let (told_time, line_interface) = (line.told_time(), Arc::clone(&self.line_interface));
        let line_bytes = Arc::new(move || links::received_bytes(&line_interface).ok());
        let http = Some(client.http());
        let channel = Channel::open(settings, http, self.check(), self.clock.clone(), line_bytes)?
            .with_told_time(move || told_time.borrow().map(ToldTime::now))
            .with_returns(returns);
        let clients = channel.clients();
        let lists = Lists::open(&self.state_dir);
        let (targets, content, view, tunnel) =
            (channel.targets(), channel.targets(), line.view(), line.tunnel());
        let following = self.follow(
            channel.in_force(),
            lists.in_force(),
            accounts.in_force(),
            line.state(),
            channel.waits(),
        );
        info!("the box is enrolled; it meets central");
        tokio::try_join!(
            channel.serve(view, stop.clone()),
            lists.serve(targets.clone(), stop.clone()),
            accounts.serve(targets, stop.clone()),
            shelves::follow(content, &self.books.supply, stop),
            line.serve(stop.clone()),
            renewal.serve(stop.clone()),
            tunnels.serve(tunnel, stop.clone()),
            self.setup.clone().serve(client.clone(), stop.clone()),
            self.obtain_certificate(&client, stop),
            teller.serve(stop.clone()),
            async {
                stop.run_until_cancelled(hand_on(client.renewals(), &clients)).await;
                Ok(())
            },
            async {
                following.await;
                Ok(())
            },
            async {
                stop.run_until_cancelled(follow_line(&self.resolver, &back)).await;
                Ok(())
            },
            self.follow_requests(kept_requests, stop),
            self.follow_findings(stop),
        )?;
        Ok(())
    }

    /// Writes the root of trust that the enrolment brought, where there is none yet.
    fn lay_root(&self, root: &str) -> anyhow::Result<()> {
        let path = in_force::central_dir(&self.state_dir).join("root.json");
        if path.exists() { Ok(()) } else { fs::write(path, root).context("cannot write the root of trust") }
    }

    /// Tells the rest of the box what came into force, and central that it did.
    async fn follow(
        &self,
        mut channel: watch::Receiver<InForce>,
        mut lists: watch::Receiver<ListsInForce>,
        mut accounts: watch::Receiver<AccountsInForce>,
        mut line: watch::Receiver<LineState>,
        mut waits: watch::Receiver<Option<Waits>>,
    ) {
        let mut reading = self.reading.clone();
        loop {
            let now = Standing {
                is_enrolled: true,
                channel: channel.borrow_and_update().clone(),
                lists: lists.borrow_and_update().clone(),
                accounts: accounts.borrow_and_update().clone(),
                line: line.borrow_and_update().clone(),
                waits: *waits.borrow_and_update(),
            };
            let before = self.standing.send_replace(now.clone());
            let is_taken =
                before.channel.policy != now.channel.policy || before.lists.number != now.lists.number;
            if is_taken {
                self.taken.send_modify(|count| *count += 1);
            }
            let is_read = reading.has_changed().unwrap_or(false);
            reading.mark_unchanged();
            let is_otherwise =
                before.channel != now.channel || before.lists != now.lists || before.accounts != now.accounts;
            if is_read || is_otherwise {
                self.changed.send_modify(|count| *count += 1);
            }
            let ended = tokio::select! {
                changed = reading.changed() => {
                    // Told in the next turn.
                    reading.mark_changed();
                    changed.is_err()
                }
                changed = channel.changed() => changed.is_err(),
                changed = lists.changed() => changed.is_err(),
                changed = accounts.changed() => changed.is_err(),
                changed = line.changed() => changed.is_err(),
                changed = waits.changed() => changed.is_err(),
            };
            if ended {
                return;
            }
        }
    }

    /// Has central obtain the portal's certificate, where it is to.
    async fn obtain_certificate(&self, client: &Client, stop: &CancellationToken) -> anyhow::Result<()> {
        let portal::Settings { name, certificate_path, key_path, certificate_from, .. } = self.portal.clone();
        if certificate_from == portal::CertificateFrom::Files {
            return Ok(());
        }
        let (client, clock) = (client.clone(), self.clock.clone());
        PortalRenewal { client, name, certificate_path, key_path, clock }.serve(stop.clone()).await
    }

    /// Tells central at once what is passed on and how a technician's session stands, and notes what it keeps, until the
    /// stop signal.
    async fn follow_requests(
        &self,
        mut kept: mpsc::UnboundedReceiver<Vec<PassedOn>>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut changes = self.books.requests.changes();
        let mut repair = self.repairing.repairs.standing();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Ok(()) = repair.changed() => self.changed.send_modify(|count| *count += 1),
                Some(told) = kept.recv() => self.books.requests.are_told(told).await?,
                Ok(()) = changes.changed() => {}
                else => return Ok(()),
            }
            if !self.books.requests.untold().await?.is_empty() {
                self.changed.send_modify(|count| *count += 1);
            }
        }
    }

    /// Tells central at once when something else is wrong than a moment ago, or nothing any more, until the stop signal.
    async fn follow_findings(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut last = None;
        while !stop.is_cancelled() {
            let Report { open, findings, .. } = (self.report)(&self.standing.borrow());
            let now = Some((open, findings));
            if last.is_some() && last != now {
                self.changed.send_modify(|count| *count += 1);
            }
            last = now;
            stop.run_until_cancelled(sleep(FINDINGS_EVERY)).await;
        }
        Ok(())
    }

    /// Asks the judge about a policy before it may be in force.
    fn check(&self) -> Check {
        let (state_dir, own_table) = (self.state_dir.clone(), self.own_table.clone());
        Arc::new(move |taken| {
            category_table(&state_dir, own_table.as_deref())
                .and_then(|table| read_policy(taken, table))
                .map(drop)
                .map_err(|fault| format!("{fault:#}"))
        })
    }

    fn hands(&self, kept: mpsc::UnboundedSender<Vec<PassedOn>>) -> Hands {
        let (report, standing) = (Arc::clone(&self.report), self.standing.subscribe());
        let asked = self.books.requests.clone();
        let able =
            Able { diagnose: Arc::clone(&self.diagnose), requests: asked.clone(), clock: self.clock.clone() };
        Hands {
            report: Arc::new(move || {
                let (report, asked) = (report(&standing.borrow()), asked.clone());
                Box::pin(async move {
                    let passed_on = asked.untold().await.unwrap_or_else(|cause| {
                        warn!(cause = format!("{cause:#}"), "cannot read what was passed on");
                        Vec::new()
                    });
                    Report { passed_on, ..report }
                })
            }),
            changed: self.changed.subscribe(),
            // Nobody listens only when the meeting is over; then it is told again.
            kept: Arc::new(move |told| drop(kept.send(told.to_vec()))),
            carry_out: Arc::new(move |order| {
                let able = able.clone();
                Box::pin(async move { able.carry_out(order).await })
            }),
        }
    }
}

/// What orders need to be carried out.
#[derive(Clone)]
struct Able {
    diagnose: Arc<dyn Fn() -> String + Send + Sync>,
    requests: Requests,
    clock: Clock,
}

impl Able {
    /// Does what central asks for.
    async fn carry_out(&self, order: Order) -> Done {
        let (well, text) = match order.what {
            What::Diagnose {} => (true, (self.diagnose)()),
            // The answer to the report that brought the order told the view as well.
            What::Fetch {} => (true, String::new()),
            What::AnswerRequest { request, site, granted, sentence } => {
                let settled = self.requests.settle(request, site, granted, &sentence, self.clock.now());
                match settled.await {
                    Ok(true) => (true, String::new()),
                    Ok(false) => (false, "the school keeps no such request any more".to_owned()),
                    Err(cause) => (false, format!("cannot keep the answer: {cause:#}")),
                }
            }
            // Not done here, see `renewing`, `sending`, `changing` and `repairing`.
            What::RenewCertificate {}
            | What::SendCounts {}
            | What::ChangeTunnelKey {}
            | What::OpenRepair { .. }
            | What::EndRepair { .. }
            | What::Repair { .. } => (false, "this is done elsewhere".to_owned()),
        };
        Done { order: order.number, well, text }
    }
}

/// When the file was last changed; none where there is none.
fn changed_at(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The hands, which renew the certificate as well when central orders it.
fn renewing(hands: Hands, renewal: &Renewal) -> Hands {
    let (renew, carry_out) = (Arc::new(renewal.on_order()), hands.carry_out);
    Hands {
        carry_out: Arc::new(move |order| {
            if !matches!(order.what, What::RenewCertificate {}) {
                return carry_out(order);
            }
            let renew = Arc::clone(&renew);
            Box::pin(async move {
                let well = renew(RENEWAL_WAIT).await;
                let text = if well { "" } else { "the certificate could not be renewed; it is tried again" };
                Done { order: order.number, well, text: text.to_owned() }
            })
        }),
        ..hands
    }
}

/// Counts up in `back` whenever the line is back, as far as the resolver can tell.
async fn follow_line(resolver: &Resolver, back: &watch::Sender<u64>) {
    let mut was_down = resolver.line().is_down();
    loop {
        sleep(LINE_EVERY).await;
        let is_down = resolver.line().is_down();
        if was_down && !is_down {
            back.send_modify(|count| *count += 1);
        }
        was_down = is_down;
    }
}

/// The hands, which tell the counts of the day so far as well when central orders it.
fn sending(hands: Hands, teller: &Teller) -> Hands {
    let (teller, carry_out) = (teller.clone(), hands.carry_out);
    Hands {
        carry_out: Arc::new(move |order| {
            if !matches!(order.what, What::SendCounts {}) {
                return carry_out(order);
            }
            let teller = teller.clone();
            Box::pin(async move {
                let (well, text) = match teller.tell_so_far().await {
                    Ok(()) => (true, String::new()),
                    Err(cause) => (false, format!("{:#}", anyhow::Error::new(cause))),
                };
                Done { order: order.number, well, text }
            })
        }),
        ..hands
    }
}

/// The hands, which have another key for the tunnel accepted as well when central orders it.
fn changing(hands: Hands, tunnels: &Tunnels) -> Hands {
    let (change, carry_out) = (Arc::new(tunnels.on_order()), hands.carry_out);
    Hands {
        carry_out: Arc::new(move |order| {
            if !matches!(order.what, What::ChangeTunnelKey {}) {
                return carry_out(order);
            }
            let change = Arc::clone(&change);
            Box::pin(async move {
                let well = change(RENEWAL_WAIT).await;
                let text = if well { "" } else { "no other key was accepted; it is tried again" };
                Done { order: order.number, well, text: text.to_owned() }
            })
        }),
        ..hands
    }
}

/// Gives the channel the client with the box's next certificate at each renewal, for as long as there are any.
async fn hand_on(
    mut renewals: watch::Receiver<reqwest::Client>,
    clients: &watch::Sender<Option<reqwest::Client>>,
) {
    while renewals.changed().await.is_ok() {
        clients.send_replace(Some(renewals.borrow_and_update().clone()));
    }
}
