//! A technician's session as the school sees it, and ends it.

use std::time::Duration;

use super::test_portal::TestPortal;
use crate::{
    admin::{RepairRefusal, RepairWanted},
    model::Role,
    protocol::repair::RepairAct,
};

const REFERENT: Option<Role> = Some(Role::Referent);

const PATH: &str = "/referent/interventions";

/// Opens a session of half an hour.
pub(super) async fn open(portal: &TestPortal, session: u64) {
    let wanted = RepairWanted {
        session,
        by: "Camille <b>Exemple".to_owned(),
        reason: "Le CDI n’a plus\nInternet".to_owned(),
        minutes: 30,
        ends: portal.office.now() + Duration::from_secs(1800),
    };
    portal.secure.acts.repairs.begin(wanted).await.unwrap();
}

/// A session that was ended, and one that is open, each with something done in it.
pub(super) async fn work(portal: &TestPortal) {
    let repairs = &portal.secure.acts.repairs;
    open(portal, 1).await;
    let act = repairs.begin_act(1, RepairAct::Rules).await.unwrap();
    repairs.finish_act(act, true).await;
    assert!(repairs.end(1).await.unwrap());
    open(portal, 2).await;
    for (act, well) in [(RepairAct::Line, true), (RepairAct::Tunnel, false)] {
        let number = repairs.begin_act(2, act).await.unwrap();
        repairs.finish_act(number, well).await;
    }
}

#[tokio::test]
async fn the_school_sees_who_is_at_work_and_why_and_ends_it_at_once() {
    let portal = TestPortal::open().await;
    let page = portal.get(REFERENT, PATH).await.text;
    assert!(page.contains("Aucune intervention n’est en cours"), "{page}");
    assert!(!portal.get(REFERENT, "/referent").await.text.contains("Une intervention est en cours"));
    work(&portal).await;
    let page = portal.get(REFERENT, PATH).await.text;
    for shown in [
        "Camille &#60;b&#62;Exemple",
        "Le CDI n’a plus Internet",
        "redémarrage du tunnel",
        "échoué",
        "contrôle et rechargement du pare-feu",
        "par l’académie",
        "name=\"intervention\" value=\"2\"",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(portal.get(REFERENT, "/referent").await.text.contains("Une intervention est en cours"));
    assert_eq!(portal.post(REFERENT, PATH, "intervention=1").await.status, 404, "it is over");
    assert_eq!(portal.post(Some(Role::Enseignant), PATH, "intervention=2").await.status, 403);
    let repairs = &portal.secure.acts.repairs;
    assert_eq!(repairs.open_now(), Some(2));
    let sent = portal.post(REFERENT, PATH, "intervention=2").await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/referent/interventions?fait=terminee"));
    let refused = repairs.begin_act(2, RepairAct::Log).await;
    assert!(matches!(refused, Err(RepairRefusal::NotOpen)), "{refused:?}");
    let told = repairs.standing().borrow().clone().unwrap();
    assert_eq!((told.session, told.ended.as_str()), (2, "school"));
    let page = portal.get(REFERENT, PATH).await.text;
    assert!(page.contains("par l’établissement") && !page.contains("name=\"intervention\""), "{page}");
    let trail = portal.get(REFERENT, "/referent/historique").await.text;
    assert!(trail.contains("met fin à l’intervention d’un technicien"), "{trail}");
}
