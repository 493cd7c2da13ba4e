//! The channel from both ends: what was placed, and what a box's client finds.

mod bench;
mod publishing;
mod sequences;
mod upkeep;
