//! `/propositions`: acts that wait for a second person. An act of another module is one arm of `acts::carry_out`, and its
//! name one of `acts::name`.

mod acts;
mod show;

pub(super) use show::router;
