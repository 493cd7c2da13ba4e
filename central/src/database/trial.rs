//! Where the tests of this library have their databases: SQLite, and once more PostgreSQL.

#[path = "../../tests/support/once_more.rs"]
mod again;
#[path = "../../tests/support/postgresql.rs"]
mod postgresql;

use std::path::Path;

use super::Location;

/// The database of a test, empty when it is first asked for: the SQLite file at `path`, or what stands for it.
pub(crate) async fn location(path: &Path) -> Location {
    match again::url(path).await {
        Some(url) => Location::Postgres(url),
        None => Location::Sqlite(path.to_owned()),
    }
}

/// One test is about the SQLite file itself.
#[test]
fn every_statement_of_every_part_holds_on_postgresql() {
    let which = ["channel::", "console::", "editions::", "fleet::", "metrics::", "people::"];
    let not = ["a_central_restored"];
    again::once_more("every_statement_of_every_part_holds_on_postgresql", &which, &not);
}

/// What only the tests of other binaries have a use for.
const _: fn() = || {
    use postgresql::Server;
    let _ = (Server::shared, Server::stop, Server::start_again, Server::create_database);
    let _ = (Server::url_by_tcp, Server::roots_path);
};
