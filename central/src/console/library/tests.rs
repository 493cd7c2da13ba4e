//! The library at the console: what a person with the right does there, and what schools said of it.

use axum::http::StatusCode;
use preau::{
    model::Uai,
    protocol::line::{Figures, Report, Shelved},
};

use crate::{
    console::backstage::Backstage,
    content,
    words::{Place, Right},
};

/// Has schools say how a package stands there: school, version, bytes that are missing.
async fn hear(backstage: &Backstage, told: &[(&str, u64, u64)]) {
    for (school, version, missing_bytes) in told {
        let shelved = Shelved { id: "atlas".into(), version: *version, missing_bytes: *missing_bytes };
        let figures = Figures { library: vec![shelved], ..Figures::default() };
        let report = Report { figures, ..Report::default() };
        backstage.hear(&Uai::new(school).unwrap(), &report).await;
    }
}

fn row(text: &str) -> String {
    let row = text.split("<tr>").find(|row| row.contains("/bibliotheque/atlas")).unwrap_or_default();
    let row = row.split("</tr>").next().unwrap_or_default();
    row.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_package_is_approved_in_the_version_that_was_looked_at_and_the_trail_names_who_did() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    backstage.add_package("atlas", "Atlas <b>").await;
    let shown = backstage.get(&chief, "/bibliotheque").await.text;
    assert!(shown.contains("À valider") && shown.contains("Atlas &#60;b&#62;"), "{shown}");
    let form = |version| [("version", version), ("comite", "Comité d’éthique"), ("date", "2026-11-20")];
    for (form, status) in [
        ([("version", "1"), ("comite", " "), ("date", "2026-11-20")], StatusCode::SEE_OTHER),
        ([("version", "1"), ("comite", "Comité"), ("date", "hier")], StatusCode::SEE_OTHER),
        (form("2"), StatusCode::CONFLICT),
    ] {
        assert_eq!(backstage.post(&chief, "/bibliotheque/atlas/valider", &form).await.status, status);
        let known = content::all(&backstage.database).await.unwrap();
        assert!(known[0].package.approved.is_none(), "{form:?}");
    }
    let done = backstage.post(&chief, "/bibliotheque/atlas/valider", &form("1")).await;
    assert_eq!(done.location(), "/bibliotheque/atlas");
    let shown = backstage.get(&chief, "/bibliotheque").await.text;
    assert!(row(&shown).contains("Comité d’éthique, 2026-11-20") && !shown.contains("À valider"), "{shown}");
    // A second version waits, and the first one is still offered.
    backstage.add_package("atlas", "Atlas, deuxième").await;
    assert_eq!(
        backstage.post(&chief, "/bibliotheque/atlas/valider", &form("1")).await.status,
        StatusCode::CONFLICT
    );
    let shown = row(&backstage.get(&chief, "/bibliotheque").await.text);
    assert!(shown.contains("2026-11-20") && shown.contains("nouvelle version est à valider"), "{shown}");
    let trail = backstage.get(&chief, "/journal").await.text;
    assert!(trail.contains("package atlas approved by Comité d’éthique") && trail.contains("Camille chef"));
    let gone = backstage.post(&chief, "/bibliotheque/atlas/retirer", &[]).await;
    assert_eq!(gone.location(), "/bibliotheque");
    assert!(content::all(&backstage.database).await.unwrap().iter().all(|known| known.removed.is_some()));
    assert_eq!(backstage.get(&chief, "/bibliotheque/atlas").await.status, StatusCode::NOT_FOUND);
    let again = backstage.post(&chief, "/bibliotheque/atlas/retirer", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn schools_are_counted_as_their_boxes_said_and_only_those_the_visitor_may_see() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    for _ in 0..2 {
        backstage.add_package("atlas", "Atlas").await;
    }
    let form = [("version", "2"), ("comite", "Comité"), ("date", "2026-11-20")];
    backstage.post(&chief, "/bibliotheque/atlas/valider", &form).await;
    hear(&backstage, &[("0800001A", 2, 0), ("0800002B", 1, 500), ("0600003C", 0, 800)]).await;
    let shown = row(&backstage.get(&chief, "/bibliotheque").await.text);
    let numbers: Vec<_> = shown.split_whitespace().rev().take(3).collect();
    assert_eq!(numbers, ["2", "1", "1"], "coming, older, here: {shown}");
    let oise = Place::read("departement/60").unwrap();
    let other = backstage.browser("oise", &[(Right::See, oise)]).await;
    let shown = row(&backstage.get(&other, "/bibliotheque").await.text);
    let numbers: Vec<_> = shown.split_whitespace().rev().take(3).collect();
    assert_eq!(numbers, ["1", "0", "0"], "{shown}");
    let page = backstage.get(&other, "/bibliotheque/atlas").await.text;
    assert!(!page.contains("/valider") && !page.contains("/retirer"), "a right that is not there: {page}");
}
