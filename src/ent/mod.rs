//! The ENT's cache: what a class has fetched once is there for all, fast, and is there when the line is not.
//!
//! A reverse proxy for the origins that the configuration names, and a shared cache as RFC 9111 has it. [`Cache::answer`]
//! takes a request of somebody whom the gate has let through and gives the answer; [`store`] keeps the bytes.
//!
//! # The road of a request
//!
//! 1. `asked`: which origin, under which key, by which rule; what can be read in two ways is refused.
//! 2. `held`: what is kept under the key that answers such a request (`vary`, `ranges`).
//! 3. `judge`: whether it is fresh enough (`directives`, `targeted`, `age`, `freshness`); then `give` sends it.
//! 4. `fetch`: else the origin is asked, once for all who wait (`flights`), on condition where something is held
//!    (`validation`). `storable` says what may be kept of the answer, `intake` writes it while others read it.
//! 5. Where the origin cannot be reached, what is held stands in as long as its rule says, with a mark on it (`mark`,
//!    `unpack`). Where nothing is held, the page that says so offers what there is instead (`offers`).
//!
//! What is no reading goes to the origin as it is; where the origin declares it replayable (`handing_in`), it waits in
//! [`deferred`] while the line is down.
//!
//! [`warm`] goes the same road at night for what nobody has asked for yet. The cache of updates is another one of these, of
//! [`Keep::Files`], which the interception proxy asks.
//!
//! # Whom a page can reach
//!
//! A page made for one person reaches another by no road: what is not marked as for all by its origin or by the rule of its
//! operator is never written; what is kept for a person lies under that person's key; cookies are never kept; and a
//! request in flight is shared only when the head of its answer says that it may.

mod age;
mod asked;
mod body;
mod cache;
mod cache_status;
mod crew;
mod date;
pub mod deferred;
mod directives;
mod fetch;
mod flights;
mod freshness;
mod give;
mod handing_in;
mod head;
mod held;
mod hop;
mod intake;
mod invalidation;
mod judge;
mod list;
mod mark;
mod offers;
mod origins;
mod person;
mod ranges;
mod refusal;
mod settings;
mod storable;
pub mod store;
mod targeted;
mod unpack;
mod upstream;
mod validation;
mod vary;
pub mod warm;

pub use body::{Body, CutShort};
pub use cache::{Cache, Visitor};
pub use head::exercise as exercise_head;
pub use person::{PersonKey, PersonKeys};
pub use refusal::is_refusal;
pub use settings::{Elsewhere, Keep, Origin, Paths, PathsError, Rule, Settings, Upstream, WriteRule};
pub use upstream::{Connect, Connecting, Connection};
