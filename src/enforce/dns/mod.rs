//! The filtering resolver (skeleton).

mod resolver;

pub use resolver::{Family, ResolveError, Resolver};
