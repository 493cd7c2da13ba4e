//! Filtering for a fleet: who decides what, how it is tested before, and how it comes to the schools.
//!
//! A place's [`Document`] is written as a [`Draft`] by [`Edit`]s and published as a [`Version`]; no school has it yet. A
//! [`Release`] brings versions to the schools in waves, watches what boxes report, and halts by itself; what a school is held
//! to is composed of the versions above it and its own, and is asked ([`ask()`]) and rehearsed with the judge that boxes run.

mod ask;
mod calendar;
mod composed;
mod difference;
mod document;
#[cfg(test)]
mod document_tests;
mod drafts;
mod edit;
mod fault;
mod fleet;
mod folder;
mod follow;
mod given;
mod hearing;
mod lists;
mod plan;
mod publish;
mod refused;
mod register;
mod rehearsal;
mod releases;
mod rollout;
#[cfg(test)]
mod rollout_tests;
mod silent;
mod standing;
mod stride;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod versions;
mod wanted;
mod waves;
#[cfg(test)]
mod waves_tests;
mod week;

pub use ask::{Answered, Asked, Judged, Spoke, Who, answer, ask};
pub use calendar::{
    CALENDAR_TARGET, Calendar, CalendarRefused, calendar, calendar_history, publish_calendar,
};
pub use composed::{Composed, Layer, with_draft};
pub use difference::{Change, Difference, Field, Kind, field_words};
pub use document::{Document, Effect, Rule, Search, Week, level_of};
pub use drafts::{Draft, Proposal, all as all_drafts, begin, discard, edit, find as find_draft, look_again};
pub use edit::{Edit, EditError};
pub use fault::{Fault, Part};
pub use folder::{check, export, import, read as read_folder};
pub use follow::follow_lists;
pub use given::{Content, Given, history as given_history};
pub use hearing::{Warning, Warnings, warnings};
pub use lists::Lists;
pub use plan::{Plan, Reach, Stage, Then};
pub use publish::{Act, Published, TwoPersons, approve, publish};
pub use refused::{REASON_CHARS_MAX, Refused};
pub use rehearsal::{ByRule, NAMED_FROM, Rehearsal, Rehearsed};
pub use releases::{
    Moved, Release, find as find_release, go_on, halt, open as open_releases, pause, reached,
    recent as recent_releases, roll_back, start,
};
pub use rollout::Rollout;
pub use silent::{Silent, silent};
pub use standing::{Progress, Standing, WhyNot, progress, standing};
pub use tables::PART;
pub use versions::{
    Version, difference, find as find_version, history, latest as latest_version, places, target,
};
pub use wanted::{Stack, Wanted, compose, layers};
pub use waves::{Baseline, Became, Counts, Halt, Known, Reached, Scene, State, Step};
pub use week::{SCHOOLS_REHEARSED_MAX, WeekAsked, rehearse_week};
