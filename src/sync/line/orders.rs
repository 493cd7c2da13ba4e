//! Orders on the box: each done once, over restarts and power cuts, and what became of it told until it is kept.
//!
//! `<state_dir>/central/orders` is a JSON object: `last`, the highest number that was begun; `begun`, the one that is being
//! carried out; `untold` and `told`, what became of orders that central has not kept yet, and of the last ones it has.
//! It is replaced before an order is carried out and after: an order that the power cut is told as cut, not done again.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io, mem,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::warn;

use crate::{
    protocol::line::{Answer, Done, Order},
    system::files,
};

/// Orders that wait on the box at most; central gives those beyond again.
const QUEUE_MAX: usize = 64;

/// Outcomes that are told together at most, and outcomes remembered once told.
const UNTOLD_MAX: usize = 64;
const TOLD_MAX: usize = 16;

/// The longest text of an outcome, in bytes: all of them fit into one report.
const TEXT_BYTES_MAX: usize = 48 * 1024;

/// The bytes of all outcomes in one report.
const REPORT_BYTES_MAX: usize = 160 * 1024;

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Orders that wait, and what became of others.
#[derive(Debug)]
pub(super) struct Orders {
    path: PathBuf,
    kept: Kept,
    queue: BTreeMap<u64, Waiting>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    last: u64,
    begun: Option<u64>,
    untold: VecDeque<Done>,
    told: VecDeque<Done>,
}

/// An order in the queue.
#[derive(Debug)]
enum Waiting {
    /// It may be begun until then.
    Known(Order, Instant),
    /// The box does not know what it asks for.
    Unknown,
}

impl Orders {
    /// The orders as the file at `path` has them; none where it cannot be read, which is logged.
    pub(super) fn open(path: PathBuf) -> Self {
        let kept = read(&path).unwrap_or_else(|error| {
            warn!(cause = %error, "what became of orders cannot be read");
            Kept::default()
        });
        let mut orders = Self { path, kept, queue: BTreeMap::new() };
        if let Some(number) = orders.kept.begun {
            orders.finish(failed(number, "the daemon ended while it was carried out"));
        }
        orders
    }

    /// Takes the orders of an answer that came at `came`. Whether one may be begun is by central's clock: the box's own
    /// can be wrong.
    pub(super) fn take(&mut self, answer: &Answer, came: Instant) {
        for value in &answer.orders {
            match Order::read(value) {
                Ok(order) if order.number > self.kept.last => {
                    let seconds = u64::try_from(order.expires.saturating_sub(answer.at)).unwrap_or(0);
                    // A century is as good as for ever, and no `Instant` is too far.
                    let until = came + Duration::from_secs(seconds.min(3_155_760_000));
                    self.enqueue(order.number, Waiting::Known(order, until));
                }
                Err(Some(number)) if number > self.kept.last => self.enqueue(number, Waiting::Unknown),
                Ok(Order { number, .. }) | Err(Some(number)) => self.tell_again(number),
                Err(None) => {}
            }
        }
    }

    /// The next order, noted as begun; those that cannot be carried out are told as such.
    pub(super) fn begin(&mut self) -> Option<Order> {
        while let Some((number, waiting)) = self.queue.pop_first() {
            match waiting {
                Waiting::Known(order, until) if Instant::now() < until => {
                    self.kept.last = number;
                    self.kept.begun = Some(number);
                    if self.write() {
                        return Some(order);
                    }
                    self.finish(failed(number, "the box's disk refuses to note it"));
                }
                Waiting::Known(..) => self.finish(failed(number, "it came too late")),
                Waiting::Unknown => self.finish(failed(number, "this box does not know such an order")),
            }
        }
        None
    }

    /// Notes what became of an order.
    pub(super) fn finish(&mut self, mut done: Done) {
        done.text.truncate(done.text.floor_char_boundary(TEXT_BYTES_MAX));
        self.kept.last = self.kept.last.max(done.order);
        self.kept.begun = None;
        self.kept.untold.push_back(done);
        if self.kept.untold.len() > UNTOLD_MAX {
            self.kept.untold.pop_front();
        }
        self.write();
    }

    /// What is to be told, as much as goes into one report.
    pub(super) fn untold(&self) -> Vec<Done> {
        let mut bytes = 0;
        let fits = |done: &&Done| {
            bytes += done.text.len();
            bytes <= REPORT_BYTES_MAX
        };
        self.kept.untold.iter().take_while(fits).cloned().collect()
    }

    /// Whether anything is to be told.
    pub(super) fn has_untold(&self) -> bool {
        !self.kept.untold.is_empty()
    }

    /// Central has kept `told`.
    pub(super) fn are_kept(&mut self, told: &[Done]) {
        let known = self.kept.untold.len();
        for done in mem::take(&mut self.kept.untold) {
            if told.contains(&done) {
                self.kept.told.push_back(done)
            } else {
                self.kept.untold.push_back(done)
            }
        }
        let surplus = self.kept.told.len().saturating_sub(TOLD_MAX);
        self.kept.told.drain(..surplus);
        if self.kept.untold.len() < known {
            self.write();
        }
    }

    fn enqueue(&mut self, number: u64, waiting: Waiting) {
        if self.queue.len() < QUEUE_MAX {
            self.queue.entry(number).or_insert(waiting);
        }
    }

    /// Central gives an order that was done: it has lost what became of it, or what the box told is still under way.
    fn tell_again(&mut self, number: u64) {
        let is = |done: &Done| done.order == number;
        if self.kept.begun == Some(number) || self.kept.untold.iter().any(is) {
            return;
        }
        let told = self.kept.told.iter().find(|done| is(done)).cloned();
        let done = told.unwrap_or_else(|| failed(number, "it was done before; what came of it is forgotten"));
        if self.kept.untold.len() < UNTOLD_MAX {
            self.kept.untold.push_back(done);
        }
    }

    fn write(&self) -> bool {
        let written = serde_json::to_vec(&self.kept)
            .map_err(io::Error::from)
            .and_then(|bytes| files::replace(&self.path, &bytes));
        if let Err(error) = &written {
            warn!(cause = %error, "what became of orders cannot be written");
        }
        written.is_ok()
    }
}

fn read(path: &PathBuf) -> io::Result<Kept> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => Ok(serde_json::from_slice(&fs::read(path)?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}

fn failed(order: u64, text: &str) -> Done {
    Done { order, well: false, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(numbers: &[u64], expires: i64) -> Answer {
        let order =
            |number: &u64| serde_json::json!({"number": number, "expires": expires, "what": {"do": "fetch"}});
        Answer { at: 1000, orders: numbers.iter().map(order).collect(), ..Answer::default() }
    }

    fn done(order: u64) -> Done {
        Done { order, well: true, text: "done".into() }
    }

    #[test]
    fn an_order_is_begun_once_though_it_is_given_again_and_the_daemon_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("orders");
        let mut orders = Orders::open(path.clone());
        orders.take(&answer(&[8, 7], 2000), Instant::now());
        assert_eq!(orders.begin().unwrap().number, 7);
        orders.take(&answer(&[7, 8], 2000), Instant::now());
        orders.finish(done(7));
        assert_eq!(orders.begin().unwrap().number, 8);
        let mut orders = Orders::open(path.clone());
        orders.take(&answer(&[7, 8], 2000), Instant::now());
        assert!(orders.begin().is_none());
        let cut = failed(8, "the daemon ended while it was carried out");
        assert_eq!(orders.untold(), [done(7), cut.clone()]);
        orders.are_kept(&[done(7)]);
        assert_eq!(Orders::open(path).untold(), [cut]);
    }

    #[test]
    fn what_is_too_late_or_unknown_is_told_and_not_done() {
        let dir = tempfile::tempdir().unwrap();
        let mut orders = Orders::open(dir.path().join("orders"));
        orders.take(&answer(&[3], 1000), Instant::now());
        let mut unknown = answer(&[], 0);
        unknown.orders.push(serde_json::json!({"number": 4, "expires": 9, "what": {"do": "dance"}}));
        unknown.orders.push(serde_json::json!("no order"));
        orders.take(&unknown, Instant::now());
        assert!(orders.begin().is_none());
        let numbers: Vec<_> = orders.untold().iter().map(|done| (done.order, done.well)).collect();
        assert_eq!(numbers, [(3, false), (4, false)]);
    }

    #[test]
    fn a_central_that_lost_what_it_was_told_is_told_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut orders = Orders::open(dir.path().join("orders"));
        orders.take(&answer(&[5], 2000), Instant::now());
        orders.begin().unwrap();
        orders.finish(done(5));
        orders.are_kept(&[done(5)]);
        assert!(!orders.has_untold());
        orders.take(&answer(&[4, 5], 2000), Instant::now());
        assert!(orders.begin().is_none());
        assert_eq!(orders.untold()[1], done(5));
        assert!(!orders.untold()[0].well);
    }

    #[test]
    fn a_file_of_garbage_is_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("orders");
        fs::write(&path, "{\"last\": -").unwrap();
        let mut orders = Orders::open(path);
        orders.take(&answer(&[5], 2000), Instant::now());
        assert_eq!(orders.begin().unwrap().number, 5);
    }
}
