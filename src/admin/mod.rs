//! Acts of administration inside the school: one list of what may be done, who may do it, and a trail of what was done.
//!
//! A page never changes anything itself. It asks [`rights`](may) for a [`Granted`], and an act takes that as its proof, is
//! written into the trail in the same transaction as what it changes, and only then counts.

mod announcements;
mod devices;
mod feeds;
mod forgetting;
mod health;
mod lasting;
mod library;
mod not_done;
mod opening_table;
mod openings;
mod repair_table;
mod repairs;
mod request_table;
mod requests;
mod rights;
mod sign_outs;
mod store;
#[cfg(test)]
mod test_office;
#[cfg(test)]
mod tests;
mod text;
mod trail;
mod vouchers;
mod whom;

pub use announcements::{Announced, Announcement, AnnouncementRefusal, Announcements};
pub use devices::{Described, DeviceRefusal, Devices};
pub use feeds::{FeedRefusal, Feeds};
pub use health::{
    CalendarEnd, DirectoryFault, DirectoryHealth, Disk, Download, Fault, Finding, Severity, Snapshot,
    TunnelDown, Until, findings,
};
pub use lasting::Lasts;
pub use library::LibraryAct;
pub use not_done::NotDone;
pub use opening_table::Running;
pub use openings::{Decision, Openings};
pub use repair_table::{RepairDone, RepairEnd, RepairSession};
pub use repairs::{RepairRefusal, RepairWanted, Repairs};
pub use request_table::{Asking, Request, State, Wish};
pub use requests::{Answer, Requests, may_ask_to_close};
pub use rights::{Act, Actor, Granted, NotGranted, may};
pub use store::Store;
#[cfg(test)]
pub(crate) use test_office::Office;
pub use text::{OneLine, Paragraph, TextRefusal};
pub use trail::Done;
pub use vouchers::{Batch, Issue, Sheet, SheetCode, VoucherRefusal, Vouchers};
pub use whom::Whom;
