//! The packet filter: the standing part of the rules as one nftables ruleset (skeleton).

mod opened;

pub use opened::Opened;
