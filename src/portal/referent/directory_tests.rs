//! What the pages of the directory show of deliveries, and what they do with them.

use super::test_portal::TestPortal;
use crate::{
    identity::{
        feed::{Extent, Format, Head, Item, PersonRecord, Reason, Refused, Totals},
        register::{Handover, Intent, Register, Staged},
    },
    model::{AccountId, Attachment, ClassName, Person, Role, Uai},
};

const REFERENT: Option<Role> = Some(Role::Referent);

fn pupil(number: u8) -> Item {
    let school = Uai::new("0809999Z").unwrap();
    let person = Person {
        id: AccountId::new(&format!("P{number:02}")),
        login: None,
        family_name: "EXEMPLE".to_owned(),
        given_name: format!("Sasha-{number}"),
        birth_date: None,
        role: Role::Eleve,
        schools: vec![Attachment { school, classes: vec![ClassName::new("6A")], groups: Vec::new() }],
    };
    Item::Person(Box::new(PersonRecord { person, password: None, has_left: None }))
}

fn stage(portal: &TestPortal, items: &[Item]) -> i64 {
    let register = Register::open(portal.office.school.dir.path()).unwrap();
    let here = Uai::new("0809999Z").unwrap();
    let today = portal.secure.acts.feeds.today();
    let head = Head {
        format: Format::Csv,
        extent: Extent::Complete,
        date: Some(today.date),
        source: "eleves.csv".to_owned(),
    };
    let now = portal.office.now();
    let handover =
        Handover { head: &head, here: &here, now, today, due: None, intent: Intent::Keep, sequence: None };
    let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
        items.iter().cloned().try_for_each(take)?;
        Ok(Totals::default())
    };
    match register.stage(handover, read, None).unwrap() {
        Staged::Waiting { number, .. } => number,
        other => panic!("{other:?}"),
    }
}

fn apply(portal: &TestPortal) -> Vec<i64> {
    let register = Register::open(portal.office.school.dir.path()).unwrap();
    let today = portal.secure.acts.feeds.today();
    register.apply_due(portal.office.now(), today, &|_| false).unwrap().feeds
}

/// Twenty pupils in force, and a delivery that half of them are missing from, with a record that cannot be taken.
pub(super) fn deliver(portal: &TestPortal) -> i64 {
    stage(portal, &(1..=20).map(pupil).collect::<Vec<_>>());
    apply(portal);
    let refused = Refused {
        file: "<script>alert(1)</script>.csv".to_owned(),
        line: 12,
        id: Some(AccountId::new("P99")),
        reason: Reason::NoSchool,
    };
    stage(portal, &(5..=14).chain([30]).map(pupil).chain([Item::Refused(refused)]).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_held_delivery_is_seen_with_what_it_would_do_and_accepted() {
    let portal = TestPortal::open().await;
    let number = deliver(&portal);
    assert!(apply(&portal).is_empty(), "it is held");
    let page = portal.get(REFERENT, "/referent/annuaire").await.text;
    for told in ["Retenue", "10 personnes sur 20 partiraient", "Zone B, jusqu’au", "Voir les fiches refusées"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    let see = format!("/referent/annuaire/livraison?livraison={number}");
    let seen = portal.get(REFERENT, &see).await.text;
    assert!(
        seen.contains("data-label=\"Partent\">10<") && seen.contains("data-label=\"Arrivent\">1<"),
        "{seen}"
    );
    assert!(!seen.contains("Sasha-1 "), "names on demand only");
    let names = portal.get(REFERENT, &format!("{see}&noms=oui")).await.text;
    assert!(names.contains("Sasha-1 EXEMPLE") && names.contains("Sasha-30 EXEMPLE"), "{names}");
    assert!(!names.contains("Sasha-7 EXEMPLE"), "to whom nothing happens is not named");
    let english = portal.get(REFERENT, &format!("{see}&lang=en")).await.text;
    assert!(english.contains("It is held: 10 of 20 persons would leave"), "{english}");
    let ask = format!("/referent/annuaire/accepter?livraison={number}");
    assert_eq!(portal.get(REFERENT, &ask).await.status, 200);
    let form = format!("livraison={number}");
    let sent = portal.post(REFERENT, "/referent/annuaire/accepter", &form).await;
    assert_eq!(sent.location, "/referent/annuaire?fait=acceptee");
    assert!(portal.get(REFERENT, &sent.location).await.text.contains("Acceptée"));
    assert_eq!(portal.get(REFERENT, &ask).await.status, 404, "nothing is left to accept");
    let trail = portal.get(REFERENT, "/referent/historique").await.text;
    assert!(trail.contains(&format!("accepte la livraison {number} (10 ")), "{trail}");
    assert_eq!(apply(&portal), [number]);
    assert_eq!(portal.get(REFERENT, &see).await.status, 404);
    assert_eq!(portal.post(REFERENT, "/referent/annuaire/accepter", &form).await.status, 404);
    let page = portal.get(REFERENT, "/referent/annuaire").await.text;
    assert!(page.contains("Aucune livraison n’attend") && page.contains("<dd>11</dd>"), "{page}");
}

#[tokio::test]
async fn a_delivery_gets_another_day_or_is_dropped() {
    let portal = TestPortal::open().await;
    let number = deliver(&portal);
    for (typed, error) in [
        ("", "quand-erreur"),
        ("&quand=jour", "jour-erreur"),
        ("&quand=jour&jour=2020-01-01", "jour-erreur"),
        ("&quand=jour&jour=demain", "jour-erreur"),
    ] {
        let form = format!("livraison={number}{typed}");
        let sent = portal.post(REFERENT, "/referent/annuaire/date", &form).await;
        assert!(sent.status == 422 && sent.text.contains(&format!("id=\"{error}\"")), "{typed}");
    }
    let form = format!("livraison={number}&quand=jour&jour=2099-07-14");
    let sent = portal.post(REFERENT, "/referent/annuaire/date", &form).await;
    assert_eq!(sent.location, "/referent/annuaire?fait=datee");
    let page = portal.get(REFERENT, &sent.location).await.text;
    assert!(page.contains("14 juillet 2099") && page.contains("Retenue"), "{page}");
    let asked = portal.get(REFERENT, &format!("/referent/annuaire/date?livraison={number}")).await.text;
    assert!(asked.contains("value=\"2099-07-14\""), "{asked}");
    let ask = format!("/referent/annuaire/abandonner?livraison={number}");
    assert_eq!(portal.get(REFERENT, &ask).await.status, 200);
    let form = format!("livraison={number}");
    let sent = portal.post(REFERENT, "/referent/annuaire/abandonner", &form).await;
    assert_eq!(sent.location, "/referent/annuaire?fait=abandonnee");
    assert_eq!(portal.get(REFERENT, &ask).await.status, 404);
    for path in ["accepter", "date", "abandonner"] {
        let sent = portal.post(REFERENT, &format!("/referent/annuaire/{path}"), &form).await;
        assert_eq!(sent.status, 404, "{path}");
    }
    let trail = portal.get(REFERENT, "/referent/historique").await.text;
    assert!(trail.contains("14/07/2099") && trail.contains(&format!("abandonne la livraison {number}")));
    assert_eq!(portal.office.store().done(9).await.unwrap().len(), 2, "what was refused left no trace");
}

#[tokio::test]
async fn a_refused_record_is_shown_with_its_place_and_dismissed() {
    let portal = TestPortal::open().await;
    deliver(&portal);
    let page = portal.get(REFERENT, "/referent/annuaire/refus").await.text;
    assert!(
        page.contains("P99") && page.contains("ligne&nbsp;12") && !page.contains("<script>alert"),
        "{page}"
    );
    let register = Register::open(portal.office.school.dir.path()).unwrap();
    let number = register.quarantine().unwrap()[0].number;
    let form = format!("fiche={number}");
    let sent = portal.post(REFERENT, "/referent/annuaire/refus", &form).await;
    assert_eq!(sent.location, "/referent/annuaire/refus?fait=classee");
    assert!(portal.get(REFERENT, &sent.location).await.text.contains("Toutes les fiches ont été prises"));
    assert_eq!(portal.post(REFERENT, "/referent/annuaire/refus", &form).await.status, 404);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_said_in_a_sentence() {
    let portal = TestPortal::open().await;
    std::fs::write(Register::path(portal.office.school.dir.path()), [b'x'; 8192]).unwrap();
    for path in ["", "/refus", "/livraison?livraison=1"] {
        let page = portal.get(REFERENT, &format!("/referent/annuaire{path}")).await;
        assert!(page.status == 503 && page.text.contains("L’annuaire est illisible"), "{path}");
    }
    let sent = portal.post(REFERENT, "/referent/annuaire/abandonner", "livraison=1").await;
    assert!(sent.status == 503 && sent.text.contains("Rien n’a été fait"));
}
