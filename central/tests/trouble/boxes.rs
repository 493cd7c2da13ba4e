//! A box: enrolled, on the live line, with the signed channel; only the school around it is missing.

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use preau::{
    model::Uai,
    protocol::{
        Token,
        line::{Done, InForce, PassedOn, Report},
    },
    sync::{
        EnrolError, Enrolment, Replace, Settings,
        channel::{Channel, ChannelSettings},
        client::{Client, Resolve},
        enrol, keeping,
        line::{Hands, Line, LineState},
    },
    system::clock::Clock,
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// A box that runs. Dropped, it is cut off.
pub(crate) struct School {
    pub(crate) uai: Uai,
    pub(crate) in_force: watch::Receiver<InForce>,
    line: watch::Receiver<LineState>,
    told: Arc<Told>,
    changed: watch::Sender<u64>,
    _running: JoinSet<anyhow::Result<()>>,
}

/// What the box carried out, and what it passes on.
#[derive(Default)]
struct Told {
    orders: Mutex<Vec<u64>>,
    waiting: Mutex<Vec<PassedOn>>,
    kept: Mutex<Vec<u64>>,
}

impl School {
    /// Starts the box whose enrolment lies in `state_dir`. It looks for central at `addresses`, in this order.
    pub(crate) fn start(state_dir: &Path, addresses: &[IpAddr]) -> Self {
        let clock = Clock::of_the_machine();
        let kept = keeping::read(state_dir).unwrap().unwrap();
        let client = Client::new(&kept, clock.clone(), resolve(addresses)).unwrap();
        let settings = ChannelSettings {
            state_dir: state_dir.to_owned(),
            school: kept.school.clone(),
            repositories: kept.repositories.clone(),
            settings: Settings { media_dir: state_dir.join("media"), ..Settings::default() },
        };
        let channel = Channel::open(
            settings,
            Some(client.http()),
            Arc::new(|_| Ok(())),
            clock.clone(),
            Arc::new(|| None),
        )
        .unwrap();
        let (in_force, told) = (channel.in_force(), Arc::new(Told::default()));
        let changed = watch::Sender::new(0);
        let hands = hands(&told, in_force.clone(), &changed);
        let line = Line::new(client, hands, clock, state_dir).unwrap();
        let (view, state) = (line.view(), line.state());
        let mut running = JoinSet::new();
        running.spawn(channel.serve(view, CancellationToken::new()));
        running.spawn(line.serve(CancellationToken::new()));
        running.spawn(follow(in_force.clone(), changed.clone()));
        Self { uai: kept.school.clone(), in_force, line: state, told, changed, _running: running }
    }

    /// Passes on that site number `number` should be opened.
    pub(crate) fn pass_on(&self, number: u64) {
        let (site, wish) = (site(&self.uai, number), "open".to_owned());
        let passed_on = PassedOn { number, site, wish, askers: 1, ..PassedOn::default() };
        self.told.waiting.lock().unwrap().push(passed_on);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The requests that central confirmed.
    pub(crate) fn confirmed(&self) -> Vec<u64> {
        self.told.kept.lock().unwrap().clone()
    }

    /// The orders that were carried out, each as often as it was.
    pub(crate) fn carried_out(&self) -> Vec<u64> {
        self.told.orders.lock().unwrap().clone()
    }

    /// How it is, for whoever reads why a test failed.
    pub(crate) fn state(&self) -> String {
        let (line, in_force) = (self.line.borrow().clone(), self.in_force.borrow().clone());
        format!("{}: reached {} ({}), {in_force:?}", self.uai.as_str(), line.reached, line.trouble)
    }

    /// The number of the rules in force.
    pub(crate) fn policy(&self) -> u64 {
        self.in_force.borrow().policy
    }
}

/// The site that request `number` of a school is about.
pub(crate) fn site(school: &Uai, number: u64) -> String {
    format!("s{number}.{}.example", school.as_str().to_lowercase())
}

/// Makes a machine with its state in `state_dir` the box of the token's school.
pub(crate) async fn become_box(
    token: &Token,
    state_dir: &Path,
    addresses: &[IpAddr],
) -> Result<(), EnrolError> {
    std::fs::create_dir_all(state_dir).unwrap();
    let enrolment = Enrolment { token, configured: None, state_dir, replace: Replace::Nothing };
    enrol(&enrolment, Clock::of_the_machine(), resolve(addresses), |_| {}).await.map(drop)
}

fn resolve(addresses: &[IpAddr]) -> Resolve {
    let addresses = addresses.to_vec();
    Arc::new(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    })
}

fn hands(told: &Arc<Told>, in_force: watch::Receiver<InForce>, changed: &watch::Sender<u64>) -> Hands {
    let (asked, kept, carried_out) = (Arc::clone(told), Arc::clone(told), Arc::clone(told));
    Hands {
        report: Arc::new(move || {
            let (in_force, passed_on) = (in_force.borrow().clone(), asked.waiting.lock().unwrap().clone());
            let report = Report { open: true, clock_trusted: true, in_force, passed_on, ..Report::default() };
            Box::pin(async move { report })
        }),
        changed: changed.subscribe(),
        kept: Arc::new(move |confirmed| {
            let numbers: Vec<u64> = confirmed.iter().map(|passed_on| passed_on.number).collect();
            kept.waiting.lock().unwrap().retain(|waiting| !numbers.contains(&waiting.number));
            kept.kept.lock().unwrap().extend(numbers);
        }),
        carry_out: Arc::new(move |order| {
            carried_out.orders.lock().unwrap().push(order.number);
            Box::pin(async move { Done { order: order.number, well: true, text: "fait".into() } })
        }),
    }
}

/// Has the line tell what came into force.
async fn follow(mut in_force: watch::Receiver<InForce>, changed: watch::Sender<u64>) -> anyhow::Result<()> {
    while in_force.changed().await.is_ok() {
        changed.send_modify(|count| *count += 1);
    }
    Ok(())
}
