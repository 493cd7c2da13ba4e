//! What the resolvers of the lab's Internet answer: pure, the same every day.
//!
//! | name | answer |
//! |---|---|
//! | any other | A and AAAA by a digest of the name, TTL 30 |
//! | below `ac-exemple.fr` | the académie's host |
//! | `sans-adresse-v6.*`, `sans-adresse-v4.*` | one family only |
//! | `alias.exemple.fr`, `safesearch.pixabay.com` | CNAME to `jeux-en-ligne.example` |
//! | `chaine.exemple.fr` | five CNAMEs, the last to `jeux-en-ligne.example` |
//! | `boucle.exemple.fr` | CNAMEs in a circle |
//! | `nxdomain.*`, `servfail.*`, `refuse.*` | that error |
//! | `muet.*` | no answer at all |
//! | `lent.*` | the answer after two seconds |
//! | `court.*` | TTL 1; `long.*`: TTL 86,400 |
//! | `grand.*` | TXT of 4,000 bytes, too big for UDP |
//! | `ech.*` | HTTPS record with ALPN, address hints and `ech` |
//! | `www.google.fr`, `www.youtube.com` | HTTPS record as well, as `ech.*` |
//! | `inconnu.*` | a record for every unassigned type |
//! | `prive.*` | an address inside the school, as in DNS rebinding |
//! | `echo.exemple.net`, `ntp.exemple.net` | the UDP echo servers |
//! | `ent.exemple.fr` | the ENT, IPv4 only |
//! | `lecons.exemple.fr` | by its digest; its pages are the ENT's lessons |
//! | `maj.exemple.net` | by its digest; its file is an update |
//! | `central.ac-exemple.fr`, `console.ac-exemple.fr` | the académie's central |
//! | `vpn1.ac-exemple.fr`, `vpn2.ac-exemple.fr` | the académie's concentrators |
//! | `doh.exemple.net`, `dot.exemple.net` | the other resolver |
//! | `vpn.example` and the like, below `loin.example` | the far end of tunnels |
//! | below `t.loin.example` | what the far end's own resolver says, if one runs |
//! | `bureau-prive.*` | an address of another zone of the school, as in DNS rebinding |
//! | `_dns.resolver.arpa` | SVCB that names the other resolver (RFC 9462) |

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use crate::plan::{
    ACADEMIE_SITE, ADMINISTRATION, CENTRAL_ADDRESSES, CENTRAL_NAMES, CONCENTRATORS, ECHO_SERVERS,
    ENT_ADDRESSES, ENT_NAME, FAR_ADDRESSES, FAR_NAMES, OTHER_RESOLVERS, PEDAGOGIQUE,
};

/// Record types by their IANA numbers.
pub mod record_type {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Alias.
    pub const CNAME: u16 = 5;
    /// Start of authority.
    pub const SOA: u16 = 6;
    /// Text.
    pub const TXT: u16 = 16;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service binding (RFC 9460).
    pub const SVCB: u16 = 64;
    /// Service binding of HTTPS (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// The first type that is for private use (RFC 6895 section 3.1).
    pub const PRIVATE_USE: u16 = 65280;
}

/// The lifetime of ordinary answers, in seconds.
pub const TTL_SECONDS: u32 = 30;

/// CNAMEs a resolver follows before it gives up.
const ALIASES_MAX: usize = 8;

/// The `ech` parameter that `ech.*` serves. Its bytes are no usable configuration; filters must remove them all the same.
pub const ECH: &[u8] = b"\x00\x08\xfe\x0d\x00\x04labo";

/// Search engines and sites of videos that say their addresses in HTTPS records as well.
const ENGINES: [&str; 2] = ["www.google.fr", "www.youtube.com"];

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record's owner, lower-case, no trailing dot.
    pub owner: String,
    /// Its IANA type number.
    pub record_type: u16,
    /// Its lifetime in seconds.
    pub ttl: u32,
    /// Its data in wire form, names in it not compressed.
    pub data: Vec<u8>,
}

/// What a resolver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing, ever.
    Silence,
    /// An error, by its RCODE.
    Error(u8),
    /// These records; none of them means NODATA.
    Records(Vec<Entry>),
}

/// The answer to the question for records of `record_type` (IANA number) at `name` (lower-case, no trailing dot).
#[must_use]
pub fn answer(name: &str, record_type: u16) -> Answer {
    match first_label(name) {
        "muet" => return Answer::Silence,
        "servfail" => return Answer::Error(2),
        "nxdomain" => return Answer::Error(3),
        "refuse" => return Answer::Error(5),
        _ => {}
    }
    let mut records = Vec::new();
    let mut owner = name.to_owned();
    while let Some(target) = alias(&owner).filter(|_| record_type != record_type::CNAME) {
        if records.len() == ALIASES_MAX {
            return Answer::Error(2);
        }
        records.push(entry(&owner, record_type::CNAME, wire_name(target)));
        owner = target.to_owned();
    }
    match alias(&owner) {
        Some(target) => records.push(entry(&owner, record_type::CNAME, wire_name(target))),
        None => records.extend(data(&owner, record_type).map(|data| entry(&owner, record_type, data))),
    }
    Answer::Records(records)
}

/// How long the resolver takes to answer for `name`.
#[must_use]
pub fn delay(name: &str) -> Duration {
    if first_label(name) == "lent" { Duration::from_secs(2) } else { Duration::ZERO }
}

/// The addresses of `name`: IPv4, then IPv6.
#[must_use]
pub fn addresses(name: &str) -> (Ipv4Addr, Ipv6Addr) {
    let concentrator =
        CONCENTRATORS.iter().find(|(_, own, _)| *own == name).map(|(_, _, addresses)| *addresses);
    let fixed = match name {
        "echo.exemple.net" | "ntp.exemple.net" => Some(ECHO_SERVERS),
        ENT_NAME => Some(ENT_ADDRESSES),
        name if CENTRAL_NAMES.contains(&name) => Some(CENTRAL_ADDRESSES),
        _ if concentrator.is_some() => concentrator,
        "doh.exemple.net" | "dot.exemple.net" => Some(OTHER_RESOLVERS),
        _ if name == "ac-exemple.fr" || name.ends_with(".ac-exemple.fr") => Some(ACADEMIE_SITE),
        _ if FAR_NAMES.contains(&name) || name.ends_with(".loin.example") => Some(FAR_ADDRESSES),
        _ if first_label(name) == "prive" => Some(PEDAGOGIQUE),
        _ if first_label(name) == "bureau-prive" => Some(ADMINISTRATION),
        _ => None,
    };
    if let Some([v4, v6]) = fixed
        && let (Ok(v4), Ok(v6)) = (v4.parse(), v6.parse())
    {
        return (v4, v6);
    }
    let mut digest = DefaultHasher::new();
    name.hash(&mut digest);
    let [a, b, c, d, e, ..] = digest.finish().to_be_bytes();
    // Hosts 1 to 240 of two networks; the last fifteen addresses belong to the special servers.
    let host = a % 240 + 1;
    let v4 = if b % 2 == 0 { Ipv4Addr::new(192, 0, 2, host) } else { Ipv4Addr::new(203, 0, 113, host) };
    let (low, high) = (u16::from_be_bytes([b, c]), u16::from_be_bytes([d, e]));
    (v4, Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 1, high, low))
}

/// The data of the one record of this type at `name`, if there is one.
fn data(name: &str, record_type: u16) -> Option<Vec<u8>> {
    let (v4, v6) = addresses(name);
    let label = first_label(name);
    match record_type {
        record_type::A => (label != "sans-adresse-v4").then(|| v4.octets().to_vec()),
        record_type::AAAA => (label != "sans-adresse-v6" && name != ENT_NAME).then(|| v6.octets().to_vec()),
        record_type::TXT if label == "grand" => Some([[250; 1].as_slice(), &[b'x'; 250]].concat().repeat(16)),
        record_type::TXT => Some([&[5], b"Labo".as_slice(), b"!"].concat()),
        record_type::SVCB if name == "_dns.resolver.arpa" => Some(designated_resolver()),
        record_type::HTTPS if label == "ech" || ENGINES.contains(&name) => Some(service_binding(v4, v6)),
        record_type::PRIVATE_USE.. if label == "inconnu" => Some(b"donnees opaques".to_vec()),
        _ => None,
    }
}

/// Priority 1, the owner itself as target, then `alpn`, `ipv4hint`, `ech`, `ipv6hint` (RFC 9460 section 2.2).
fn service_binding(v4: Ipv4Addr, v6: Ipv6Addr) -> Vec<u8> {
    let mut data = vec![0, 1, 0];
    let parameters: [(u8, &[u8]); 4] = [(1, b"\x08http/1.1"), (4, &v4.octets()), (5, ECH), (6, &v6.octets())];
    for (key, value) in parameters {
        data.extend([0, key, 0, u8::try_from(value.len()).expect("every value above is short")]);
        data.extend(value);
    }
    data
}

/// Priority 1, `doh.exemple.net`, then `alpn` and `dohpath` (RFC 9461 section 5).
fn designated_resolver() -> Vec<u8> {
    let mut data = vec![0, 1];
    data.extend(wire_name("doh.exemple.net"));
    data.extend(b"\x00\x01\x00\x03\x02h2\x00\x07\x00\x10/dns-query{?dns}");
    data
}

fn alias(name: &str) -> Option<&'static str> {
    Some(match name {
        "alias.exemple.fr" | "chaine5.exemple.fr" | "safesearch.pixabay.com" => "jeux-en-ligne.example",
        "chaine.exemple.fr" => "chaine2.exemple.fr",
        "chaine2.exemple.fr" => "chaine3.exemple.fr",
        "chaine3.exemple.fr" => "chaine4.exemple.fr",
        "chaine4.exemple.fr" => "chaine5.exemple.fr",
        "boucle.exemple.fr" => "boucle2.exemple.fr",
        "boucle2.exemple.fr" => "boucle.exemple.fr",
        _ => return None,
    })
}

fn entry(owner: &str, record_type: u16, data: Vec<u8>) -> Entry {
    let ttl = match first_label(owner) {
        "court" => 1,
        "long" => 86_400,
        _ => TTL_SECONDS,
    };
    Entry { owner: owner.to_owned(), record_type, ttl, data }
}

/// A name in wire form, for the names written in this file: labels of 1 to 63 bytes.
fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        wire.push(u8::try_from(label.len()).expect("every name in this file has short labels"));
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(name: &str, record_type: u16) -> Vec<Entry> {
        match answer(name, record_type) {
            Answer::Records(records) => records,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn any_name_has_the_same_documentation_addresses_every_day() {
        for name in ["fr.vikidia.example", "www.gouv.fr", "a.b.c.d.e", "www.ac-exemple.fr"] {
            let (v4, v6) = addresses(name);
            assert_eq!((v4, v6), addresses(name));
            assert!(v4.is_documentation() && v6.segments().starts_with(&[0x2001, 0xdb8]), "{name} {v4} {v6}");
            assert_eq!(records(name, record_type::A)[0].data, v4.octets());
            assert_eq!(records(name, record_type::AAAA)[0].data, v6.octets());
        }
    }

    #[test]
    fn ordinary_names_never_share_an_address_with_a_special_server() {
        for number in 0..2000 {
            let (v4, _) = addresses(&format!("site{number}.example"));
            assert!((1..=240).contains(&v4.octets()[3]), "{v4}");
        }
    }

    #[test]
    fn an_alias_brings_its_whole_chain_and_a_circle_is_an_error() {
        assert_eq!(records("alias.exemple.fr", record_type::A).len(), 2);
        let chain = records("chaine.exemple.fr", record_type::AAAA);
        assert_eq!(chain.len(), 6);
        assert_eq!(chain[5].owner, "jeux-en-ligne.example");
        assert_eq!(answer("boucle.exemple.fr", record_type::A), Answer::Error(2));
        assert_eq!(records("alias.exemple.fr", record_type::CNAME).len(), 1);
    }

    #[test]
    fn misbehaving_names_misbehave_as_written() {
        assert_eq!(answer("muet.exemple.fr", record_type::A), Answer::Silence);
        assert_eq!(answer("nxdomain.exemple.fr", record_type::A), Answer::Error(3));
        assert!(records("sans-adresse-v6.exemple.fr", record_type::AAAA).is_empty());
        assert!(records("grand.exemple.fr", record_type::TXT)[0].data.len() > 4000);
        assert_eq!(records("court.exemple.fr", record_type::A)[0].ttl, 1);
        assert_eq!(records("inconnu.exemple.fr", 65300).len(), 1);
        assert!(records("exemple.fr", 65300).is_empty());
        let https = &records("ech.exemple.fr", record_type::HTTPS)[0].data;
        assert!(https.windows(ECH.len()).any(|window| window == ECH));
    }
}
