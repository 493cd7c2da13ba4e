//! Single sign-out: the ENT says by its ticket that somebody signed out there, and the session that began with that ticket
//! ends here too.

use std::collections::{HashMap, VecDeque};

use super::limits::ENT_SESSIONS_MAX;
use crate::model::{AccountId, Mac};

/// Which session a ticket began, by the ticket's digest: what is in memory signs nobody in or out.
#[derive(Debug, Default)]
pub(super) struct EntSessions {
    by_ticket: HashMap<[u8; 32], (Mac, AccountId)>,
    in_order: VecDeque<[u8; 32]>,
}

impl EntSessions {
    /// Notes what `ticket` began. The oldest makes room.
    pub(super) fn note(&mut self, ticket: &str, machine: Mac, account: AccountId) {
        let digest = digest(ticket);
        if self.by_ticket.insert(digest, (machine, account)).is_none() {
            self.in_order.push_back(digest);
        }
        if self.in_order.len() > ENT_SESSIONS_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.by_ticket.remove(&oldest);
        }
    }

    /// Notes that the session of `account` went from one machine to another.
    pub(super) fn moved(&mut self, account: &AccountId, from: Mac, to: Mac) {
        for (machine, of) in self.by_ticket.values_mut() {
            if *machine == from && of == account {
                *machine = to;
            }
        }
    }

    /// Whose session `ticket` began, and on which machine; it is forgotten.
    pub(super) fn take(&mut self, ticket: &str) -> Option<(Mac, AccountId)> {
        let digest = digest(ticket);
        let ended = self.by_ticket.remove(&digest)?;
        self.in_order.retain(|known| *known != digest);
        Some(ended)
    }
}

fn digest(ticket: &str) -> [u8; 32] {
    *blake3::hash(ticket.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_ends_its_own_session_once() {
        let (mut sessions, machine) = (EntSessions::default(), Mac::new([2; 6]));
        sessions.note("ST-1", machine, AccountId::new("E1"));
        assert_eq!(sessions.take("ST-2"), None);
        assert_eq!(sessions.take("ST-1"), Some((machine, AccountId::new("E1"))));
        assert_eq!(sessions.take("ST-1"), None);
        sessions.note("ST-3", machine, AccountId::new("E1"));
        let next = Mac::new([4; 6]);
        sessions.moved(&AccountId::new("E2"), machine, Mac::new([6; 6]));
        sessions.moved(&AccountId::new("E1"), machine, next);
        assert_eq!(sessions.take("ST-3"), Some((next, AccountId::new("E1"))), "it went along");
        for number in 0..=ENT_SESSIONS_MAX {
            sessions.note(&format!("ST-{number}"), machine, AccountId::new("E1"));
        }
        assert_eq!(sessions.by_ticket.len(), ENT_SESSIONS_MAX);
        assert_eq!(sessions.take("ST-0"), None, "the oldest made room");
    }
}
