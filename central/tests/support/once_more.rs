//! The tests of a binary once more, on PostgreSQL: every statement is tried on both engines, and no test is written twice.
//!
//! Tests ask [`url`] where their database is to be; one test of the binary is [`once_more`], which starts a server and the
//! binary itself again with the server's address in its environment.

use std::{env, path::Path, process::Command};

use tokio_postgres::NoTls;

use super::postgresql::Server;

/// What leads to the server: its URL up to the name of a database.
const SERVER: &str = "PREAU_TEST_POSTGRESQL";

/// The URL of the database that stands for the file at `path`, empty when it is first asked for; none where this run is on
/// SQLite.
pub(crate) async fn url(path: &Path) -> Option<String> {
    let server = env::var(SERVER).ok()?;
    let digest = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    let name = format!("x{}", digest.get(..24).unwrap());
    let (client, connection) = tokio_postgres::connect(&format!("{server}postgres"), NoTls).await.unwrap();
    let make = async move {
        let sql = "SELECT 1 FROM pg_database WHERE datname = $1";
        if client.query(sql, &[&name]).await.unwrap().is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        }
        name
    };
    let (name, ended) = tokio::join!(make, connection);
    ended.unwrap();
    Some(format!("{server}{name}"))
}

/// Runs the tests of this binary whose names hold one of `which` (all where there is none) and none of `not` on PostgreSQL.
/// `itself` is the test that asks for it.
pub(crate) fn once_more(itself: &str, which: &[&str], not: &[&str]) {
    if env::var_os(SERVER).is_some() {
        return;
    }
    let server = Server::start();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(which).args(["--skip", itself]).env(SERVER, server.url(""));
    for skipped in not {
        command.args(["--skip", skipped]);
    }
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && !said.contains("ok. 0 passed"), "on PostgreSQL: {said}");
}
