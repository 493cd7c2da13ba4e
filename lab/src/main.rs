//! The `preau-lab` command.

fn main() {}
