//! All text of the portal, one place a language. A text that a language lacks does not compile.

mod cas;
mod category;
mod composed;
mod english;
mod fixed;
mod french;
mod sign_in;

pub(super) use cas::{CasWords, cas};
pub(super) use category::category;
pub(super) use english::ENGLISH;
pub(super) use fixed::Words;
pub(super) use french::FRENCH;
pub(super) use sign_in::SignInWords;
