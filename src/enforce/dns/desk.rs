//! The road of a question: special names, the gate, cache or upstream, the gate again for each name of the chain.
//!
//! Steps that decide are plain functions; those that wait are in [`Desk::answer`] for one question, and in `udp` for
//! many that are answered together.

use std::{net::IpAddr, sync::Arc, time::Duration};

use domain::base::iana::{ExtendedErrorCode, OptRcode, Rcode, Rtype};
use tokio::time::timeout;

use super::{
    budget::Passage,
    limits::STALE_TTL_SECONDS,
    name::Judged,
    offline,
    query::{Carrier, Query},
    refusal,
    reply::{self, Age, Explanation, FORGED},
    resolver::{Found, NoAnswer, Resolver},
    special::Special,
    substitute::{self, Substitute},
    tunnels::Tunnels,
};
use crate::{
    enforce::{
        firewall::Opened,
        gate::{Asking, Decided, Gate, Round},
    },
    journal::Channel,
    model::{Domain, Site, TunnelAccess, Zone},
    policy::{Evasion, Permit, Verdict},
};

/// Seconds that the box's own names may be kept.
const OWN_TTL_SECONDS: u32 = 60;

/// Seconds that the box's address may be kept for a site that the box fronts.
const FRONTED_TTL_SECONDS: u32 = 60;

/// Seconds that the absence of a special name may be kept.
const SPECIAL_TTL_SECONDS: u32 = 300;

/// How long a question waits for the kernel's word of a machine: what asks is answered by then, as nobody's if need be, before
/// it asks again.
const WORD_WAIT_MAX: Duration = Duration::from_millis(300);

/// Seconds that a site's other name may be kept at most: a change of person or hour is felt soon.
const SUBSTITUTE_TTL_SECONDS_MAX: u32 = 60;
/// Seconds that the answer to a question for every type may be kept (RFC 8482 section 4.2 asks for long).
const MINIMAL_TTL_SECONDS: u32 = 3600;

/// Where questions of all zones are answered.
#[derive(Debug)]
pub(super) struct Desk {
    /// Decides and writes down.
    pub(super) gate: Gate,
    /// Answers what was allowed.
    pub(super) resolver: Resolver,
    /// Told of the addresses given.
    pub(super) opened: Opened,
    /// Holds back whoever carries data in names.
    pub(super) tunnels: Tunnels,
}

/// Who asks, and through which door.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The source address.
    pub(super) client: IpAddr,
    /// The zone of the socket.
    pub(super) zone: Arc<Zone>,
    /// How the question came.
    pub(super) carrier: Carrier,
}

/// What a question comes to before the gate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It is answered; nothing is reached by it.
    Answered,
    /// The gate must be asked for this name.
    Ask(Domain),
}

impl Desk {
    /// A desk where nobody is held.
    pub(super) fn new(gate: Gate, resolver: Resolver, opened: Opened) -> Self {
        Self { gate, resolver, opened, tunnels: Tunnels::default() }
    }

    /// Answers what has one answer for everybody, or says what to ask the gate.
    pub(super) fn open(&self, query: &Query<'_>, zone: &Zone, out: &mut Vec<u8>) -> Opening {
        if let Some(fault) = query.fault() {
            reply::error(out, query, fault, None);
            return Opening::Answered;
        }
        let Some(Judged { name, whole }) = Judged::read(query.name.iter()) else {
            let text = "nom impossible à juger";
            let explanation = Explanation { code: ExtendedErrorCode::NOT_SUPPORTED, text };
            reply::error(out, query, OptRcode::REFUSED, Some(explanation));
            return Opening::Answered;
        };
        if query.rtype == Rtype::ANY {
            reply::minimal(out, query, MINIMAL_TTL_SECONDS);
            return Opening::Answered;
        }
        match self.resolver.special().find(&name) {
            Some(Special::Own) if whole => refusal::towards_box(out, query, zone, OWN_TTL_SECONDS, None),
            Some(Special::Local(address)) if whole => {
                refusal::towards_machine(out, query, zone, address, OWN_TTL_SECONDS);
            }
            Some(Special::Missing) => reply::nothing(out, query, Rcode::NXDOMAIN, SPECIAL_TTL_SECONDS, None),
            Some(Special::Empty) => reply::nothing(out, query, Rcode::NOERROR, SPECIAL_TTL_SECONDS, None),
            Some(Special::Own | Special::Local(_)) => return Opening::Ask(name),
            None if zone.tunnel == TunnelAccess::None && self.resolver.is_of_academie(&name) => {
                reply::nothing(out, query, Rcode::NXDOMAIN, SPECIAL_TTL_SECONDS, None);
            }
            None => return Opening::Ask(name),
        }
        Opening::Answered
    }

    /// Decides whether `peer` may reach `name`.
    pub(super) fn decide(&self, peer: &Peer, name: Domain) -> Decided {
        self.decide_in(&mut self.gate.round(), peer, name)
    }

    /// Decides whether `peer` may reach `name`, together with others in one round.
    pub(super) fn decide_in(&self, round: &mut Round, peer: &Peer, name: Domain) -> Decided {
        self.gate.decide_in(round, asking(peer, Site::Name(name)))
    }

    /// Takes the whole road for one question. `out` is the answer.
    pub(super) async fn answer(&self, query: &Query<'_>, peer: &Peer, out: &mut Vec<u8>) {
        let Opening::Ask(name) = self.open(query, &peer.zone, out) else {
            return;
        };
        let mut decided = self.decide(peer, name.clone());
        if decided.refuses_a_stranger() {
            self.hear_of(peer).await;
            decided = self.decide(peer, name);
        }
        self.answer_decided(query, peer, decided, out).await;
    }

    /// Waits a moment until the kernel has said which machine `peer` is: on a busy box a question can be quicker. A machine
    /// that stays unknown is nobody to the judge.
    pub(super) async fn hear_of(&self, peer: &Peer) {
        let _ = timeout(WORD_WAIT_MAX, self.gate.hear_of(peer.client)).await;
    }

    /// Takes the rest of the road for a question that is decided.
    pub(super) async fn answer_decided(
        &self,
        query: &Query<'_>,
        peer: &Peer,
        decided: Decided,
        out: &mut Vec<u8>,
    ) {
        let verdict = self.gate.record(vec![decided]).await.pop();
        match verdict {
            Some(Verdict::Allow(permit)) => self.fetch(query, peer, &permit, out).await,
            Some(Verdict::Refuse(refusal)) => refusal::refused(out, query, &refusal, &peer.zone),
            // Closed: a gate that does not answer allows nothing.
            None => reply::error(out, query, OptRcode::SERVFAIL, None),
        }
    }

    /// Answers an allowed question for which nothing needs to be looked up. Says whether it was one.
    pub(super) fn answer_unasked(
        &self,
        query: &Query<'_>,
        permit: &Permit,
        zone: &Zone,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.resolver.fronts(permit.site()) {
            // Before the line is looked at: these names are there when the line is not.
            refusal::towards_box(out, query, zone, FRONTED_TTL_SECONDS, None);
            return true;
        }
        if offline::answer(query, permit, zone, &self.resolver, out) {
            return true;
        }
        match Substitute::of(permit, query.rtype) {
            Substitute::Alias(name) => reply::alias(out, query, name, &[], SUBSTITUTE_TTL_SECONDS_MAX),
            Substitute::Hidden => {
                reply::nothing(out, query, Rcode::NOERROR, SUBSTITUTE_TTL_SECONDS_MAX, Some(FORGED));
            }
            Substitute::None | Substitute::Addresses(_) => return false,
        }
        true
    }

    /// Answers an allowed question from cache or upstream, where there is a place to wait.
    pub(super) async fn fetch(&self, query: &Query<'_>, peer: &Peer, permit: &Permit, out: &mut Vec<u8>) {
        if self.answer_unasked(query, permit, &peer.zone, out) {
            return;
        }
        let Some(_place) = self.resolver.place_for(self.gate.client_at(peer.client)) else {
            return too_many(out, query);
        };
        self.fetch_in_place(query, peer, permit, out).await;
    }

    /// Answers an allowed question from cache or upstream; the caller holds a place.
    pub(super) async fn fetch_in_place(
        &self,
        query: &Query<'_>,
        peer: &Peer,
        permit: &Permit,
        out: &mut Vec<u8>,
    ) {
        let key = substitute::key(query, permit);
        let leaves = self.resolver.at_once(&key).is_none();
        let client = self.gate.client_at(peer.client);
        if leaves && self.tunnels.leave(client, query.name) == Passage::Held {
            return self.hold(query, peer, permit, out).await;
        }
        let found = match self.resolver.look_up(&key).await {
            Ok(found) => found,
            Err(NoAnswer) => {
                let text = "aucun résolveur ne répond";
                let explanation = Explanation { code: ExtendedErrorCode::NETWORK_ERROR, text };
                return reply::error(out, query, OptRcode::SERVFAIL, Some(explanation));
            }
        };
        if leaves && self.tunnels.came_back(client, query.name, &found.answer) == Passage::Held {
            self.resolver.forget(&key);
            return self.hold(query, peer, permit, out).await;
        }
        let chain = found.answer.chain().iter().map(|name| self.decide(peer, name.clone())).collect();
        let verdicts = self.gate.record(chain).await;
        self.close(query, peer, permit, &found, verdicts, out);
    }

    /// Refuses, and writes down, a permitted question of a client that carries data in names.
    async fn hold(&self, query: &Query<'_>, peer: &Peer, permit: &Permit, out: &mut Vec<u8>) {
        let decided = self.gate.decide_against(asking(peer, permit.site().clone()), Evasion::DnsTunnel);
        match self.gate.record(vec![decided]).await.pop() {
            Some(Verdict::Refuse(refusal)) => refusal::refused(out, query, &refusal, &peer.zone),
            // Closed: it cannot be allowed, and without a verdict nothing is.
            Some(Verdict::Allow(_)) | None => reply::error(out, query, OptRcode::SERVFAIL, None),
        }
    }

    /// Answers with what was found, if `chain` allows every name it leads through.
    pub(super) fn close(
        &self,
        query: &Query<'_>,
        peer: &Peer,
        permit: &Permit,
        found: &Found,
        chain: impl IntoIterator<Item = Verdict>,
        out: &mut Vec<u8>,
    ) {
        let Found { answer, age } = found;
        let mut allowed = 0;
        for verdict in chain {
            match verdict {
                Verdict::Allow(_) => allowed += 1,
                Verdict::Refuse(refusal) => return refusal::refused(out, query, &refusal, &peer.zone),
            }
        }
        if allowed != answer.chain().len() {
            // Closed: a name without a verdict is not allowed.
            return reply::error(out, query, OptRcode::SERVFAIL, None);
        }
        if answer.points_inside {
            let text = "adresse privée pour un nom public";
            let explanation = Explanation { code: ExtendedErrorCode::FILTERED, text };
            return reply::nothing(out, query, Rcode::NOERROR, SPECIAL_TTL_SECONDS, Some(explanation));
        }
        let of_academie = peer.zone.tunnel == TunnelAccess::Academie
            && matches!(permit.site(), Site::Name(name) if self.resolver.is_of_academie(name));
        let addresses = match of_academie || !peer.zone.services.is_empty() {
            true => answer.addresses(),
            false => Vec::new(),
        };
        if !addresses.is_empty() {
            // Before the answer leaves: whoever has it may use it at once.
            let permit = permit.clone().by_way_of(answer.chain().iter().cloned().map(Site::Name));
            let open = if of_academie { Opened::open_academie } else { Opened::open };
            open(&self.opened, peer.client, &peer.zone, &permit, &addresses, life_left(found, *age));
        }
        match Substitute::of(permit, query.rtype) {
            Substitute::Addresses(_) if answer.is_failure() => {
                reply::error(out, query, OptRcode::SERVFAIL, None);
            }
            Substitute::Addresses(name) => {
                let seconds = u32::try_from(life_left(found, *age).as_secs()).unwrap_or(u32::MAX);
                let seconds = seconds.min(SUBSTITUTE_TTL_SECONDS_MAX);
                reply::alias(out, query, name, &answer.addresses(), seconds);
            }
            Substitute::None | Substitute::Alias(_) | Substitute::Hidden => {
                reply::forwarded(out, query, peer.carrier, answer, *age);
            }
        }
    }
}

/// The gate's question for `site`, asked by `peer`.
fn asking(peer: &Peer, site: Site) -> Asking {
    Asking { source: peer.client, zone: Arc::clone(&peer.zone), site, path: None, channel: Channel::Dns }
}

/// Answers that the asker already waits for too much.
pub(super) fn too_many(out: &mut Vec<u8>, query: &Query<'_>) {
    let explanation =
        Explanation { code: ExtendedErrorCode::RATE_LIMITED, text: "trop de questions à la fois" };
    reply::error(out, query, OptRcode::SERVFAIL, Some(explanation));
}

/// How long the asker may use what it is given.
fn life_left(found: &Found, age: Age) -> Duration {
    match age {
        Age::Fresh(seconds) => {
            found.answer.lifetime().saturating_sub(Duration::from_secs(u64::from(seconds)))
        }
        Age::Stale => Duration::from_secs(u64::from(STALE_TTL_SECONDS)),
    }
}
