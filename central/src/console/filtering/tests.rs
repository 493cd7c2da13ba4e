//! The road of a rule through the console, as browsers send it: draft, rule, test before, version, release, and back.

use axum::http::StatusCode;

use crate::{
    console::backstage::{Backstage, Browser},
    words::{Place, Right},
};

const DRAFT: &str = "/filtrage/brouillon/1";

/// Fields of a rule that closes the games to pupils.
const GAMES: &[(&str, &str)] = &[
    ("revision", "1"),
    ("avant", ""),
    ("id", "jeux"),
    ("effet", "block"),
    ("sites", "jeux.example\r\n203.0.113.0/24"),
    ("categorie", "games"),
    ("role", "eleve"),
    ("role", "invite"),
    ("quand", ""),
    ("motif", "Les jeux sont fermés."),
];

async fn drafted(place: &str) -> (Backstage, Browser) {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    let begun = backstage.post(&chief, &format!("/filtrage/document/{place}"), &[("nom", "Essai")]).await;
    assert_eq!(begun.location(), DRAFT);
    (backstage, chief)
}

#[tokio::test]
async fn a_rule_written_by_form_is_tried_published_released_and_taken_back() {
    let (backstage, chief) = drafted("departement/80").await;
    assert_eq!(backstage.post(&chief, &format!("{DRAFT}/regle"), GAMES).await.location(), DRAFT);
    let draft = backstage.get(&chief, DRAFT).await.text;
    for told in ["jeux.example", "203.0.113.0/24", "Jeux en ligne (games)", "élève, invité", "Ajouté"] {
        assert!(draft.contains(told), "{told}: {draft}");
    }
    let question = "/filtrage/essai?lieu=etablissement/0800001A&brouillon=1&qui=role:eleve&adresse=https://www.jeux.example/";
    let answer = backstage.get(&chief, question).await.text;
    assert!(
        answer.contains("Le brouillon change la réponse.") && answer.contains("Les jeux sont fermés."),
        "{answer}"
    );
    let other = question.replace("role:eleve", "role:enseignant");
    assert!(backstage.get(&chief, &other).await.text.contains("ne change pas la réponse"));

    let fields = [("revision", "2"), ("motif", "essai")];
    let published = backstage.post(&chief, &format!("{DRAFT}/publier"), &fields).await;
    assert_eq!(published.location(), "/filtrage/livraison?lieu=departement/80&version=1");
    let form = backstage.get(&chief, published.location()).await.text;
    assert!(form.contains("value=\"departement/80:1\" checked"), "{form}");
    let plan = [
        ("version", "departement/80:1"),
        ("plan", "etapes"),
        ("pilotes", "etablissement/0800001A"),
        ("parts", "50"),
        ("minutes", ""),
        ("appliquee", "90"),
        ("motif", "rentrée"),
    ];
    let started = backstage.post(&chief, "/filtrage/livraison", &plan).await;
    assert_eq!(started.location(), "/filtrage/livraison/1");
    let page = backstage.get(&chief, "/filtrage/livraison/1").await.text;
    assert!(page.contains("2 établissements concernés") && page.contains("50 % tirés au sort"), "{page}");
    for (act, state) in [("suspendre", "Suspendue"), ("continuer", "En cours"), ("arreter", "Arrêtée")] {
        backstage.post(&chief, "/filtrage/livraison/1", &[("acte", act)]).await;
        let page = backstage.get(&chief, "/filtrage/livraison/1").await.text;
        assert!(page.contains(&format!("{state}</span>")), "{act}: {page}");
    }
    let back =
        backstage.post(&chief, "/filtrage/livraison/1", &[("acte", "revenir"), ("motif", "erreur")]).await;
    assert_eq!(back.location(), "/filtrage/livraison/2");
    assert!(
        backstage.get(&chief, "/filtrage/livraison/2").await.text.contains("Elle défait la mise en service")
    );
    let document = backstage.get(&chief, "/filtrage/document/departement/80").await.text;
    assert!(document.contains("rentrée") && document.contains("jeux.example"), "{document}");
    let text = backstage.get(&chief, "/filtrage/texte/departement/80").await;
    assert!(
        text.text.contains("[[rule]]")
            && text.headers["content-type"].to_str().unwrap().starts_with("text/plain")
    );
}

#[tokio::test]
async fn what_will_not_do_is_shown_again_with_the_reason_and_the_line() {
    let (backstage, chief) = drafted("academie").await;
    let mut fields = GAMES.to_vec();
    fields.retain(|(name, _)| *name != "motif");
    let again = backstage.post(&chief, &format!("{DRAFT}/regle"), &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains("jeux.example"), "{}", again.text);
    let text =
        "version = 1\nlevel = \"academie\"\nname = \"A\"\n\n[[rule]]\nid = \"x\"\neffect = \"close\"\n";
    let again =
        backstage.post(&chief, &format!("{DRAFT}/texte"), &[("revision", "1"), ("texte", text)]).await;
    assert!(again.text.contains("7 | effect = "), "{}", again.text);
    let week = [("revision", "1"), ("avant", ""), ("nom", "cours"), ("monday", "25:00-26:00")];
    let again = backstage.post(&chief, &format!("{DRAFT}/horaire"), &week).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let stale = [("revision", "9"), ("acte", "nommer"), ("nom", "Autre")];
    assert_eq!(backstage.post(&chief, DRAFT, &stale).await.location(), DRAFT);
    assert!(!backstage.get(&chief, DRAFT).await.text.contains("value=\"Autre\""));
}

#[tokio::test]
async fn timetables_search_modes_order_and_text_go_through_their_forms() {
    let (backstage, chief) = drafted("academie").await;
    let send = async |path: &str, fields: &[(&str, &str)]| {
        let got = backstage.post(&chief, &format!("{DRAFT}{path}"), fields).await;
        assert_eq!(got.location(), DRAFT, "{path}: {}", got.text);
    };
    send(
        "/horaire",
        &[("revision", "1"), ("avant", ""), ("nom", "cours"), ("monday", "08:00-12:00, 13:30-17:00")],
    )
    .await;
    send("/horaire", &[("revision", "2"), ("avant", "cours"), ("nom", "journée"), ("monday", "08:00-12:00")])
        .await;
    let search = [
        ("revision", "4"),
        ("avant", ""),
        ("id", "recherche"),
        ("protegee", "true"),
        ("youtube", "strict"),
        ("quand", "pendant:journée"),
    ];
    send("/recherche", &search).await;
    for (revision, id) in [("5", "un"), ("6", "deux")] {
        let rule = [
            ("revision", revision),
            ("avant", ""),
            ("id", id),
            ("effet", "allow"),
            ("sites", "x.example"),
            ("classes", "6 A\n6B"),
        ];
        send("/regle", &rule).await;
    }
    send("", &[("revision", "7"), ("acte", "placer"), ("quoi", "deux"), ("place", "0")]).await;
    let text = backstage.get(&chief, &format!("{DRAFT}/texte")).await.text;
    assert!(text.find("deux") < text.find("&#34;un&#34;").or(text.find("&quot;un&quot;")), "{text}");
    assert!(text.contains("6 A") && text.contains("journée") && text.contains("strict"), "{text}");
    send("", &[("revision", "8"), ("acte", "retirer"), ("quoi", "deux")]).await;
    let gone = backstage.post(&chief, DRAFT, &[("revision", "9"), ("acte", "jeter")]).await;
    assert_eq!(gone.location(), "/filtrage/document/academie");
    assert_eq!(backstage.get(&chief, DRAFT).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_locked_rule_of_the_academie_is_published_by_two_persons() {
    let (backstage, chief) = drafted("academie").await;
    let mut fields = GAMES.to_vec();
    fields.push(("verrouillee", "1"));
    backstage.post(&chief, &format!("{DRAFT}/regle"), &fields).await;
    let path = format!("{DRAFT}/publier");
    assert!(backstage.get(&chief, &path).await.text.contains("une seconde personne devra approuver"));
    let proposed = backstage.post(&chief, &path, &[("revision", "2"), ("motif", "rentrée")]).await;
    assert_eq!(proposed.location(), path);
    let approve = format!("{DRAFT}/approuver");
    assert_eq!(backstage.post(&chief, &approve, &[("revision", "2")]).await.location(), path, "by oneself");
    let rights = [Right::See, Right::Publish].map(|right| (right, Place::Academie));
    let second = backstage.browser("second", &rights).await;
    assert!(backstage.get(&second, &path).await.text.contains("Approuver et publier"));
    let approved = backstage.post(&second, &approve, &[("revision", "2")]).await;
    assert_eq!(approved.location(), "/filtrage/livraison?lieu=academie&version=1");
}

#[tokio::test]
async fn a_right_over_one_departement_shows_and_changes_no_other_document() {
    let (backstage, _) = drafted("departement/60").await;
    let somme = Place::read("departement/80").unwrap();
    let rights = [Right::See, Right::Write, Right::Publish].map(|right| (right, somme.clone()));
    let browser = backstage.browser("somme", &rights).await;
    let tree = backstage.get(&browser, "/filtrage").await.text;
    assert!(tree.contains("/filtrage/document/departement/80") && !tree.contains("departement/60"), "{tree}");
    for path in [
        "/filtrage/document/departement/60",
        "/filtrage/document/academie",
        DRAFT,
        "/filtrage/essai?lieu=academie&adresse=x.example",
    ] {
        assert_eq!(backstage.get(&browser, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        backstage.post(&browser, &format!("{DRAFT}/regle"), GAMES).await.status,
        StatusCode::FORBIDDEN
    );
    let own = backstage.post(&browser, "/filtrage/document/etablissement/0800001A", &[]).await;
    assert_eq!(own.location(), "/filtrage/brouillon/2");
}
