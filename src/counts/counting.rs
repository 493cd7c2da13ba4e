//! The counter that the gate tells of what it has answered.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    mem,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    day::{Day, day_of},
    ground::Ground,
    kept::Kept,
};
use crate::{
    model::{ClockTrust, Mac, Moment, Site, Subject, ZoneKind},
    policy::Verdict,
    protocol::counts::{DayCounts, Who},
    system::clock::Clock,
};

/// Days that are over and not written yet: beyond it the oldest is lost.
const OVER_MAX: usize = 3;

/// The counter. Cloning is cheap; all clones count together.
#[derive(Clone, Debug)]
pub struct Counts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    /// Its keys are drawn at the start and never leave the process.
    digests: RandomState,
    allowed: AtomicU64,
    refused: AtomicU64,
    days: Mutex<Days>,
}

#[derive(Debug)]
struct Days {
    today: Day,
    over: Vec<Day>,
}

/// Who asks, told apart from others in this process alone.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub(super) zone: ZoneKind,
    pub(super) who: Who,
    /// The person; the machine where nobody signed in.
    pub(super) asker: u64,
    /// The machine, where it is known which.
    pub(super) machine: Option<u32>,
}

impl Counts {
    /// A counter that goes on from what was `kept` of this day.
    pub(super) fn new(clock: Clock, kept: Option<Kept>) -> Self {
        // What is kept of a later day is gone on with while the clock is behind: it was so when the box was last up.
        let before = kept.unwrap_or_default();
        let today = day_of(clock.now()).max(before.day);
        let before = if before.day == today { before } else { Kept::default() };
        let days = Mutex::new(Days { today: Day::new(today, before), over: Vec::new() });
        let digests = RandomState::new();
        Self { shared: Arc::new(Shared { clock, digests, allowed: 0.into(), refused: 0.into(), days }) }
    }

    /// A counter that nothing is kept of, for tests of what counts.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(Clock::of_the_machine(), None)
    }

    /// Who `subject` is to the counter, at `machine` behind `source`.
    #[must_use]
    pub fn asked(&self, zone: ZoneKind, subject: &Subject, machine: Option<Mac>, source: IpAddr) -> Asked {
        let digest = |of: &dyn Fn(&RandomState) -> u64| of(&self.shared.digests);
        let of_machine = match machine {
            Some(machine) => digest(&|digests| digests.hash_one(machine)),
            None => digest(&|digests| digests.hash_one(source)),
        };
        let (who, asker) = match subject {
            Subject::Person(account) => {
                (Who::Person(account.role), digest(&|digests| digests.hash_one(&account.id)))
            }
            Subject::Device(device) => (Who::Machine(device.kind), of_machine),
            Subject::Nobody => (Who::Nobody, of_machine),
        };
        // Half of a digest tells apart the machines of a school.
        let half = |whole: u64| u32::try_from(whole >> 32).unwrap_or(u32::MAX);
        Asked { zone, who, asker, machine: machine.map(|_| half(of_machine)) }
    }

    /// Counts what was answered at `at`.
    pub fn count<'a>(&self, answered: impl Iterator<Item = (Moment, &'a Asked, &'a Verdict)>) {
        let Shared { clock, digests, allowed, refused, .. } = &*self.shared;
        // A day that is not known is not counted; the figures since the start are.
        let is_trusted = clock.trust() == ClockTrust::Trusted;
        let mut days = self.days();
        for (at, asked, verdict) in answered {
            let (ground, is_allowed) = Ground::of(verdict);
            let of_all = if is_allowed { allowed } else { refused };
            of_all.fetch_add(1, Ordering::Relaxed);
            if is_trusted {
                let site: &Site = match verdict {
                    Verdict::Allow(permit) => permit.site(),
                    Verdict::Refuse(refusal) => &refusal.site,
                };
                let mark = digests.hash_one((asked.machine, asked.asker, site, is_allowed));
                days.turn_to(day_of(at));
                days.today.count(at, asked, site, (ground, is_allowed), mark);
            }
        }
    }

    /// Questions allowed and refused since the start, each of them counted.
    #[must_use]
    pub fn since_start(&self) -> (u64, u64) {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        (read(&self.shared.allowed), read(&self.shared.refused))
    }

    /// The day so far, as it may be told.
    #[must_use]
    pub fn so_far(&self) -> DayCounts {
        self.today().told(false)
    }

    /// The day so far, as it is kept.
    pub(super) fn today(&self) -> Kept {
        let copied = self.days().today.copied();
        copied.kept()
    }

    /// The days that are over since this was asked last.
    pub(super) fn over(&self) -> Vec<Kept> {
        let over = {
            let mut days = self.days();
            if self.shared.clock.trust() == ClockTrust::Trusted {
                days.turn_to(day_of(self.shared.clock.now()));
            }
            mem::take(&mut days.over)
        };
        over.iter().filter(|day| !day.is_empty()).map(|day| day.copied().kept()).collect()
    }

    fn days(&self) -> MutexGuard<'_, Days> {
        self.shared.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Days {
    /// Has the day `number` be today. A clock that was set back within a day goes on with the day there is; one that had run
    /// into another year takes its day with it.
    fn turn_to(&mut self, number: i64) {
        if number == self.today.number || number.saturating_add(1) == self.today.number {
            return;
        }
        let ended = mem::replace(&mut self.today, Day::new(number, Kept::default()));
        if ended.number < number {
            if self.over.len() >= OVER_MAX {
                self.over.remove(0);
            }
            self.over.push(ended);
        }
    }
}
