//! How much a question says and how much its answer brings, in bytes that were not known before.
//!
//! A name is cut into its *parent*, which somebody had to register, and the labels before it, which its owner's server
//! is told. Length is what counts: labels of a tunnel carry five bits a byte at most, for upper and lower case do not
//! survive the resolver, and words carry less, so that length never says too little.

use domain::{
    base::{Name, ParsedName},
    dep::octseq::Parser,
};

use super::wire::{HEADER_BYTES, Place, u16_at};

/// Public suffixes of two labels that a French school meets: the parent is one label longer below them.
///
/// The whole public suffix list would be more exact and must be kept fresh; without it the sites below a suffix share
/// a budget, which only the busiest notice.
const SUFFIXES: [&str; 34] = [
    "ac.jp", "ac.uk", "asso.fr", "co.il", "co.in", "co.jp", "co.kr", "co.ma", "co.nz", "co.uk", "co.za",
    "com.ar", "com.au", "com.br", "com.cn", "com.co", "com.fr", "com.hk", "com.mx", "com.pl", "com.pt",
    "com.sg", "com.tn", "com.tr", "com.tw", "com.ua", "edu.au", "gouv.fr", "gov.uk", "ne.jp", "nom.fr",
    "or.jp", "org.au", "org.uk",
];

/// Parents below which one company asks itself ever new names, to measure or to look a fingerprint up, and nobody else
/// can answer: Google's and Microsoft's frames and measurements, look-ups of virus scanners.
const SELF_TALK: [&str; 5] =
    ["footprintdns.com", "googlesyndication.com", "mcafee.com", "sophosxl.net", "trendmicro.com"];

/// A name as budgets see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The labels that the parent's server is told, in wire form and lower case.
    pub(super) labels: Vec<u8>,
    /// The parent, likewise; the root for names of one label.
    pub(super) parent: Vec<u8>,
    /// Whether the parent's owner talks to itself.
    pub(super) is_self_talk: bool,
}

impl Told {
    /// Cuts `name`.
    pub(super) fn of(name: &Name<[u8]>) -> Self {
        let labels: Vec<_> = name.iter().filter(|label| !label.is_root()).collect();
        let text = |count: usize| {
            let last = labels.get(labels.len().saturating_sub(count)..).unwrap_or_default();
            let text: Vec<_> = last.iter().map(|label| label.as_slice().to_ascii_lowercase()).collect();
            text.join(&b'.')
        };
        let two = text(2);
        let is_one_of = |list: &[&str]| list.iter().any(|entry| entry.as_bytes() == two);
        let parent_labels = match labels.len() {
            0 | 1 => 0,
            _ if is_one_of(&SUFFIXES) => 3,
            _ => 2,
        };
        let told = labels.len().saturating_sub(parent_labels);
        let begin = labels.iter().take(told).map(|label| label.len() + 1).sum();
        let mut labels = name.as_slice().to_ascii_lowercase();
        let parent = labels.split_off(begin);
        Self { labels, parent, is_self_talk: is_one_of(&SELF_TALK) }
    }
}

/// One record of an answer as budgets see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Brought<'a> {
    /// The owner's name where it is written out, in wire form; empty where it points at another.
    pub(super) owner: &'a [u8],
    /// The type.
    pub(super) rtype: u16,
    /// The data.
    pub(super) data: &'a [u8],
}

impl Brought<'_> {
    /// How many bytes the record can carry.
    pub(super) fn bytes(&self) -> u64 {
        // Both lie in one message of 64 KiB.
        u64::try_from(self.owner.len() + self.data.len()).unwrap_or(u64::MAX)
    }
}

/// The records of all sections of `message`, which has one question; of a broken message those before the break.
pub(super) fn records(message: &[u8]) -> Vec<Brought<'_>> {
    let mut found = Vec::new();
    let mut parser = Parser::from_ref(message);
    let begins = parser.advance(HEADER_BYTES).is_ok()
        && ParsedName::skip(&mut parser).is_ok()
        && parser.advance(4).is_ok();
    let counts = [6, 8, 10].into_iter().filter_map(|at| u16_at(message, at));
    let count: u32 = if begins { counts.map(u32::from).sum() } else { 0 };
    for _ in 0..count {
        let Ok(place) = Place::parse(&mut parser) else { break };
        let points = message.get(place.owner_at).is_some_and(|first| *first >= 0xc0);
        // Type and class (2 bytes each) stand between the owner's name and the TTL.
        let name_end = if points { place.owner_at } else { place.ttl_at.saturating_sub(4) };
        found.push(Brought {
            owner: message.get(place.owner_at..name_end).unwrap_or_default(),
            rtype: place.rtype.to_int(),
            data: place.data_in(message),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use domain::base::iana::Rtype;

    use super::*;
    use crate::enforce::dns::tests::scene::{ASKED, Draft, wire};

    #[test]
    fn the_parent_is_what_somebody_registered() {
        for (name, labels, parent) in [
            ("www.exemple.fr", "www", "exemple.fr"),
            ("A.b.WWW.exemple.fr", "a.b.www", "exemple.fr"),
            ("exemple.fr", "", "exemple.fr"),
            ("www.exemple.gouv.fr", "www", "exemple.gouv.fr"),
            ("gouv.fr", "", "gouv.fr"),
            ("a.b.duckdns.org", "a.b", "duckdns.org"),
            ("wpad", "wpad", ""),
        ] {
            let told = Told::of(Name::from_slice(&wire(name)).unwrap());
            assert_eq!(told.labels, wire(labels)[..wire(labels).len() - 1], "{name}");
            assert_eq!(told.parent, wire(parent), "{name}");
        }
    }

    #[test]
    fn a_company_that_talks_to_itself_is_known() {
        let told = |name| Told::of(Name::from_slice(&wire(name)).unwrap()).is_self_talk;
        assert!(told("0123456789abcdef.safeframe.googlesyndication.com"));
        assert!(!told("googlesyndication.com.exemple.fr"));
    }

    #[test]
    fn a_record_brings_its_data_and_its_name_where_that_is_written_out() {
        let answer = Draft::answer_to("a.exemple.fr", Rtype::TXT)
            .answer(ASKED, Rtype::TXT, 0, b"\x05hallo")
            .answer(&wire("b.exemple.fr"), Rtype::A, 60, &[192, 0, 2, 1]);
        let found: Vec<_> = records(&answer.0).iter().map(Brought::bytes).collect();
        assert_eq!(found, [6, 14 + 4]);
    }

    #[test]
    fn of_a_broken_answer_what_stands_before_the_break_counts() {
        let whole = Draft::answer_to("a.fr", Rtype::A)
            .answer(ASKED, Rtype::A, 0, &[192, 0, 2, 1])
            .answer(ASKED, Rtype::A, 0, &[192, 0, 2, 2])
            .0;
        for length in 0..whole.len() {
            assert!(records(&whole[..length]).len() < 2, "{length}");
        }
        assert_eq!(records(&whole).len(), 2);
    }
}
