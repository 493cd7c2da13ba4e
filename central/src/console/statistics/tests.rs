//! The pages of statistics, of a draft tried on the last week, and of the calendar, as browsers ask for them.

use axum::http::{Method, StatusCode};

use crate::{
    console::backstage::{Backstage, Browser, NAME},
    words::{Place, Right},
};

async fn counted() -> (Backstage, Browser) {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    backstage
        .count(
            "0800001A",
            &[("eleve", 400), ("enseignant", 30), ("referent", 1)],
            &[("www.jeux.example", 30), ("rare.jeux.example", 9), ("ecole.example", 90)],
        )
        .await;
    backstage.count("0800002B", &[("eleve", 9)], &[("www.jeux.example", 6)]).await;
    (backstage, chief)
}

#[tokio::test]
async fn what_schools_counted_is_drawn_with_its_table_and_no_small_group_by_itself() {
    let (backstage, chief) = counted().await;
    let page = backstage.get(&chief, "/statistiques?lieu=departement/80&par=jour").await.text;
    for told in
        ["<svg class=\"chart\"", "Jeux en ligne", "66,7 %", "enseignant + référent numérique", "élève"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    // 409 pupils asked ten times each.
    assert!(page.contains("<td class=\"number\">409</td><td class=\"number\">4090</td>"), "{page}");
    let small = backstage.get(&chief, "/statistiques?uai=0800002B").await.text;
    assert!(small.contains("trop peu de personnes") && !small.contains("<svg class=\"chart\""), "{small}");
    let csv = backstage.get(&chief, "/statistiques.csv?uai=0800001A&par=mois").await;
    assert!(csv.text.contains("etablissement/0800001A,groupe,élève,4000,8000,400\n"), "{}", csv.text);
    assert!(csv.text.contains("etablissement/0800001A,mois,2026-11-01,4310,8620,\n"), "{}", csv.text);
    assert!(!csv.text.contains(",référent numérique,"), "{}", csv.text);
}

#[tokio::test]
async fn a_right_over_one_school_shows_the_counts_of_no_other() {
    let (backstage, _) = counted().await;
    let place = Place::read("etablissement/0800001A").unwrap();
    let browser = backstage.browser("principal", &[(Right::See, place)]).await;
    assert_eq!(backstage.get(&browser, "/statistiques?uai=0800001A").await.status, StatusCode::OK);
    for path in
        ["/statistiques?uai=0800002B", "/statistiques?lieu=academie", "/statistiques.csv?lieu=departement/80"]
    {
        assert_eq!(backstage.get(&browser, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_draft_is_tried_on_what_schools_asked_for_in_the_last_week() {
    let (backstage, chief) = counted().await;
    backstage.post(&chief, "/filtrage/document/departement/80", &[("nom", "Essai")]).await;
    let rule = [
        ("revision", "1"),
        ("avant", ""),
        ("id", "jeux"),
        ("effet", "block"),
        ("sites", "jeux.example"),
        ("role", "eleve"),
        ("motif", "Les jeux sont fermés."),
    ];
    backstage.post(&chief, "/filtrage/brouillon/1/regle", &rule).await;
    let path = "/filtrage/brouillon/1/semaine";
    let page = backstage.get(&chief, &format!("{path}?zone=pedagogique")).await.text;
    for told in [
        "0800001A, 0800002B",
        "<dd>135</dd>",
        "<dd>45</dd>",
        "www.jeux.example (36)",
        "jeux (Département 80)",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("rare.jeux.example"), "{page}");
    let one = backstage.get(&chief, &format!("{path}?zone=pedagogique&etablissements=0800002B")).await.text;
    assert!(one.contains("<dd>6</dd>") && !one.contains("www.jeux.example ("), "{one}");
    let nothing = backstage.get(&chief, &format!("{path}?zone=pedagogique&etablissements=xyz")).await.text;
    assert!(nothing.contains("role=\"alert\""), "{nothing}");
    backstage.pass(8 * 86_400);
    let chief = backstage.browser("plus-tard", &[(Right::See, Place::Academie)]).await;
    let old = backstage.get(&chief, &format!("{path}?zone=pedagogique")).await.text;
    assert!(old.contains("Aucun établissement n’a envoyé de comptes"), "{old}");
}

async fn send_calendar(backstage: &Backstage, browser: &Browser, text: &str, reason: &str) -> String {
    let part = |name: &str, content: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"c.csv\"\r\n\r\n{content}\r\n"
        )
    };
    let body = format!("{}{}--b--\r\n", part("calendrier", text), part("motif", reason));
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/filtrage/calendrier")
        .header("host", NAME)
        .header("sec-fetch-site", "same-origin")
        .header("cookie", &browser.cookies)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(axum::body::Body::from(body))
        .unwrap();
    let sent = backstage.send_request(request).await;
    assert_eq!(sent.location(), "/filtrage/calendrier", "{}", sent.text);
    backstage.get(browser, "/filtrage/calendrier").await.text
}

#[tokio::test]
async fn another_calendar_is_published_for_all_schools_and_a_broken_one_is_not() {
    let (backstage, chief) = counted().await;
    let shipped = backstage.get(&chief, "/filtrage/calendrier").await.text;
    assert!(
        shipped.contains("livré avec les boîtiers est en vigueur") && shipped.contains("Noël"),
        "{shipped}"
    );
    let head = "description;population;start_date;end_date;zones\n";
    let text =
        format!("{head}Vacances d'essai;-;2026-12-01T23:00:00+00:00;2026-12-14T23:00:00+00:00;Zone B\n");
    let broken = send_calendar(&backstage, &chief, &text.replace("2026-12-01", "le 1er"), "essai").await;
    assert!(broken.contains("livré avec les boîtiers est en vigueur"), "{broken}");
    let without_reason = send_calendar(&backstage, &chief, &text, "").await;
    assert!(without_reason.contains("livré avec les boîtiers est en vigueur"), "{without_reason}");
    let own = send_calendar(&backstage, &chief, &text, "rentrée").await;
    for told in ["version 1", "02/12/2026", "15/12/2026", "rentrée"] {
        assert!(own.contains(told), "{told}: {own}");
    }
    let back = send_calendar(&backstage, &chief, "", "retour").await;
    assert!(back.contains("livré avec les boîtiers est en vigueur") && back.contains("rentrée"), "{back}");
}
