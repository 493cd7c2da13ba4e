//! The commands of `preau-lab`, one function each.

pub(crate) mod act;
pub(crate) mod bypass;
pub(crate) mod fleet;
pub(crate) mod load;
pub(crate) mod measure;
pub(crate) mod office;
pub(crate) mod pictures;
pub(crate) mod serve;
pub(crate) mod tour;
pub(crate) mod up;
