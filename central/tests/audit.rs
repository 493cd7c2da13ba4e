//! What holds of the audit trail, on SQLite and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
mod support;

use preau::model::{Moment, Uai};
use preau_central::{
    audit::{self, Broken, Filter, Head, LINES_MAX, Unverified, Who, note},
    database::{Database, Location},
    words::{DepartementCode, PersonId, Place},
};

on_both!(
    every_line_holds_the_one_before,
    an_act_that_is_dropped_leaves_no_line,
    the_database_refuses_to_touch_a_line,
    a_line_changed_behind_our_back_is_found,
    a_line_taken_out_is_found,
    a_trail_that_lost_its_end_is_found_by_a_head_kept_elsewhere,
    a_trail_made_anew_is_found_by_a_head_kept_elsewhere,
    lines_are_read_by_person_place_act_and_time,
    a_long_trail_comes_by_pages,
    a_table_has_every_line_and_no_formula,
);

async fn open(location: &Location) -> Database {
    Database::open(location, &[audit::PART]).await.unwrap()
}

fn camille() -> Who {
    Who::Person(PersonId(3), "Camille Exemple".into())
}

fn school() -> Place {
    Place::School(Uai::new("0809999Z").unwrap())
}

/// Six lines, a second apart.
async fn six_lines(database: &Database) -> Head {
    let somme = Place::Departement(DepartementCode::new("80").unwrap());
    let box_itself = Who::School(Uai::new("0809999Z").unwrap());
    let acts = [
        (camille(), "publish", Some(Place::Academie), "version 1"),
        (camille(), "publish", Some(somme.clone()), "version 2, « été »"),
        (Who::Central, "halt", Some(somme), ""),
        (box_itself, "enrol", Some(school()), "=1+1"),
        (Who::Person(PersonId(4), "Dominique Exemple".into()), "order", Some(school()), "diagnostics"),
        (camille(), "sign-in", None, "-"),
    ];
    for (second, (who, act, place, text)) in (1..).zip(acts) {
        let mut write = database.write().await.unwrap();
        note(&mut write, Moment::from_unix_seconds(second), &who, act, place.as_ref(), text).await.unwrap();
        write.commit().await.unwrap();
    }
    audit::verify(database, &[]).await.unwrap()
}

/// Does what no part of central does, with the triggers out of the way.
async fn behind_our_back(location: &Location, sql: &str) {
    match location {
        Location::Sqlite(path) => {
            let connection = rusqlite::Connection::open(path).unwrap();
            let gone =
                ["stays", "kept", "next"].map(|name| format!("DROP TRIGGER audit_line_{name};")).concat();
            connection.execute_batch(&format!("{gone}{sql}")).unwrap();
        }
        Location::Postgres(url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let sql = format!("ALTER TABLE audit_line DISABLE TRIGGER ALL; {sql}");
            let (done, _) = tokio::join!(async move { client.batch_execute(&sql).await }, connection);
            done.unwrap();
        }
    }
}

async fn broken_at(database: &Database, known: &[Head]) -> i64 {
    match audit::verify(database, known).await {
        Err(Unverified::Broken(Broken { at })) => at,
        other => panic!("{other:?}"),
    }
}

async fn every_line_holds_the_one_before(location: Location) {
    let database = open(&location).await;
    let head = audit::verify(&database, &[]).await.unwrap();
    assert_eq!(head.number, 0);
    let head = six_lines(&database).await;
    assert_eq!(head.number, 6);
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    assert_eq!(audit::verify(&database, &[head]).await.unwrap(), head);
    let lines = audit::read(&database, &Filter::default(), None).await.unwrap();
    assert_eq!(lines[4].who, camille());
    assert_eq!(lines[4].text, "version 2, « été »");
    assert_eq!(lines[4].at, Moment::from_unix_seconds(2));
}

async fn an_act_that_is_dropped_leaves_no_line(location: Location) {
    let database = open(&location).await;
    let mut write = database.write().await.unwrap();
    note(&mut write, Moment::from_unix_seconds(1), &camille(), "publish", None, "x").await.unwrap();
    drop(write);
    assert_eq!(six_lines(&database).await.number, 6);
}

async fn the_database_refuses_to_touch_a_line(location: Location) {
    let database = open(&location).await;
    let head = six_lines(&database).await;
    for sql in [
        "UPDATE audit_line SET text = 'x' WHERE number = 2",
        "UPDATE audit_line SET number = 7 WHERE number = 6",
        "DELETE FROM audit_line WHERE number = 6",
        "DELETE FROM audit_line",
        "INSERT INTO audit_line SELECT 9, at, who, who_id, who_name, act, place, text, digest FROM audit_line WHERE number = 1",
        "INSERT INTO audit_line SELECT 6, at, who, who_id, who_name, act, place, text, digest FROM audit_line WHERE number = 1",
    ] {
        let mut write = database.write().await.unwrap();
        let refused = format!("{:#}", write.execute(sql, &[]).await.unwrap_err());
        assert!(refused.contains("lines of the audit trail are"), "{sql}: {refused}");
    }
    let engines_own = match location {
        Location::Sqlite(_) => {
            "INSERT OR REPLACE INTO audit_line SELECT 6, at, who, who_id, who_name, act, place, 'x', digest FROM audit_line WHERE number = 6"
        }
        Location::Postgres(_) => "TRUNCATE audit_line",
    };
    assert!(database.write().await.unwrap().execute(engines_own, &[]).await.is_err());
    assert_eq!(audit::verify(&database, &[]).await.unwrap(), head);
}

async fn a_line_changed_behind_our_back_is_found(location: Location) {
    let database = open(&location).await;
    six_lines(&database).await;
    behind_our_back(&location, "UPDATE audit_line SET who_name = 'Autre Exemple' WHERE number = 2").await;
    assert_eq!(broken_at(&database, &[]).await, 2);
}

async fn a_line_taken_out_is_found(location: Location) {
    let database = open(&location).await;
    six_lines(&database).await;
    behind_our_back(&location, "DELETE FROM audit_line WHERE number = 4").await;
    assert_eq!(broken_at(&database, &[]).await, 4);
}

async fn a_trail_that_lost_its_end_is_found_by_a_head_kept_elsewhere(location: Location) {
    let database = open(&location).await;
    let head = six_lines(&database).await;
    behind_our_back(&location, "DELETE FROM audit_line WHERE number > 4").await;
    assert_eq!(audit::verify(&database, &[]).await.unwrap().number, 4);
    assert_eq!(broken_at(&database, &[head]).await, 5);
}

async fn a_trail_made_anew_is_found_by_a_head_kept_elsewhere(location: Location) {
    let database = open(&location).await;
    let head = six_lines(&database).await;
    behind_our_back(&location, "DELETE FROM audit_line").await;
    for second in 1..=7 {
        let mut write = database.write().await.unwrap();
        note(&mut write, Moment::from_unix_seconds(second), &Who::Central, "halt", None, "x").await.unwrap();
        write.commit().await.unwrap();
    }
    assert_eq!(audit::verify(&database, &[]).await.unwrap().number, 7);
    assert_eq!(broken_at(&database, &[head]).await, 6);
}

async fn lines_are_read_by_person_place_act_and_time(location: Location) {
    let database = open(&location).await;
    six_lines(&database).await;
    let numbers = async |filter: Filter| {
        let lines = audit::read(&database, &filter, None).await.unwrap();
        lines.iter().map(|line| line.number).collect::<Vec<_>>()
    };
    let all = Filter::default;
    assert_eq!(numbers(all()).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(Filter { person: Some(PersonId(3)), ..all() }).await, [6, 2, 1]);
    assert_eq!(numbers(Filter { places: vec![school(), Place::Academie], ..all() }).await, [5, 4, 1]);
    assert_eq!(numbers(Filter { act: Some("publish".into()), ..all() }).await, [2, 1]);
    let (from, to) = (Some(Moment::from_unix_seconds(2)), Some(Moment::from_unix_seconds(4)));
    assert_eq!(numbers(Filter { from, to, ..all() }).await, [3, 2]);
    assert_eq!(
        numbers(Filter { from, person: Some(PersonId(3)), act: Some("sign-in".into()), ..all() }).await,
        [6]
    );
    let too_many = vec![school(); 2001];
    assert!(audit::read(&database, &Filter { places: too_many, ..all() }, None).await.is_err());
}

async fn a_long_trail_comes_by_pages(location: Location) {
    let database = open(&location).await;
    let mut write = database.write().await.unwrap();
    for second in 1..=LINES_MAX + 1 {
        let text = "é".repeat(3000);
        note(&mut write, Moment::from_unix_seconds(second), &Who::Central, "halt", None, &text)
            .await
            .unwrap();
    }
    write.commit().await.unwrap();
    let first = audit::read(&database, &Filter::default(), None).await.unwrap();
    assert_eq!((first.len(), first[0].number), (200, 201));
    assert_eq!(first[0].text.chars().count(), 2001);
    let next = audit::read(&database, &Filter::default(), Some(first[199].number)).await.unwrap();
    assert_eq!((next.len(), next[0].number), (1, 1));
    assert_eq!(audit::verify(&database, &[]).await.unwrap().number, 201);
    let mut table = Vec::new();
    audit::write_csv(&database, &Filter::default(), &mut table).await.unwrap();
    assert_eq!(table.split(|byte| *byte == b'\n').count(), 203);
}

async fn a_table_has_every_line_and_no_formula(location: Location) {
    let database = open(&location).await;
    six_lines(&database).await;
    let mut table = Vec::new();
    audit::write_csv(
        &database,
        &Filter { from: Some(Moment::from_unix_seconds(4)), ..Filter::default() },
        &mut table,
    )
    .await
    .unwrap();
    let expected = "number,at,who,who_id,name,act,place,text\n\
        4,1970-01-01T00:00:04Z,school,0809999Z,,enrol,etablissement/0809999Z,'=1+1\n\
        5,1970-01-01T00:00:05Z,person,4,Dominique Exemple,order,etablissement/0809999Z,diagnostics\n\
        6,1970-01-01T00:00:06Z,person,3,Camille Exemple,sign-in,,'-\n";
    assert_eq!(String::from_utf8(table).unwrap(), expected);
}
