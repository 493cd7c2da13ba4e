//! `/import`: the list of establishments, as the ministry publishes it, looked at before anything is entered.

mod entering;
mod list;
mod page;

pub(super) use entering::{Entering, enter_all};
pub(super) use list::{Fault, Read};
pub(super) use page::router;
