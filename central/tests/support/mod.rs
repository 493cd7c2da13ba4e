//! Real servers for tests, started by the test and gone with it.

pub(crate) mod once_more;
pub(crate) mod postgresql;

use std::path::Path;

use preau_central::database::Location;
use tempfile::TempDir;

/// A database of a test's own.
pub(crate) struct Engine {
    /// Which engine.
    pub(crate) name: &'static str,
    /// Where the database is.
    pub(crate) location: Location,
    _dir: Option<TempDir>,
}

/// An empty database of each engine.
pub(crate) async fn engines() -> [Engine; 2] {
    [sqlite(), postgres().await]
}

/// The database of a test that runs on either engine, empty when it is first asked for: the SQLite file at `path`, or what
/// stands for it where the tests run once more.
pub(crate) async fn location(path: &Path) -> Location {
    once_more::url(path).await.map_or_else(|| Location::Sqlite(path.to_owned()), Location::Postgres)
}

/// An empty SQLite file.
pub(crate) fn sqlite() -> Engine {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("central.sqlite");
    Engine { name: "SQLite", location: Location::Sqlite(path), _dir: Some(dir) }
}

/// An empty database on the PostgreSQL server that all tests of this binary share.
pub(crate) async fn postgres() -> Engine {
    let url = postgresql::Server::shared().create_database().await;
    Engine { name: "PostgreSQL", location: Location::Postgres(url), _dir: None }
}

/// Not every test binary has a use for all of these.
const _: fn() = || {
    let _ = (engines, sqlite, postgres, |engine: Engine| (engine.name, engine.location));
    let _ = (|path: &'static Path| location(path), once_more::once_more);
    let _ = (postgresql::Server::stop, postgresql::Server::start_again);
    let _ = (postgresql::Server::url_by_tcp, postgresql::Server::roots_path);
};
