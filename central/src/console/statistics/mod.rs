//! `/statistiques`: what schools asked for, counted, for the yearly evaluation: charts that the server draws, each with its
//! table, and all of it as CSV.

mod chart;
mod show;
#[cfg(test)]
mod tests;

pub(super) use show::router;
