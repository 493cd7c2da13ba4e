//! The rows, a file a family. A row is one function and one line in its family's table.

mod browser;
mod dns;
mod doh;
mod life;
mod neighbours;
mod network;
mod quic;
mod search;
mod tls;
mod tor;
mod tunnels;
mod vpn;
mod web;

use super::Row;

/// The families, in the order of play: those that disturb the school come last.
const FAMILIES: [&[Row]; 14] = [
    web::ROWS,
    dns::ROWS,
    doh::ROWS,
    tls::ROWS,
    quic::ROWS,
    browser::ROWS,
    vpn::ROWS,
    tor::ROWS,
    search::ROWS,
    network::ROWS,
    neighbours::ROWS,
    tunnels::ROWS,
    quic::FILTERED,
    life::ROWS,
];

/// Every row, in the order of play.
pub fn all() -> impl Iterator<Item = &'static Row> {
    FAMILIES.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::bypass::lessons::LESSONS;

    #[test]
    fn every_row_has_a_name_of_its_own_a_program_and_a_lesson() {
        let names: HashSet<_> = all().map(|row| row.id).collect();
        assert_eq!(names.len(), all().count());
        for row in all() {
            assert!(!row.tools.is_empty(), "{}", row.id);
            assert!(LESSONS.iter().any(|lesson| lesson.number == row.lesson), "{}", row.id);
        }
    }
}
