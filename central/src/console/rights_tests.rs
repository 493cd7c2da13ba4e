//! Each road, held against the right it needs: without it 403 (or the sign-in page), with it the page or the act.

use axum::http::{Method, StatusCode};

use super::backstage::{Backstage, Browser};
use crate::words::{Place, Right};

/// A road: method, path, form, and the right that opens it; none for what everybody who came in may do. `{id}` is a person
/// who can be acted upon.
type Road = (&'static str, &'static str, &'static [(&'static str, &'static str)], Option<Right>);

const ROADS: &[Road] = &[
    ("GET", "/", &[], None),
    ("GET", "/compte", &[], None),
    ("GET", "/etablissement/0800001A", &[], Some(Right::See)),
    ("GET", "/import", &[], Some(Right::Enrol)),
    ("POST", "/import", &[], Some(Right::Enrol)),
    ("POST", "/import/entrer", &[("liste", "uai,nom,departement,groupe\n")], Some(Right::Enrol)),
    ("GET", "/etablissement/nouveau", &[], Some(Right::Enrol)),
    ("POST", "/etablissement/nouveau", &[("uai", "x")], Some(Right::Enrol)),
    ("POST", "/etablissement/0800001A/ordre", &[("ordre", "diagnostic")], Some(Right::Order)),
    ("POST", "/etablissement/0800001A/intervention", &[("acte", "log")], Some(Right::Order)),
    ("POST", "/etablissement/0800001A/groupe", &[("groupe", "essai")], Some(Right::Enrol)),
    ("POST", "/etablissement/0800001A/jeton", &[("remplace", "")], Some(Right::Enrol)),
    ("POST", "/etablissement/0800001A/jeton/fichier", &[("jeton", "x")], Some(Right::Enrol)),
    ("POST", "/etablissement/0800001A/jeton/retirer", &[], Some(Right::Enrol)),
    ("GET", "/etablissement/0800001A/revoquer", &[], Some(Right::Enrol)),
    ("POST", "/etablissement/0800001A/revoquer", &[("raison", "volé")], Some(Right::Enrol)),
    ("GET", "/demandes", &[], Some(Right::Answer)),
    ("GET", "/demandes/1", &[], Some(Right::Answer)),
    ("POST", "/demandes/1/repondre", &[("reponse", "accorder")], Some(Right::Answer)),
    ("POST", "/demandes/1/transmettre", &[("mot", "")], Some(Right::Answer)),
    (
        "POST",
        "/demandes/ensemble",
        &[("lieu", "academie"), ("site", "x"), ("souhait", "open"), ("reponse", "refuser")],
        Some(Right::Answer),
    ),
    ("GET", "/annuaire", &[], Some(Right::Accounts)),
    ("GET", "/annuaire/depot", &[], Some(Right::Accounts)),
    ("POST", "/annuaire/depot", &[], Some(Right::Accounts)),
    ("GET", "/annuaire/livraison/1", &[], Some(Right::Accounts)),
    ("POST", "/annuaire/livraison/1", &[("reponse", "donner")], Some(Right::Accounts)),
    ("GET", "/personnes", &[], Some(Right::People)),
    ("POST", "/personnes", &[("login", "nouveau"), ("nom", "Nouveau")], Some(Right::People)),
    ("GET", "/personnes/{id}", &[], Some(Right::People)),
    ("POST", "/personnes/{id}/donner", &[("droit", "see"), ("lieu", "academie")], Some(Right::People)),
    ("POST", "/personnes/{id}/retirer", &[("droit", "see"), ("lieu", "academie")], Some(Right::People)),
    ("POST", "/personnes/{id}/lien", &[], Some(Right::People)),
    ("POST", "/personnes/{id}/terminer", &[], Some(Right::People)),
    ("GET", "/propositions", &[], Some(Right::Enrol)),
    ("GET", "/filtrage", &[], Some(Right::See)),
    ("GET", "/filtrage/document/departement/80", &[], Some(Right::See)),
    ("POST", "/filtrage/document/departement/60", &[], Some(Right::Write)),
    ("GET", "/filtrage/texte/departement/80", &[], Some(Right::See)),
    ("GET", "/filtrage/essai?lieu=departement/80&adresse=x.example", &[], Some(Right::See)),
    ("GET", "/filtrage/brouillon/2", &[], Some(Right::See)),
    ("POST", "/filtrage/brouillon/2", &[("revision", "9"), ("acte", "jeter")], Some(Right::Write)),
    ("GET", "/filtrage/brouillon/2/regle", &[], Some(Right::Write)),
    ("POST", "/filtrage/brouillon/2/regle", &[("revision", "9")], Some(Right::Write)),
    ("GET", "/filtrage/brouillon/2/recherche", &[], Some(Right::Write)),
    ("POST", "/filtrage/brouillon/2/recherche", &[("revision", "9")], Some(Right::Write)),
    ("GET", "/filtrage/brouillon/2/horaire", &[], Some(Right::Write)),
    ("POST", "/filtrage/brouillon/2/horaire", &[("revision", "9")], Some(Right::Write)),
    ("GET", "/filtrage/brouillon/2/texte", &[], Some(Right::Write)),
    ("POST", "/filtrage/brouillon/2/texte", &[("revision", "9")], Some(Right::Write)),
    ("GET", "/filtrage/brouillon/2/publier", &[], Some(Right::See)),
    ("POST", "/filtrage/brouillon/2/publier", &[("revision", "9")], Some(Right::Publish)),
    ("POST", "/filtrage/brouillon/2/approuver", &[("revision", "9")], Some(Right::Publish)),
    ("GET", "/filtrage/brouillon/2/semaine", &[], Some(Right::See)),
    ("GET", "/filtrage/calendrier", &[], Some(Right::See)),
    ("POST", "/filtrage/calendrier", &[], Some(Right::Publish)),
    ("GET", "/bibliotheque", &[], Some(Right::See)),
    ("GET", "/bibliotheque/atlas", &[], Some(Right::See)),
    (
        "POST",
        "/bibliotheque/atlas/valider",
        &[("version", "1"), ("comite", "Comité"), ("date", "2026-11-20")],
        Some(Right::Publish),
    ),
    ("POST", "/bibliotheque/atlas/retirer", &[], Some(Right::Publish)),
    ("GET", "/statistiques", &[], Some(Right::See)),
    ("GET", "/statistiques?uai=0800001A", &[], Some(Right::See)),
    ("GET", "/statistiques.csv", &[], Some(Right::See)),
    ("GET", "/filtrage/livraison", &[], Some(Right::Publish)),
    ("POST", "/filtrage/livraison", &[("version", "departement/80:1")], Some(Right::Publish)),
    ("GET", "/filtrage/livraison/1", &[], Some(Right::See)),
    ("POST", "/filtrage/livraison/1", &[("acte", "suspendre")], Some(Right::Publish)),
    ("GET", "/journal", &[], Some(Right::Audit)),
    ("GET", "/journal.csv", &[], Some(Right::Audit)),
];

async fn ask(
    backstage: &Backstage,
    browser: &Browser,
    (method, path, form, _): &Road,
    other: i64,
) -> StatusCode {
    let path = path.replace("{id}", &other.to_string());
    match *method {
        "GET" => backstage.get(browser, &path).await.status,
        _ => backstage.post(browser, &path, form).await.status,
    }
}

#[tokio::test]
async fn each_road_opens_by_its_right_and_by_no_other() {
    let backstage = Backstage::open().await;
    let (other, _) = backstage.person("autre", &[]).await;
    // Both are there, so that neither is the last who manages rights.
    let chief = backstage.chief().await;
    // A version of the Somme that is being released, and a draft of the Oise.
    backstage.post(&chief, "/filtrage/document/departement/80", &[]).await;
    let publish = [("revision", "1"), ("motif", "essai")];
    let published = backstage.post(&chief, "/filtrage/brouillon/1/publier", &publish).await;
    assert!(published.location().contains("version=1"), "{}", published.location());
    let plan = [("version", "departement/80:1"), ("plan", "tout"), ("motif", "essai"), ("appliquee", "0")];
    backstage.post(&chief, "/filtrage/livraison", &plan).await;
    backstage.post(&chief, "/filtrage/document/departement/60", &[]).await;
    let mut wrong = Vec::new();
    for right in Right::ALL {
        let browser = backstage.browser(right.word(), &[(right, Place::Academie)]).await;
        for road in ROADS {
            let status = ask(&backstage, &browser, road, other.0).await;
            let is_needed = road.3.is_none_or(|needed| needed == right)
                || (road.1 == "/propositions" && right == Right::Publish);
            // What was opened may say that the form will not do, but never that a right is missing.
            if (status == StatusCode::FORBIDDEN) == is_needed || status.is_server_error() {
                wrong.push(format!("{} {} with {right:?}: {status}", road.0, road.1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn without_a_session_every_road_leads_to_the_sign_in() {
    let backstage = Backstage::open().await;
    for (method, path, ..) in ROADS {
        let method: Method = method.parse().unwrap();
        let got = backstage.send(method, &path.replace("{id}", "1"), "__Host-session=none", "").await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{path}");
        assert!(got.location().starts_with("/connexion"), "{path}: {}", got.location());
    }
}

#[tokio::test]
async fn a_right_over_one_departement_opens_no_school_of_another() {
    let backstage = Backstage::open().await;
    let somme = Place::read("departement/80").unwrap();
    let rights = [Right::See, Right::Enrol, Right::Order].map(|right| (right, somme.clone()));
    let browser = backstage.browser("somme", &rights).await;
    assert_eq!(backstage.get(&browser, "/etablissement/0800001A").await.status, StatusCode::OK);
    assert_eq!(backstage.get(&browser, "/etablissement/0600003C").await.status, StatusCode::FORBIDDEN);
    assert_eq!(backstage.get(&browser, "/etablissement/0699999Z").await.status, StatusCode::FORBIDDEN);
    let got = backstage.post(&browser, "/etablissement/0600003C/ordre", &[("ordre", "diagnostic")]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let got = backstage.post(&browser, "/etablissement/0800001A/ordre", &[("ordre", "diagnostic")]).await;
    assert_eq!(got.location(), "/etablissement/0800001A");
    let list = "uai,nom,departement,groupe\n0600009K,Ailleurs,60,\n0800009L,Ici,80,\n0800002B,Autre nom,80,\n0600003C,Pris,80,\n";
    backstage.post(&browser, "/import/entrer", &[("liste", list)]).await;
    let page = backstage.get(&browser, "/").await.text;
    assert!(page.contains("0800009L") && page.contains("Autre nom") && !page.contains("Pris"), "{page}");
    let all = crate::fleet::schools::all(&backstage.database).await.unwrap();
    assert_eq!(all.len(), 4, "no school of the Oise was entered or taken over: {all:?}");
}

#[tokio::test]
async fn a_request_is_answered_by_those_it_stands_before_and_the_same_ones_together() {
    let backstage = Backstage::open().await;
    let school = Place::read("etablissement/0800001A").unwrap();
    let head = backstage.browser("tete", &[(Right::Answer, school)]).await;
    let somme = Place::read("departement/80").unwrap();
    let dasen = backstage.browser("dasen", &[(Right::Answer, somme)]).await;
    for code in ["0800001A", "0800002B", "0600003C"] {
        backstage.pass_on(code, &[("jeux.example", "open")]).await;
    }
    let answer = [("reponse", "accorder"), ("phrase", "Ouvert lundi.")];
    let list = backstage.get(&head, "/demandes").await.text;
    assert!(list.contains("/demandes/1\"") && !list.contains("/demandes/2\""), "{list}");
    assert_eq!(backstage.post(&head, "/demandes/2/repondre", &answer).await.status, StatusCode::FORBIDDEN);
    let elsewhere = backstage.get(&head, "/demandes?lieu=departement/80").await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    backstage.post(&head, "/demandes/1/transmettre", &[("mot", "")]).await;
    assert_eq!(backstage.post(&head, "/demandes/1/repondre", &answer).await.status, StatusCode::FORBIDDEN);
    let sites = backstage.get(&dasen, "/demandes?vue=sites").await.text;
    assert!(sites.contains("<td class=\"number\">2</td>"), "two schools of the Somme: {sites}");
    let all = [("lieu", "departement/80"), ("site", "jeux.example"), ("souhait", "open")];
    let got = backstage.post(&dasen, "/demandes/ensemble", &[&all[..], &answer[..]].concat()).await;
    assert_eq!(got.location(), "/demandes");
    assert_eq!(backstage.post(&dasen, "/demandes/2/repondre", &answer).await.status, StatusCode::CONFLICT);
    assert!(backstage.get(&head, "/demandes/1").await.text.contains("Ouvert lundi."));
    let filter = crate::fleet::requests::Filter { answered: Some(false), ..Default::default() };
    let open = crate::fleet::requests::list(&backstage.database, &filter).await.unwrap();
    assert_eq!(open.iter().map(|request| request.school.as_str()).collect::<Vec<_>>(), ["0600003C"]);
}

#[tokio::test]
async fn a_box_is_revoked_by_two_persons_and_never_by_one() {
    let backstage = Backstage::open().await;
    let (chief, other) =
        (backstage.chief().await, backstage.browser("autre", &[(Right::Enrol, Place::Academie)]).await);
    backstage.post(&chief, "/etablissement/0800001A/revoquer", &[("raison", "volé")]).await;
    let own = backstage.get(&chief, "/propositions").await.text;
    assert!(own.contains("volé") && !own.contains("/propositions/1/approuver"), "{own}");
    backstage.post(&chief, "/propositions/1/approuver", &[]).await;
    assert!(backstage.get(&other, "/propositions").await.text.contains("/propositions/1/approuver"));
    assert_eq!(backstage.post(&other, "/propositions/1/approuver", &[]).await.location(), "/propositions");
    let again = backstage.post(&other, "/propositions/1/approuver", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "a form that came too late");
    let trail = backstage.get(&chief, "/journal").await.text;
    assert!(trail.contains("proposed") && trail.contains("approved"), "{trail}");
}

#[tokio::test]
async fn the_last_who_manages_rights_stays_and_nobody_changes_their_own() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    let second = backstage.browser("second", &[(Right::People, Place::Academie)]).await;
    let people = [("droit", "people"), ("lieu", "academie")];
    let own = format!("/personnes/{}/retirer", second.id.0);
    backstage.post(&second, &own, &people).await;
    assert_eq!(backstage.get(&second, "/personnes").await.status, StatusCode::OK, "their own right stays");
    backstage.post(&second, &format!("/personnes/{}/terminer", chief.id.0), &[]).await;
    assert_eq!(
        backstage.get(&chief, "/").await.location(),
        "/connexion",
        "the session ended with the access"
    );
    let third = backstage.browser("tiers", &[(Right::People, Place::Academie)]).await;
    backstage.post(&third, &own, &people).await;
    assert_eq!(
        backstage.get(&second, "/personnes").await.status,
        StatusCode::FORBIDDEN,
        "the right ends at once"
    );
    // Whoever is in the middle of an act when their right ends: the register is asked, not the page.
    backstage.post(&second, &format!("/personnes/{}/terminer", third.id.0), &[]).await;
    assert_eq!(backstage.get(&third, "/personnes").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_shown_once_and_given_back_as_a_file() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    let page = backstage.post(&chief, "/etablissement/0800001A/jeton", &[("remplace", "")]).await.text;
    let token = page.split("name=\"jeton\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(token.starts_with("preau1.") && page.contains("class=\"qr\""), "{page}");
    let file = backstage.post(&chief, "/etablissement/0800001A/jeton/fichier", &[("jeton", token)]).await;
    assert_eq!((file.status, file.text.trim()), (StatusCode::OK, token));
    let other = backstage.post(&chief, "/etablissement/0800002B/jeton/fichier", &[("jeton", token)]).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "a token of another school");
    let school = backstage.get(&chief, "/etablissement/0800001A").await.text;
    assert!(!school.contains(token) && school.contains("jeton/retirer"), "{school}");
    backstage.post(&chief, "/etablissement/0800001A/jeton/retirer", &[]).await;
    let late = backstage.post(&chief, "/etablissement/0800001A/jeton/retirer", &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}
