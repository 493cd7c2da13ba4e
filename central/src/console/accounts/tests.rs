//! A feed given by the pages, from its files to the word that sends it.

use axum::http::StatusCode;
use preau::model::Uai;

use crate::{
    accounts::State,
    audit::{self, Filter},
    console::backstage::{Backstage, Browser, COLUMNS, Got, feed},
    words::{Place, Right},
};

/// Somebody who looks after the accounts of the Somme.
async fn somme(backstage: &Backstage) -> Browser {
    let place = Place::read("departement/80").unwrap();
    backstage.browser("somme", &[(Right::Accounts, place.clone()), (Right::See, place)]).await
}

async fn deposit(backstage: &Backstage, browser: &Browser, text: &str) -> Got {
    let fields =
        [("fichiers", Some("C:\\eleves.csv"), text), ("description", None, COLUMNS), ("uai", None, "")];
    backstage.upload(browser, "/annuaire/depot", &fields).await
}

async fn states(backstage: &Backstage, feed: i64) -> Vec<(String, State)> {
    let shares = backstage.accounts.shares(feed).await.unwrap().into_iter();
    shares.map(|share| (share.school.as_str().to_owned(), share.state)).collect()
}

#[tokio::test]
async fn a_feed_is_looked_at_first_and_goes_out_by_a_word_of_whoever_may() {
    let backstage = Backstage::open().await;
    backstage.bring(&["0800001A", "0600003C"], 20).await;
    let browser = somme(&backstage).await;
    let got = deposit(&backstage, &browser, &feed(&["0800001A", "0600003C"], 22)).await;
    assert_eq!(got.location(), "/annuaire/livraison/2", "{}", got.text);
    assert_eq!(std::fs::read_dir(backstage.accounts.work_dir()).unwrap().count(), 0, "its files are gone");
    let page = backstage.get(&browser, "/annuaire/livraison/2").await.text;
    assert!(page.contains("Anne Frank") && page.contains("Attend votre accord"), "{page}");
    assert!(!page.contains("0600003C"), "the Oise is somebody else's");
    assert!(page.contains("Champ absent ou vide") && page.contains("eleves.csv:2"), "{page}");
    assert!(!page.contains("EXEMPLE"));
    let list = backstage.get(&browser, "/annuaire").await.text;
    assert!(list.contains("En attente de votre décision") && !list.contains("Beauvais"), "{list}");
    let sent = backstage.post(&browser, "/annuaire/livraison/2", &[("reponse", "donner")]).await;
    assert_eq!(sent.location(), "/annuaire/livraison/2");
    assert_eq!(states(&backstage, 2).await, [("0800001A".to_owned(), State::NoBox)]);
    let again = backstage.post(&browser, "/annuaire/livraison/2", &[("reponse", "donner")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_the_guard_holds_wants_a_reason_and_the_trail_has_it_and_no_name() {
    let backstage = Backstage::open().await;
    backstage.bring(&["0800001A"], 40).await;
    let browser = somme(&backstage).await;
    deposit(&backstage, &browser, &feed(&["0800001A"], 10)).await;
    let path = "/annuaire/livraison/2";
    let page = backstage.get(&browser, path).await.text;
    assert!(page.contains("perd plus de la moitié") && page.contains("élèves"), "{page}");
    let form = [("reponse", "donner"), ("uai", "0800001A"), ("motif", " ")];
    let mut told = browser.clone();
    let got = backstage.post(&browser, path, &form).await;
    told.cookies = format!("{}; __Host-message={}", browser.cookies, got.cookie("__Host-message").unwrap());
    assert!(backstage.get(&told, path).await.text.contains("Il manque un motif"));
    let form = [("reponse", "refuser"), ("uai", "0800001A"), ("motif", "fichier de la mauvaise année")];
    backstage.post(&browser, path, &form).await;
    assert_eq!(states(&backstage, 2).await, [("0800001A".to_owned(), State::Refused)]);
    let trail = audit::read(&backstage.database, &Filter::default(), None).await.unwrap();
    let line = trail.iter().find(|line| line.act == "accounts-refused").unwrap();
    assert!(line.text.contains("30 leaving; fichier de la mauvaise année"), "{}", line.text);
    assert!(trail.iter().all(|line| !line.text.contains("EXEMPLE")));
    assert_eq!(backstage.accounts.having().await.unwrap()[0].persons, 40);
}

#[tokio::test]
async fn nobody_answers_for_a_school_that_is_not_theirs() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    backstage.bring(&["0800001A", "0600003C"], 20).await;
    deposit(&backstage, &chief, &feed(&["0600003C"], 21)).await;
    let browser = somme(&backstage).await;
    let form = [("reponse", "donner"), ("uai", "0600003C")];
    let got = backstage.post(&browser, "/annuaire/livraison/2", &form).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let got = backstage.post(&browser, "/annuaire/livraison/2", &[("reponse", "donner")]).await;
    assert_eq!(got.status, StatusCode::CONFLICT, "of theirs there is none");
    assert!(matches!(states(&backstage, 2).await[0].1, State::Held(_)));
}

#[tokio::test]
async fn what_is_no_feed_is_told_in_french_and_the_form_keeps_what_was_typed() {
    let backstage = Backstage::open().await;
    let browser = somme(&backstage).await;
    for (name, text, uai, day, expected) in [
        ("x.zip", "PK", "0800001a", "", "C’est une archive"),
        ("x.bin", "\u{1}", "0800001A", "2026-12-19", "Aucun de ces fichiers"),
        ("ENT_0800000A_Delta_20261120_Eleve_0000.xml", "<ficAlimMENESR>", "", "", "que des changements"),
        ("ENT_0800000A_Complet_20261120_Eleve_0000.xml", "<ficAlimMENESR><a>", "", "", "est coupé"),
        ("x.csv", "a,b\n", "08", "", "Cet UAI"),
        ("x.csv", "a,b\n", "", "demain", "Cette date"),
    ] {
        let fields = [
            ("fichiers", Some(name), text),
            ("uai", None, uai),
            ("des", None, day),
            ("description", None, ""),
        ];
        let got = backstage.upload(&browser, "/annuaire/depot", &fields).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", got.text);
        assert!(got.text.contains(expected), "{name}: {}", got.text);
        assert!(got.text.contains(&format!("value=\"{uai}\"")) && got.text.contains(day));
    }
    assert_eq!(backstage.accounts.feeds(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_box_that_did_not_take_its_accounts_is_seen() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    backstage.bring(&["0800001A"], 20).await;
    let page = backstage.get(&chief, "/annuaire").await.text;
    assert!(page.contains("Attend un boîtier") && page.contains("Anne Frank"), "{page}");
    let sql = "UPDATE account_book SET sequence = 3";
    let mut write = backstage.database.write().await.unwrap();
    write.execute(sql, &[]).await.unwrap();
    write.commit().await.unwrap();
    let mut report = preau::protocol::line::Report { open: true, ..Default::default() };
    report.in_force.accounts = 2;
    let school = Uai::new("0800001A").unwrap();
    backstage.hear(&school, &report).await;
    assert!(backstage.get(&chief, "/annuaire").await.text.contains("En route"));
    report.number = 1;
    report.in_force.refused = Some(preau::protocol::line::Refused {
        what: "accounts".into(),
        number: 3,
        why: "missing".into(),
        sentence: "delivery 3 is a change to 2".into(),
    });
    backstage.hear(&school, &report).await;
    let page = backstage.get(&chief, "/annuaire").await.text;
    assert!(page.contains("Non pris par le boîtier") && page.contains("a change to 2"), "{page}");
    report.number = 2;
    report.in_force.accounts = 3;
    backstage.hear(&school, &report).await;
    assert!(!backstage.get(&chief, "/annuaire").await.text.contains("Non pris"));
}
