//! The one road of every question: who is it, may it, written down, and only then acted on.
//!
//! DNS, the proxy and the portal all ask here and nowhere else. [`Gate::decide`] finds who asks and lets the judge
//! decide; the verdict stays sealed in a [`Decided`] until [`Gate::record`] has handed it to the journal. If the journal
//! cannot take it, the answer is a refusal whatever the judge said: the failing path is closed.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::watch;

use super::places::Client;
use crate::{
    counts::{Asked, Counts},
    identity::{Asker, Identity},
    journal::{Channel, DecisionRecord, Journal, Outcome, Pseudonym},
    model::{Moment, Presence, Site, UrlPath, Zone},
    policy::{Evasion, Permit, Policy, Question, Verdict},
    system::clock::Clock,
};

/// What somebody asks of the gate.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The source address of the packet.
    pub source: IpAddr,
    /// The zone it came in by.
    pub zone: Arc<Zone>,
    /// The site asked for.
    pub site: Site,
    /// The path and query asked for, where they can be seen: in plain HTTP.
    pub path: Option<UrlPath>,
    /// How it is asked.
    pub channel: Channel,
}

/// A decision that is made but not yet written down; [`Gate::record`] opens it.
#[must_use]
#[derive(Debug)]
pub struct Decided {
    news: Option<Presence>,
    record: DecisionRecord,
    asked: Asked,
    verdict: Verdict,
    is_of_stranger: bool,
}

impl Decided {
    /// Whether it refuses a machine of which the kernel has not said a word yet: it may be decided otherwise in a moment,
    /// see [`Gate::hear_of`].
    #[must_use]
    pub const fn refuses_a_stranger(&self) -> bool {
        self.is_of_stranger && matches!(self.verdict, Verdict::Refuse(_))
    }
}

/// Questions that came together: decided at one moment, so that the clock is read once, and each asker looked for once.
/// It must not outlive them: who is behind an address may change.
#[derive(Debug)]
pub struct Round {
    at: Moment,
    last: Option<Known>,
}

/// Whoever asked last in a round.
#[derive(Debug)]
struct Known {
    source: IpAddr,
    zone: Arc<Zone>,
    asker: Asker,
    pseudonym: Pseudonym,
    asked: Asked,
}

/// The gate. Cloning is cheap; all clones are one gate.
#[derive(Clone, Debug)]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    identity: Identity,
    policy: watch::Receiver<Arc<Policy>>,
    journal: Journal,
    counts: Counts,
    clock: Clock,
}

impl Gate {
    /// A gate that asks `identity` who, `policy` whether, writes to `journal` and has `counts` count.
    #[must_use]
    pub fn new(
        identity: Identity,
        policy: watch::Receiver<Arc<Policy>>,
        journal: Journal,
        counts: Counts,
        clock: Clock,
    ) -> Self {
        Self { shared: Arc::new(Shared { identity, policy, journal, counts, clock }) }
    }

    /// Asks one question, and answers once the decision is written down.
    pub async fn ask(&self, asking: Asking) -> Verdict {
        let mut verdicts = self.record(vec![self.decide(asking)]).await;
        verdicts.pop().expect("record answers each decision it is given")
    }

    /// As [`Gate::ask`] for one who was seen to use the site as a way round the filter: the answer is a refusal.
    pub async fn ask_against(&self, asking: Asking, evasion: Evasion) -> Verdict {
        let mut verdicts = self.record(vec![self.decide_against(asking, evasion)]).await;
        verdicts.pop().expect("record answers each decision it is given")
    }

    /// Finds who asks and decides, without acting: the answer is inside until it is recorded.
    pub fn decide(&self, asking: Asking) -> Decided {
        self.decide_in(&mut self.round(), asking)
    }

    /// As [`Gate::decide`] for one who was seen to use the site as a way round the filter: it is refused.
    pub fn decide_against(&self, asking: Asking, evasion: Evasion) -> Decided {
        self.decide_with(&mut self.round(), asking, |verdict| verdict.unless_used_for(evasion))
    }

    /// Begins a round of questions that are decided at one moment.
    #[must_use]
    pub fn round(&self) -> Round {
        Round { at: self.shared.clock.now(), last: None }
    }

    /// Decides as [`Gate::decide`] does, at the moment of `round`; who is behind an address is found out once for
    /// questions that follow each other.
    pub fn decide_in(&self, round: &mut Round, asking: Asking) -> Decided {
        self.decide_with(round, asking, |verdict| verdict)
    }

    fn decide_with(
        &self,
        round: &mut Round,
        asking: Asking,
        weigh: impl FnOnce(Verdict) -> Verdict,
    ) -> Decided {
        let at = round.at;
        let is_same = |known: &Known| known.source == asking.source && Arc::ptr_eq(&known.zone, &asking.zone);
        let known = round.last.take().filter(is_same).unwrap_or_else(|| {
            let asker = self.shared.identity.who(&asking.zone, asking.source);
            self.shared.identity.learn_zone(&asking.zone, &asker);
            let pseudonym = self.shared.journal.pseudonym(&asker.subject, asker.machine, at);
            let asked =
                self.shared.counts.asked(asking.zone.kind, &asker.subject, asker.machine, asking.source);
            Known { source: asking.source, zone: Arc::clone(&asking.zone), asker, pseudonym, asked }
        });
        let known = round.last.insert(known);
        let judged = self.judge_at(at, &known.asker, &asking.zone, &asking.site, asking.path.as_ref());
        let verdict = weigh(judged);
        let record = DecisionRecord {
            at,
            zone: asking.zone.name.clone(),
            who: known.pseudonym,
            channel: asking.channel,
            site: asking.site,
            outcome: Outcome::from(&verdict),
        };
        // Told with the first question alone.
        Decided {
            news: known.asker.news.take(),
            record,
            asked: known.asked,
            verdict,
            is_of_stranger: known.asker.machine.is_none(),
        }
    }

    /// Writes decisions down in one batch and answers each of them, in order.
    pub async fn record(&self, decided: Vec<Decided>) -> Vec<Verdict> {
        let mut news = Vec::new();
        let mut records = Vec::with_capacity(decided.len());
        let mut verdicts = Vec::with_capacity(decided.len());
        let mut askers = Vec::with_capacity(decided.len());
        for one in decided {
            news.extend(one.news);
            askers.push((one.record.at, one.asked));
            records.push(one.record);
            verdicts.push(one.verdict);
        }
        let verdicts = match self.shared.journal.record(news.clone(), records).await {
            Ok(()) => {
                news.iter().for_each(|presence| self.shared.identity.seen(presence));
                verdicts
            }
            // Closed: what is not written down does not happen.
            Err(_) => verdicts.into_iter().map(Verdict::not_recorded).collect::<Vec<_>>(),
        };
        let answered = askers.iter().zip(&verdicts);
        self.shared.counts.count(answered.map(|((at, asked), verdict)| (*at, asked, verdict)));
        verdicts
    }

    /// Waits, at most a second, until it is known which machine is behind `source`: see [`Identity::hear_of`].
    pub async fn hear_of(&self, source: IpAddr) {
        self.shared.identity.hear_of(source).await;
    }

    /// Whose places `source` takes.
    #[must_use]
    pub fn client_at(&self, source: IpAddr) -> Client {
        self.shared.identity.machine_of(source).map_or(Client::Address(source), Client::Machine)
    }

    /// Whether the one at `source` would still be given `permit`. Asked again for live connections whenever rules,
    /// sessions or the timetable change; nothing is recorded, for nothing begins.
    #[must_use]
    pub fn still_allows(&self, source: IpAddr, zone: &Zone, permit: &Permit) -> bool {
        let asker = self.shared.identity.who(zone, source);
        let same = match self.judge(&asker, zone, permit.site(), permit.path()) {
            // A search mode that begins or ends is another way to the same site.
            Verdict::Allow(again) => again.served_as() == permit.served_as(),
            Verdict::Refuse(_) => false,
        };
        let allows = |site| matches!(self.judge(&asker, zone, site, None), Verdict::Allow(_));
        same && permit.sites().skip(1).all(allows)
    }

    /// Whether the one at `source` would be given a permit for `site`. Nothing is recorded and nothing may act on it:
    /// for what begins there is [`Gate::ask`].
    #[must_use]
    pub fn would_allow(&self, source: IpAddr, zone: &Zone, site: &Site) -> bool {
        let asker = self.shared.identity.who(zone, source);
        matches!(self.judge(&asker, zone, site, None), Verdict::Allow(_))
    }

    /// Whether rules write pages of `site`: then what the judge says of its name is not all.
    #[must_use]
    pub fn judges_pages_of(&self, site: &Site) -> bool {
        self.shared.policy.borrow().judges_pages_of(site)
    }

    fn judge(&self, asker: &Asker, zone: &Zone, site: &Site, path: Option<&UrlPath>) -> Verdict {
        self.judge_at(self.shared.clock.now(), asker, zone, site, path)
    }

    fn judge_at(
        &self,
        at: Moment,
        asker: &Asker,
        zone: &Zone,
        site: &Site,
        path: Option<&UrlPath>,
    ) -> Verdict {
        let question = Question {
            subject: &asker.subject,
            machine: asker.machine,
            zone,
            site,
            path,
            at,
            clock: self.shared.clock.trust(),
        };
        self.shared.policy.borrow().judge(&question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::test_school::{School, address, begin, machine, zone},
        journal,
    };

    #[tokio::test]
    async fn a_refusal_is_put_off_for_a_machine_the_kernel_has_not_named_and_for_no_other() {
        let school = School::new();
        let identity = school.open();
        let dir = tempfile::tempdir().unwrap();
        let settings = journal::Settings { dir: dir.path().to_owned() };
        let (journal, _writer) = Journal::open(&settings, school.clock.clone()).unwrap();
        let rules = watch::channel(Arc::new(Policy::new(Vec::new(), None).unwrap())).1;
        let gate = Gate::new(identity.clone(), rules, journal, Counts::for_tests(), school.clock.clone());
        let zone = Arc::new(zone("cdi", 10));
        let decide = |number| {
            gate.decide(Asking {
                source: address(number),
                zone: zone.clone(),
                site: "exemple.fr".parse().unwrap(),
                path: None,
                channel: Channel::Dns,
            })
        };
        let unknown = 77;
        assert!(decide(unknown).refuses_a_stranger());
        identity.learn_neighbour(address(unknown), Some(machine(unknown)));
        assert!(!decide(unknown).refuses_a_stranger(), "it has to sign in, whatever is waited for");
        begin(&identity, "camille", "cerise", 1).await;
        assert!(!decide(1).refuses_a_stranger());
    }
}
