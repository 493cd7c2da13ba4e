//! What technicians of the académie have done at the box: a closed list of acts, each only in a session that is open.
//!
//! There is no shell here and no order that runs a command or reads a file. What an act tells is about the machine.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use url::Url;

use super::tunnel::Wanted;
use crate::{
    admin::{RepairRefusal, RepairWanted, Repairs},
    enforce::dns::{LineStanding, Resolver},
    model::{Domain, Moment},
    protocol::{
        line::{Done, Order, What},
        repair::RepairAct,
    },
    sync::line::Hands,
    system::{links::Links, log},
    vpn,
};

/// How long an act may take before it is told that it failed: the packet filter and the tunnel answer in a moment.
const ACT_WAIT: Duration = Duration::from_secs(30);

/// How long it is waited for the tunnel to be up again before it is told how it stands.
const UP_WAIT: Duration = Duration::from_secs(15);

/// What technicians' acts need of the box.
#[derive(Clone, Debug)]
pub(super) struct Repairing {
    pub(super) repairs: Repairs,
    pub(super) resolver: Resolver,
    pub(super) line_interface: Arc<str>,
    pub(super) tunnel: watch::Receiver<Option<vpn::Standing>>,
    /// Where the packet filter and the tunnel are asked, whose one writer is the tunnel's service.
    pub(super) wanted: mpsc::Sender<Wanted>,
}

impl Repairing {
    /// The hands, which open and end technicians' sessions and do what is wanted in them as well; `central` is where central is.
    pub(super) fn add_to(&self, hands: Hands, central: &Url) -> Hands {
        let (repairing, carry_out) = (self.clone(), hands.carry_out);
        let central = central.host_str().map(str::to_owned);
        Hands {
            carry_out: Arc::new(move |order| match &order.what {
                What::OpenRepair { .. } | What::EndRepair { .. } | What::Repair { .. } => {
                    let (repairing, central) = (repairing.clone(), central.clone());
                    Box::pin(async move { repairing.carry_out(order, central.as_deref()).await })
                }
                _ => carry_out(order),
            }),
            ..hands
        }
    }

    async fn carry_out(&self, order: Order, central: Option<&str>) -> Done {
        let said = match order.what {
            What::OpenRepair { session, by, reason, minutes } => {
                let ends = Moment::from_unix_seconds(order.expires);
                self.repairs
                    .begin(RepairWanted { session, by, reason, minutes, ends })
                    .await
                    .map(|()| (true, String::new()))
            }
            What::EndRepair { session } => self.repairs.end(session).await.map(|was_open| match was_open {
                true => (true, String::new()),
                false => (true, "it was over before".to_owned()),
            }),
            What::Repair { session, act } => self.act(session, act, central).await,
            _ => Ok((false, "this is no act of repair".to_owned())),
        };
        let (well, text) = said.unwrap_or_else(|refusal| (false, refusal.to_string()));
        Done { order: order.number, well, text }
    }

    /// Does `act` where `session` is open, and notes it for the school before and after.
    async fn act(
        &self,
        session: u64,
        act: RepairAct,
        central: Option<&str>,
    ) -> Result<(bool, String), RepairRefusal> {
        let number = self.repairs.begin_act(session, act).await?;
        let doing = async {
            match act {
                RepairAct::Log => Ok(log::recent().join("\n")),
                RepairAct::Line => Ok(self.line(central).await),
                RepairAct::Rules => self.ask(Wanted::Rules).await,
                RepairAct::Tunnel => self.raise_anew().await,
            }
        };
        let done = timeout(ACT_WAIT, doing).await.unwrap_or_else(|_| Err("it took too long".to_owned()));
        self.repairs.finish_act(number, done.is_ok()).await;
        Ok(match done {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        })
    }

    /// How far the line reaches, from the cable outwards, a step a line.
    async fn line(&self, central: Option<&str>) -> String {
        let mut steps = Vec::new();
        match self.interface().await {
            Ok(said) => steps.push(said),
            Err(cause) => steps.push(format!("interface  cannot be looked at: {cause:#}")),
        }
        steps.push(match self.resolver.line() {
            LineStanding::Up => "resolvers  a resolver of the line answers".to_owned(),
            LineStanding::Down { lasting } => {
                format!("resolvers  NONE ANSWERS for {} s", lasting.as_secs())
            }
        });
        let name = central.and_then(|name| name.parse::<Domain>().ok());
        steps.push(match name {
            // An address instead of a name.
            None => "name       central is reached without a name".to_owned(),
            Some(name) => match self.resolver.addresses_for_box(&name).await {
                Ok(addresses) => format!("name       central's name has {} addresses", addresses.len()),
                Err(cause) => format!("name       CENTRAL'S NAME CANNOT BE RESOLVED: {cause}"),
            },
        });
        steps.push("central    answers: this order came from there".to_owned());
        steps.push(format!("tunnel     {}", self.told_tunnel()));
        steps.join("\n")
    }

    async fn interface(&self) -> anyhow::Result<String> {
        let links = Links::open()?;
        Ok(match links.find(&self.line_interface).await? {
            None => "interface  THE LINE'S INTERFACE IS MISSING".to_owned(),
            Some(link) if !link.has_signal => {
                "interface  NO SIGNAL: the cable or the provider's box".to_owned()
            }
            Some(_) => "interface  has signal".to_owned(),
        })
    }

    fn told_tunnel(&self) -> String {
        match self.tunnel.borrow().as_ref() {
            None => "this box has none".to_owned(),
            Some(standing) if standing.up => format!("up, concentrator {}", standing.concentrator),
            Some(standing) => {
                let why =
                    standing.trouble.map_or_else(|| "it is being raised".to_owned(), |why| why.to_string());
                format!("DOWN: {why} (concentrator {}, {} attempts)", standing.concentrator, standing.tried)
            }
        }
    }

    async fn raise_anew(&self) -> Result<String, String> {
        let said = self.ask(Wanted::Anew).await?;
        let mut tunnel = self.tunnel.clone();
        // What stood before is not what is waited for.
        tunnel.mark_unchanged();
        let up = async {
            while tunnel.changed().await.is_ok() {
                if tunnel.borrow_and_update().as_ref().is_some_and(|standing| standing.up) {
                    return;
                }
            }
        };
        let _ = timeout(UP_WAIT, up).await;
        Ok(format!("{said}\n{}", self.told_tunnel()))
    }

    /// Asks the tunnel's service, which writes the packet filter as well.
    async fn ask(
        &self,
        wanted: impl FnOnce(oneshot::Sender<Result<String, String>>) -> Wanted,
    ) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        self.wanted.send(wanted(answer)).await.map_err(|_| "the daemon is stopping".to_owned())?;
        answered.await.unwrap_or_else(|_| Err("the tunnel's service was busy with something else".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;
    use crate::admin::Office;

    /// A box whose packet filter answers as `rules` says, and that has no tunnel.
    fn at_work(office: &Office, rules: Result<&'static str, &'static str>) -> (Repairing, JoinSet<()>) {
        let (wanted, mut asked) = mpsc::channel(1);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            while let Some(wanted) = asked.recv().await {
                let said = match &wanted {
                    Wanted::Rules(_) => rules.map(str::to_owned).map_err(str::to_owned),
                    Wanted::Anew(_) => Err("this box has no tunnel".to_owned()),
                };
                let (Wanted::Rules(answer) | Wanted::Anew(answer)) = wanted;
                answer.send(said).unwrap();
            }
        });
        let repairing = Repairing {
            repairs: Repairs::open(office.store()).unwrap(),
            resolver: Resolver::of_line(Vec::new()),
            line_interface: Arc::from("preau-none"),
            tunnel: watch::channel(None).1,
            wanted,
        };
        (repairing, serving)
    }

    fn order(office: &Office, number: u64, what: What) -> Order {
        let expires = office.now() + Duration::from_secs(900);
        Order { number, expires: expires.unix_seconds(), what }
    }

    fn open(session: u64) -> What {
        What::OpenRepair { session, by: "Camille".into(), reason: "Panne".into(), minutes: 15 }
    }

    #[tokio::test]
    async fn acts_are_done_in_the_session_that_is_open_and_told_to_the_school() {
        let office = Office::new();
        let (repairing, _serving) = at_work(&office, Err("it could not be loaded"));
        let carry = async |number, what| repairing.carry_out(order(&office, number, what), None).await;
        let act = |session, act| What::Repair { session, act };
        let refused = carry(1, act(7, RepairAct::Log)).await;
        assert!(!refused.well && refused.text.contains("no session"), "{refused:?}");
        assert!(carry(2, open(7)).await.well);
        let line = carry(3, act(7, RepairAct::Line)).await;
        assert!(line.well && line.text.contains("INTERFACE IS MISSING"), "{line:?}");
        assert!(line.text.contains("this box has none"), "{line:?}");
        let rules = carry(4, act(7, RepairAct::Rules)).await;
        assert_eq!((rules.order, rules.well, rules.text.as_str()), (4, false, "it could not be loaded"));
        assert!(!carry(5, act(7, RepairAct::Tunnel)).await.well);
        assert!(!carry(6, act(8, RepairAct::Log)).await.well, "another session's");
        assert!(carry(7, What::EndRepair { session: 7 }).await.well);
        assert!(!carry(8, act(7, RepairAct::Log)).await.well);
        let sessions = repairing.repairs.sessions().await.unwrap();
        let done: Vec<_> = sessions[0].acts.iter().map(|done| (done.act, done.well)).collect();
        let expected = [
            (RepairAct::Line, Some(true)),
            (RepairAct::Rules, Some(false)),
            (RepairAct::Tunnel, Some(false)),
        ];
        assert_eq!(done, expected, "what was refused for want of a session is not among them");
    }

    #[tokio::test]
    async fn an_order_of_another_kind_goes_to_the_hands_before() {
        let office = Office::new();
        let (repairing, _serving) = at_work(&office, Ok("as meant"));
        let hands = Hands {
            report: Arc::new(|| Box::pin(async { crate::protocol::line::Report::default() })),
            changed: watch::channel(0).1,
            kept: Arc::new(|_| {}),
            carry_out: Arc::new(|order| {
                Box::pin(async move { Done { order: order.number, well: true, text: "theirs".into() } })
            }),
        };
        let hands = repairing.add_to(hands, &"https://central.example".parse().unwrap());
        assert_eq!((hands.carry_out)(order(&office, 1, What::Fetch {})).await.text, "theirs");
        assert_eq!((hands.carry_out)(order(&office, 2, open(3))).await.text, "");
        let what = What::Repair { session: 3, act: RepairAct::Rules };
        assert_eq!((hands.carry_out)(order(&office, 3, what)).await.text, "as meant");
    }
}
