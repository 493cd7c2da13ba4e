//! Wrong tokens, counted by the address they came from.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use preau::model::Moment;

use super::limits::{TRIERS_MAX, TRIES_MAX, TRIES_WITHIN};

/// The counts. Bounded: see the limits.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    wrong: HashMap<IpAddr, (Moment, u32)>,
}

impl Attempts {
    /// Whether `from` may try.
    pub(super) fn may(&mut self, from: IpAddr, now: Moment) -> bool {
        self.wrong.retain(|_, (first, _)| now.since(*first) < TRIES_WITHIN);
        match self.wrong.get(&network(from)) {
            Some((_, count)) => *count < TRIES_MAX,
            None => self.wrong.len() < TRIERS_MAX,
        }
    }

    /// `from` brought a wrong one.
    pub(super) fn note_wrong(&mut self, from: IpAddr, now: Moment) {
        if self.wrong.len() < TRIERS_MAX || self.wrong.contains_key(&network(from)) {
            self.wrong.entry(network(from)).or_insert((now, 0)).1 += 1;
        }
    }
}

/// Whoever has an IPv6 address has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_132_800);

    #[test]
    fn after_too_many_wrong_tokens_an_address_waits_and_its_neighbours_do_not() {
        let mut attempts = Attempts::default();
        let [one, same, other] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|a| a.parse().unwrap());
        for _ in 0..TRIES_MAX {
            assert!(attempts.may(one, NOW));
            attempts.note_wrong(one, NOW);
        }
        assert!(!attempts.may(one, NOW) && !attempts.may(same, NOW) && attempts.may(other, NOW));
        assert!(attempts.may(one, NOW + TRIES_WITHIN));
    }

    #[test]
    fn the_table_of_addresses_is_bounded() {
        let mut attempts = Attempts::default();
        for number in 0..u32::try_from(TRIERS_MAX).unwrap() + 5 {
            attempts.note_wrong(IpAddr::V4(number.into()), NOW);
        }
        assert_eq!(attempts.wrong.len(), TRIERS_MAX);
        assert!(!attempts.may([192, 0, 2, 1].into(), NOW), "nobody else for a while");
        assert!(attempts.may([192, 0, 2, 1].into(), NOW + TRIES_WITHIN));
    }
}
