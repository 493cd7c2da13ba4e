//! Ways round the filter that the box closes by itself: no rule opens them, for behind them no rule could be kept.
//!
//! Some are names, which the judge knows here. Others are shown only by how a permitted site is used; whoever notices
//! one says so to the gate.

use std::fmt;

use crate::model::{Domain, Site};

/// A way round the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evasion {
    /// Data in the place of DNS names.
    DnsTunnel,
    /// A TLS hello whose true name is encrypted (ECH, RFC 9849).
    HiddenName,
    /// A relay that carries connections past every network's own resolver and proxy.
    Relay,
}

/// The relays of iCloud Private Relay. Apple asks networks that do without it to answer these names with nothing; the
/// device then tells its user.
const RELAYS: [&str; 3] = ["mask-canary.icloud.com", "mask-h2.icloud.com", "mask.icloud.com"];

/// Names that nobody visits: they stand in the readable hello in front of any site of their operator (the *public name*
/// of RFC 9849 section 4). The first serves all of Cloudflare's customers; the others are for trying ECH out.
const OUTER_NAMES: [&str; 3] = ["cloudflare-ech.com", "cover.defo.ie", "public.tls-ech.dev"];

impl Evasion {
    /// The way round the filter that `site` stands for, with everything below it.
    #[must_use]
    pub fn of(site: &Site) -> Option<Self> {
        match site {
            Site::Name(name) => Self::of_name(name),
            Site::Address(_) => None,
        }
    }

    /// As [`Evasion::of`], for a name.
    #[must_use]
    pub fn of_name(name: &Domain) -> Option<Self> {
        name.ancestry().find_map(|parent| {
            if RELAYS.contains(&parent) {
                Some(Self::Relay)
            } else {
                OUTER_NAMES.contains(&parent).then_some(Self::HiddenName)
            }
        })
    }

    /// Why it is closed, as a sentence for the person at the screen.
    #[must_use]
    pub fn reason_fr(self) -> &'static str {
        match self {
            Self::DnsTunnel => {
                "Trop de données passent par les questions DNS vers ce nom : il est fermé quelques minutes."
            }
            Self::HiddenName => {
                "La connexion cache le nom du site (ECH) : sur ce réseau, il doit pouvoir être lu."
            }
            Self::Relay => "Les relais privés, qui contournent le filtrage, sont fermés sur ce réseau.",
        }
    }
}

/// For technicians.
impl fmt::Display for Evasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DnsTunnel => "data carried in DNS names",
            Self::HiddenName => "a TLS hello that hides the site's name (ECH)",
            Self::Relay => "a private relay",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_and_outer_names_are_known_with_what_is_below_them_and_their_neighbours_are_not() {
        for (site, expected) in [
            ("mask.icloud.com", Some(Evasion::Relay)),
            ("a.mask-h2.icloud.com", Some(Evasion::Relay)),
            ("www.icloud.com", None),
            ("cloudflare-ech.com", Some(Evasion::HiddenName)),
            ("cloudflare.com", None),
            ("192.0.2.1", None),
        ] {
            assert_eq!(Evasion::of(&site.parse().unwrap()), expected, "{site}");
        }
    }
}
