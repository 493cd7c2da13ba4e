//! The interception proxy (skeleton).

mod refused;

pub use refused::{Page, RefusalPage, RefusedRequest};
