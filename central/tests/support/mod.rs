//! Real servers for tests, started by the test and gone with it.

pub mod postgresql;

use std::path::PathBuf;

use preau_central::database::Location;
use tempfile::TempDir;

/// A database of a test's own.
pub struct Engine {
    /// Which engine.
    pub name: &'static str,
    /// Where the database is.
    pub location: Location,
    _dir: Option<TempDir>,
}

/// An empty database of each engine.
#[expect(dead_code, reason = "each test binary has its own of these")]
pub async fn engines() -> [Engine; 2] {
    [sqlite(), postgres().await]
}

/// An empty SQLite file.
pub fn sqlite() -> Engine {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("central.sqlite");
    Engine { name: "SQLite", location: Location::Sqlite(path), _dir: Some(dir) }
}

/// An empty database on the PostgreSQL server that all tests of this binary share.
pub async fn postgres() -> Engine {
    let url = postgresql::Server::shared().create_database().await;
    Engine { name: "PostgreSQL", location: Location::Postgres(url), _dir: None }
}
