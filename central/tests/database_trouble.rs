//! What holds of the database when its server or its disk gives trouble, and of two instances on one PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod support;

use std::{collections::BTreeSet, fs, path::Path, process::Command, time::Duration};

use preau_central::database::{Database, EVERYTHING, Location, Part, Unreachable};
use support::postgresql::Server;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

const NOTES: Part = Part { name: "note", steps: &["CREATE TABLE note (id BIGINT PRIMARY KEY, bytes BLOB)"] };

async fn open(url: &str) -> Database {
    Database::open(&Location::Postgres(url.to_owned()), &[NOTES]).await.unwrap()
}

async fn add(database: &Database, id: i64) -> anyhow::Result<()> {
    let mut write = database.write().await?;
    write.execute("INSERT INTO note (id) VALUES ($1)", &[id.into()]).await?;
    write.signal(format!("note/{id}"));
    write.commit().await
}

async fn kept(database: &Database) -> BTreeSet<i64> {
    let rows = database.read("SELECT id FROM note", &[]).await.unwrap();
    rows.iter().map(|row| row.integer(0).unwrap()).collect()
}

/// Cuts every connection of `database`'s own database but this one's.
async fn cut_connections(database: &Database) -> i64 {
    let sql = "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()) AS cut";
    database.read(sql, &[]).await.unwrap()[0].integer(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_signals_the_other_hears_once() {
    let url = Server::shared().create_database().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let (mut here, mut there) = (one.signals().listen(), other.signals().listen());
    add(&one, 1).await.unwrap();
    add(&other, 2).await.unwrap();
    for heard in [&mut here, &mut there] {
        let mut topics = BTreeSet::new();
        for _ in 0..2 {
            topics.insert(timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap());
        }
        assert_eq!(topics, BTreeSet::from(["note/1".to_owned(), "note/2".to_owned()]));
    }
    sleep(Duration::from_millis(300)).await;
    assert!(here.try_recv().is_err() && there.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_signals_of_one_act_reach_the_other_instance() {
    let url = Server::shared().create_database().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let mut there = other.signals().listen();
    let hearing = async {
        let mut heard = 0;
        while heard < 10_000 {
            match there.recv().await {
                Ok(_) => heard += 1,
                Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => heard += missed,
                Err(closed) => panic!("{closed}"),
            }
        }
    };
    let mut write = one.write().await.unwrap();
    (0..10_000).for_each(|school| write.signal(format!("view/{school}")));
    write.commit().await.unwrap();
    timeout(Duration::from_secs(10), hearing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_was_cut_off_is_told_to_look_at_everything() {
    let url = Server::shared().create_database().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let mut heard = other.signals().listen();
    assert!(cut_connections(&one).await >= 3);
    let topic = timeout(Duration::from_secs(20), heard.recv()).await.unwrap().unwrap();
    assert_eq!(topic, EVERYTHING);
    add(&one, 1).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap(), "note/1");
}

/// Two instances write while all their connections are cut again and again: what was confirmed is there, what was refused is
/// not, and only of what broke at its very end nothing is known.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_nothing_that_was_confirmed() {
    let url = Server::shared().create_database().await;
    let (one, other, cutter) = (open(&url).await, open(&url).await, open(&url).await);
    let mut writing = JoinSet::new();
    for (database, start) in [(one.clone(), 0), (other, 10_000), (one, 20_000)] {
        writing.spawn(async move {
            let (mut confirmed, mut refused) = (BTreeSet::new(), BTreeSet::new());
            let until = Instant::now() + Duration::from_secs(4);
            for id in (start..).take_while(|_| Instant::now() < until) {
                match add(&database, id).await {
                    Ok(()) => drop(confirmed.insert(id)),
                    Err(error) => {
                        assert!(error.is::<Unreachable>(), "{error:#}");
                        if !format!("{error:#}").contains("look whether") {
                            refused.insert(id);
                        }
                    }
                }
            }
            (confirmed, refused)
        });
    }
    let mut cut = 0;
    for _ in 0..12 {
        sleep(Duration::from_millis(300)).await;
        cut += cut_connections(&cutter).await;
    }
    let done = writing.join_all().await;
    let kept = kept(&cutter).await;
    let refused: usize = done.iter().map(|(_, refused)| refused.len()).sum();
    assert!(cut > 12 && refused > 0, "{cut} connections cut, {refused} acts refused");
    for (confirmed, refused) in done {
        assert!(confirmed.len() > 20, "{} confirmed", confirmed.len());
        assert!(confirmed.is_subset(&kept));
        assert!(refused.is_disjoint(&kept));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_apart_and_everything_heals() {
    let server = Server::start();
    let url = server.create_database().await;
    let database = open(&url).await;
    let mut heard = database.signals().listen();
    add(&database, 1).await.unwrap();
    assert_eq!(heard.recv().await.unwrap(), "note/1");
    let mut write = database.write().await.unwrap();
    write.execute("INSERT INTO note (id) VALUES (2)", &[]).await.unwrap();
    server.stop();
    let lost = write.commit().await.unwrap_err();
    assert!(lost.is::<Unreachable>(), "{lost:#}");
    for _ in 0..3 {
        let refused = add(&database, 3).await.unwrap_err();
        assert!(refused.is::<Unreachable>(), "{refused:#}");
        assert!(format!("{refused:#}").contains("see that it runs"), "{refused:#}");
        let refused = database.read("SELECT id FROM note", &[]).await.unwrap_err();
        assert!(refused.is::<Unreachable>(), "{refused:#}");
    }
    let refused = Database::open(&Location::Postgres(url), &[NOTES]).await.unwrap_err();
    assert!(refused.is::<Unreachable>(), "{refused:#}");
    server.start_again();
    assert_eq!(kept(&database).await, BTreeSet::from([1]));
    add(&database, 3).await.unwrap();
    let mut topics = BTreeSet::new();
    while topics.len() < 2 {
        topics.insert(timeout(Duration::from_secs(20), heard.recv()).await.unwrap().unwrap());
    }
    assert_eq!(topics, BTreeSet::from(["note/3".to_owned(), EVERYTHING.to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_takes_ten_connections_at_most() {
    let url = Server::shared().create_database().await;
    let (database, watching) = (open(&url).await, open(&url).await);
    let mut reading = JoinSet::new();
    for _ in 0..60 {
        let database = database.clone();
        reading.spawn(async move {
            database.read("SELECT COUNT(*) FROM (SELECT pg_sleep(0.05)) AS s", &[]).await.unwrap()
        });
    }
    sleep(Duration::from_millis(200)).await;
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()";
    let open = watching.read(sql, &[]).await.unwrap()[0].integer(0).unwrap();
    reading.join_all().await;
    // The other instance has three of its own: it writes once, reads, listens.
    assert!((6..=13).contains(&open), "{open} connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_believed_by_its_certificate() {
    let server = Server::shared();
    let database = server.create_database().await.rsplit('/').next().unwrap().to_owned();
    let roots = server.roots_path();
    let open = async |host: &str, query: &str| {
        let url = format!("{}?{query}", server.url_by_tcp(host, &database));
        Database::open(&Location::Postgres(url), &[NOTES]).await
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", roots.display());
    let sealed = open("localhost", &trusted).await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()";
    assert_eq!(sealed.read(sql, &[]).await.unwrap()[0].integer(0).unwrap(), 1);
    for (host, query) in [("127.0.0.1", trusted.as_str()), ("localhost", "sslmode=verify-full")] {
        let refused = format!("{:#}", open(host, query).await.unwrap_err());
        assert!(refused.contains("certificate"), "{refused}");
    }
    let plain = open("localhost", "sslmode=disable").await.unwrap();
    assert_eq!(plain.read(sql, &[]).await.unwrap()[0].integer(0).unwrap(), 0);
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let server = Server::shared();
    let url = server.create_database().await;
    let database = open(&url).await;
    let name = url.rsplit('/').next().unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let sql = format!("CREATE DATABASE {name}latin ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    let (made, _) = tokio::join!(async move { client.batch_execute(&sql).await }, connection);
    made.unwrap();
    let refused = Database::open(&Location::Postgres(format!("{url}latin")), &[NOTES]).await.unwrap_err();
    assert!(format!("{refused:#}").contains("ENCODING 'UTF8'"), "{refused:#}");
    drop(database);
}

#[tokio::test]
async fn a_backup_is_a_database_as_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(&Location::Sqlite(dir.path().join("x")), &[NOTES]).await.unwrap();
    add(&database, 1).await.unwrap();
    let write = database.write().await.unwrap();
    let copy_path = dir.path().join("copy");
    database.back_up(&copy_path).await.unwrap();
    drop(write);
    add(&database, 2).await.unwrap();
    assert!(database.back_up(&copy_path).await.is_err());
    let copy = Database::open(&Location::Sqlite(copy_path), &[NOTES]).await.unwrap();
    assert_eq!(kept(&copy).await, BTreeSet::from([1]));
}

/// The disk is one of 3 MB in a mount namespace, which this test starts itself again in.
#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_half_written() {
    const DIR: &str = "PREAU_TEST_SMALL_DISK";
    if let Some(dir) = std::env::var_os(DIR) {
        return fill_the_disk(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=3m none "$0" && exec "$@""#;
    let done = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "a_full_disk_is_named_and_nothing_is_half_written"])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "a small disk in a mount namespace: {said}");
}

async fn fill_the_disk(dir: &Path) {
    let database = Database::open(&Location::Sqlite(dir.join("x")), &[NOTES]).await.unwrap();
    add(&database, 1).await.unwrap();
    let filler_path = dir.join("filler");
    fs::write(&filler_path, vec![0; 1 << 20]).unwrap();
    let add_much = async |id: i64| {
        let mut write = database.write().await?;
        for id in id..id + 100 {
            write
                .execute("INSERT INTO note (id, bytes) VALUES ($1, $2)", &[id.into(), vec![7; 50_000].into()])
                .await?;
        }
        write.commit().await
    };
    for _ in 0..3 {
        let refused: anyhow::Error = add_much(100).await.unwrap_err();
        assert!(refused.is::<Unreachable>(), "{refused:#}");
        assert!(format!("{refused:#}").contains("the disk of the database is full"), "{refused:#}");
        assert_eq!(kept(&database).await, BTreeSet::from([1]));
    }
    fs::remove_file(&filler_path).unwrap();
    add(&database, 2).await.unwrap();
    assert_eq!(kept(&database).await, BTreeSet::from([1, 2]));
}
