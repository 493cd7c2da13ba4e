//! The services a zone opens (decision D3), and the check that on their ports is spoken what belongs there.
//!
//! A service with TLS goes to the proxy as the web does and is not seen here. Of the others each flow is held to its
//! first bytes by what connection tracking remembers of it, its *connection mark*:
//!
//! | mark | the flow |
//! |---|---|
//! | 0 | has said nothing yet, or is not checked |
//! | [`SPOKEN`] | began as it should |
//! | [`Speech::awaited`] | waits for the server's greeting; until it has come the client may send no byte |
//!
//! Bytes are looked at where they lie behind the transport's header: `@th,64` is the first of a UDP packet, `@ih` the
//! first of a TCP segment's data, and a rule that asks for more bytes than there are does not match.

use super::{
    super::{group::Group, ruleset::Chain},
    compile::{Parts, braces},
};
use crate::model::{Ports, Service, Speech, Zone};

/// The connection mark of a flow that began as it should.
const SPOKEN: u32 = 0x1;

/// Matches every TCP segment that carries data.
const ANY_DATA: &str = "@ih,0,8 & 0x0 == 0x0";

/// The magic cookie that every STUN message has in bytes 4 to 7 (RFC 8489 section 5).
const STUN_COOKIE: &str = "@th,96,32 0x2112a442";

impl Speech {
    /// How a server greets, as the value of the first bytes it sends: `220`, `* OK`, `+OK`.
    const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::Smtp => Some("@ih,0,24 0x323230"),
            Self::Imap => Some("@ih,0,32 0x2a204f4b"),
            Self::Pop => Some("@ih,0,24 0x2b4f4b"),
            Self::Tls | Self::Ssh | Self::Stun => None,
        }
    }

    /// The connection mark of a flow whose server must greet first.
    const fn awaited(self) -> u32 {
        match self {
            Self::Smtp => 0x11,
            Self::Imap => 0x12,
            Self::Pop => 0x13,
            Self::Tls | Self::Ssh | Self::Stun => SPOKEN,
        }
    }
}

/// The chains from each zone to its services, then one for each way of speaking that a zone has a port for.
pub(super) fn chains(parts: &Parts<'_>) -> Vec<Chain> {
    let mut chains: Vec<Chain> =
        parts.zones.iter().filter(|zone| has_any(zone)).map(|zone| to(zone)).collect();
    let spoken =
        |speech| parts.zones.iter().any(|zone| forwarded(zone).any(|(_, ports)| ports.speaks == speech));
    if spoken(None) {
        chains.push(anything());
    }
    for speech in Speech::ALL.into_iter().filter(|speech| spoken(Some(*speech))) {
        chains.push(match speech {
            Speech::Stun => stun(),
            Speech::Tls | Speech::Ssh | Speech::Smtp | Speech::Imap | Speech::Pop => over_tcp(speech),
        });
    }
    chains
}

/// The rules that check what comes back from the line: the mark of the service that it comes from, then greetings.
pub(super) fn check_answers(chain: &mut Chain, parts: &Parts<'_>) {
    for zone in parts.zones {
        for service in &zone.services {
            let ports = forwarded(zone).filter(|(of, _)| *of == service).map(|(_, ports)| ports);
            for (which, from) in ways("sport", ports) {
                chain.rule(
                    format!("{}: {}{which}", zone.name, service.name),
                    format!(
                        "oifname \"{}\" {from} meta mark set {:#x}",
                        zone.interface,
                        Group::of(zone, service).mark(),
                    ),
                );
            }
        }
    }
    for speech in Speech::ALL {
        let is_spoken = |zone: &Zone| forwarded(zone).any(|(_, ports)| ports.speaks == Some(speech));
        let Some(greeting) = speech.greeting().filter(|_| parts.zones.iter().any(|zone| is_spoken(zone)))
        else {
            continue;
        };
        let (word, awaited) = (speech.word(), speech.awaited());
        chain.rule(
            format!("{word}: greeted"),
            format!("ct mark {awaited:#x} {greeting} ct mark set {SPOKEN:#x}"),
        );
        chain.rule(format!("{word}: no greeting"), format!("ct mark {awaited:#x} {ANY_DATA} counter drop"));
    }
}

/// Whether packets of any of the zone's services pass through the box.
pub(super) fn has_any(zone: &Zone) -> bool {
    forwarded(zone).next().is_some()
}

/// The ports whose packets pass through the box, with their service.
fn forwarded(zone: &Zone) -> impl Iterator<Item = (&Service, Ports)> {
    zone.services
        .iter()
        .flat_map(|service| service.ports.iter().map(move |ports| (service, *ports)))
        .filter(|(_, ports)| ports.speaks != Some(Speech::Tls))
}

/// The name of the chain from a zone to its services.
pub(super) fn chain_to_services(zone: &Zone) -> String {
    format!("services_{}", zone.name)
}

/// From one zone to its services, each with its mark and to its check.
fn to(zone: &Zone) -> Chain {
    let mut chain = Chain::new(chain_to_services(zone));
    for service in &zone.services {
        let speeches = std::iter::once(None).chain(Speech::ALL.into_iter().map(Some));
        for speaks in speeches.filter(|speaks| *speaks != Some(Speech::Tls)) {
            let word = speaks.map_or("anything", Speech::word);
            let ports = service.ports.iter().filter(|ports| ports.speaks == speaks).copied();
            for (which, towards) in ways("dport", ports) {
                chain.rule(
                    format!("{}: {word}{which}", service.name),
                    format!(
                        "{towards} meta mark set {:#x} goto speaks_{word}",
                        Group::of(zone, service).mark(),
                    ),
                );
            }
        }
    }
    chain
}

/// Where nothing is known of what is spoken, tunnels that are known by their first packet are refused. What four bytes
/// or more tell is asked of every packet, the rest of the flow's first bytes only: later ones look like anything.
fn anything() -> Chain {
    let mut chain = Chain::new("speaks_anything");
    // WireGuard (its white paper's section 5.4.2): an initiation is of type 1 and 148 bytes long.
    chain.rule("wireguard", "@th,64,32 0x01000000 udp length 156 counter goto refuse");
    // RFC 7296 section 3.1: no responder yet, version 2 (or 1), IKE_SA_INIT (or identity protection, aggressive); on
    // port 4500 behind four zeros (RFC 3948 section 2.2).
    chain.rule(
        "ike",
        "meta l4proto udp @th,128,64 0x0 @th,200,8 { 0x10, 0x20 } @th,208,8 { 2, 4, 34 } counter goto refuse",
    );
    chain.rule(
        "ike behind a marker",
        "meta l4proto udp @th,64,32 0x0 @th,160,64 0x0 @th,232,8 { 0x10, 0x20 } @th,240,8 { 2, 4, 34 } \
         counter goto refuse",
    );
    // RFC 9000 section 17.2 and RFC 9369: where QUIC is allowed it is read on its own port.
    chain.rule(
        "quic",
        "meta l4proto udp @th,64,8 & 0xc0 == 0xc0 @th,72,32 { 0x00000001, 0x6b3343cf } counter goto refuse",
    );
    // `SSH-`: it carries any port of any machine.
    chain.rule("ssh", "meta l4proto tcp @ih,0,32 0x5353482d counter goto refuse");
    chain.rule("begun", format!("ct mark {SPOKEN:#x} goto opened_service"));
    // OpenVPN: a client's hard reset of key 0, the opcode in the upper five bits (7; 10 with a wrapped key); bare, or
    // with a MAC of SHA-1, SHA-256 or SHA-512. Over TCP the same behind its length, two bytes.
    chain.rule("openvpn, udp", "@th,64,8 0x38 udp length { 22, 50, 62, 94 } counter goto refuse");
    chain.rule("openvpn, udp, wrapped key", "@th,64,8 0x50 udp length 300-1400 counter goto refuse");
    chain.rule(
        "openvpn, tcp",
        "meta l4proto tcp @ih,0,16 { 14, 42, 54, 86 } @ih,16,8 0x38 counter goto refuse",
    );
    chain.rule(
        "openvpn, tcp, wrapped key",
        "meta l4proto tcp @ih,0,16 292-1392 @ih,16,8 0x50 counter goto refuse",
    );
    chain.rule("first packet", format!("meta l4proto udp ct mark set {SPOKEN:#x} goto opened_service"));
    chain.rule("first bytes", format!("{ANY_DATA} ct mark set {SPOKEN:#x} goto opened_service"));
    chain.rule("nothing said yet", "goto opened_service");
    chain
}

/// Media flows begin with a STUN request of the client; behind it the first byte tells what a packet is (RFC 7983).
fn stun() -> Chain {
    let mut chain = Chain::new("speaks_stun");
    chain.rule(
        "binding or allocation",
        format!("@th,64,16 {{ 0x0001, 0x0003 }} {STUN_COOKIE} ct mark set {SPOKEN:#x} goto opened_service"),
    );
    chain.rule("no stun at first", format!("ct mark != {SPOKEN:#x} counter goto refuse"));
    chain.rule("stun", format!("@th,64,8 0-3 {STUN_COOKIE} goto opened_service"));
    chain.rule("dtls", "@th,64,8 20-31 @th,72,8 0xfe goto opened_service");
    // DTLS 1.3 (RFC 9147 section 4.1), channels of TURN, RTP and RTCP.
    chain.rule("dtls 1.3, turn, rtp", "@th,64,8 { 32-63, 64-79, 128-191 } goto opened_service");
    chain.rule("not of a media flow", "counter goto refuse");
    chain
}

/// Over TCP the side that speaks first is held to its first bytes; until then the other has nothing to say.
fn over_tcp(speech: Speech) -> Chain {
    let word = speech.word();
    let mut chain = Chain::new(format!("speaks_{word}"));
    chain.rule("begun", format!("ct mark {SPOKEN:#x} goto opened_service"));
    if speech == Speech::Ssh {
        // `SSH-2.0-`
        let version = format!("@ih,0,64 0x5353482d322e302d ct mark set {SPOKEN:#x} goto opened_service");
        chain.rule("version of ssh", version);
    }
    chain.rule(format!("not {word}"), format!("{ANY_DATA} counter goto refuse"));
    if speech.greeting().is_some() {
        chain.rule("greeting awaited", format!("ct mark set {:#x} goto opened_service", speech.awaited()));
    } else {
        chain.rule("nothing said yet", "goto opened_service");
    }
    chain
}

/// Expressions that match packets of `ports` by their `side`, `dport` or `sport`, each with what tells it from the others.
///
/// Single ports share one set; each range is an expression of its own. A set of ranges that comes with a ruleset is empty
/// for a moment after the kernel has begun to use that ruleset (nft_set_pipapo.c fills it in a later step of the commit),
/// and a packet of that moment would be refused.
fn ways(side: &str, ports: impl Iterator<Item = Ports>) -> Vec<(String, String)> {
    let (single, ranges): (Vec<Ports>, Vec<Ports>) = ports.partition(|ports| ports.first == ports.last);
    let mut ways = Vec::new();
    if !single.is_empty() {
        let elements = single.iter().map(|ports| format!("{} . {}", ports.transport, ports.first));
        ways.push((String::new(), format!("meta l4proto . th {side} {}", braces(elements))));
    }
    for Ports { transport, first, last, .. } in ranges {
        ways.push((
            format!(", {first}-{last}"),
            format!("meta l4proto {transport} th {side} {first}-{last}"),
        ));
    }
    ways
}
