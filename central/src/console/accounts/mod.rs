//! `/annuaire`: who is in the schools, in counts: feeds that came, what is held of them, what each box has. Nobody's name is
//! shown; who is in a school is seen in the school.

mod deposit;
mod feed;
mod list;
#[cfg(test)]
mod tests;

pub(super) use list::router;
