//! The signed channel, the box's side: what the box takes of its school's view of the repository (TUF).
//!
//! ```text
//! source (HTTPS, folder, stick) ─▶ trust (tough: signatures, versions) ─▶ view (what is named, by whom)
//!                                                                           │
//!          downloads (parts, resumed; rate, window, budget, room) ◀─────────┤
//!                                                                           ▼
//!                                       policy (the index and its documents, whole) ─▶ the judge ─▶ in force
//! ```
//!
//! Nothing here counts for where it came from: a source can only withhold. What lies on disk:
//!
//! ```text
//! <state_dir>/central/root.json       the root of trust, and trust/root.json, the same once more
//!                     trust/          timestamp.json and snapshot.json last seen: nothing goes back behind them
//!                     metadata/       the other metadata of the view, so that only what changed is fetched
//!                     parts/          what is being fetched: <sha256>.part, and <sha256> once it is whole
//!                     view            the version of the view last taken whole, as text
//!                     budget          the day, and the bytes fetched in it
//! ```
//!
//! **Time.** The metadata expire by the box's clock. Where the clock is doubted, the time that central told counts if the
//! ratchet has nothing against it; without such a time nothing is taken and what is in force stays. tough's own memory of
//! the time is not used: one start in 2099 would lock a box out for good.

mod allowance;
mod downloads;
mod folder;
mod metadata;
mod piece;
mod policy;
mod refusal;
mod service;
mod sharing;
mod source;
mod targets;
mod trust;
mod view;
mod web;

#[cfg(test)]
mod tests;

pub use allowance::{Awaited, LineBytes, Waits};
pub use refusal::{Refusal, Why};
pub use service::{Channel, ChannelSettings, Check, Refreshed};
pub use targets::Targets;
