//! The judge: may this one reach that site now, by which rule, and what would change the answer. Pure: no I/O, no clock.

mod calendar;
pub mod category;
mod decision;
mod engines;
mod evasion;
mod explanation;
mod index;
mod judge;
mod may_open;
mod opening;
#[cfg(test)]
mod properties;
mod question;
mod remedies;
mod rule;
mod rule_file;
mod search;
#[cfg(test)]
mod search_properties;
mod sentences;
#[cfg(test)]
mod tests;
mod timetable;

pub use calendar::{CalendarError, CalendarWarning, Holiday, SchoolCalendar, SchoolZone};
pub use decision::{Cause, ListedBy, Matched, Origin, Permit, Refusal, Verdict};
pub use evasion::Evasion;
pub use explanation::{Change, Considered, Explanation, Part};
pub use judge::{Policy, PolicyError};
pub use may_open::MayOpen;
pub use opening::{Opening, Scope};
pub use question::Question;
pub use rule::{Effect, Level, Lock, People, Rule, SitePattern, Sites, Stranger, UrlPattern, When};
pub use rule_file::{Limits, RuleFile, RuleFileError};
pub use search::{SafeSearch, SearchRule, YouTube};
pub use timetable::{LocalMinute, Timetable};
