//! Supervision by others: figures of central and its fleet, for those who watch with their own tools.
//!
//! [`Watched`] looks at everything when it is asked, [`figures`] writes it down as OpenMetrics. What they are called, which
//! alerts are made of them and what to do then is in `docs/supervision.md`. What cannot wait until somebody looks, central says
//! by itself: [`alarms`].

pub mod alarms;
mod certificates;
mod figures;

mod look;

pub use figures::figures;
pub use look::{DueSince, Look, Stood, Watched};
