//! Tests of the resolver that need messages and an upstream.

mod answers;
mod lookups;
mod replies;
pub(super) mod scene;
