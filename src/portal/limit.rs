//! How many connections there may be, in all and from one machine.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The bounds of the portal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once in all: bounds memory under a flood (about 60 KiB each).
    pub(super) connections_max: usize,
    /// Connections at once from one address: keeps one machine from taking everybody's place. A page with many closed
    /// sites on it opens some dozens.
    pub(super) connections_per_client_max: usize,
}

impl Limits {
    /// The bounds in use.
    pub(super) const USUAL: Self = Self { connections_max: 2048, connections_per_client_max: 64 };
}

/// The count of open connections. Cloning is cheap; all clones are one count.
#[derive(Clone, Debug)]
pub(super) struct ConnectionCount {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// One counted connection; dropping it frees its place.
#[must_use]
#[derive(Debug)]
pub(super) struct Counted {
    client: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl ConnectionCount {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// A place for one more connection of `client`, if there is one.
    pub(super) fn admit(&self, client: IpAddr) -> Option<Counted> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = open.by_client.get(&client).copied().unwrap_or(0);
        if open.total >= self.limits.connections_max || of_client >= self.limits.connections_per_client_max {
            return None;
        }
        open.total += 1;
        open.by_client.insert(client, of_client + 1);
        drop(open);
        Some(Counted { client, open: self.open.clone() })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        let left = open.by_client.get(&self.client).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            open.by_client.remove(&self.client);
        } else {
            open.by_client.insert(self.client, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_cannot_take_everybodys_place() {
        let count = ConnectionCount::new(Limits { connections_max: 3, connections_per_client_max: 2 });
        let (greedy, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = count.admit(greedy).unwrap();
        let _second = count.admit(greedy).unwrap();
        assert!(count.admit(greedy).is_none());
        let _third = count.admit(other).unwrap();
        assert!(count.admit(other).is_none(), "the total is reached");
        drop(first);
        assert!(count.admit(other).is_some());
        assert_eq!(count.open.lock().unwrap().by_client.len(), 2);
    }
}
