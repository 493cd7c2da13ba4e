//! How often an application may ask: enough for a whole school that opens it at eight, too little to wear the box out.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use tokio::time::Instant;

/// The time in which questions are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Questions of one address in that time. Three for each of 600 people within a minute are 300.
const QUESTIONS_MAX: u32 = 1000;

/// Addresses that are counted: a machine has seventeen at most, so somebody who makes up more stops themselves and others.
const ADDRESSES_MAX: usize = 4096;

/// The count of questions.
#[derive(Debug, Default)]
pub(super) struct Pace(HashMap<IpAddr, (Instant, u32)>);

impl Pace {
    /// Counts a question of `source`, and says whether it may be answered.
    pub(super) fn allows(&mut self, source: IpAddr, now: Instant) -> bool {
        let is_old = |since: Instant| now.saturating_duration_since(since) >= WINDOW;
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&source) {
            self.0.retain(|_, (since, _)| !is_old(*since));
            if self.0.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let (since, count) = self.0.entry(source).or_insert((now, 0));
        if is_old(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= QUESTIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_too_fast_waits_and_nobody_else() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let (one, other) = (IpAddr::from([10, 10, 0, 5]), IpAddr::from([10, 10, 0, 6]));
        for _ in 0..QUESTIONS_MAX {
            assert!(pace.allows(one, now));
        }
        assert!(!pace.allows(one, now) && pace.allows(other, now));
        assert!(pace.allows(one, now + WINDOW));
    }

    #[test]
    fn addresses_without_end_fill_no_memory() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for number in 0..=u32::try_from(ADDRESSES_MAX).unwrap() {
            pace.allows(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(pace.0.len(), ADDRESSES_MAX);
        assert!(pace.allows(IpAddr::from([10, 10, 0, 5]), now + WINDOW));
    }
}
