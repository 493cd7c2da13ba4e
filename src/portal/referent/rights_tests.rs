//! Every road of the area, asked by every role and by nobody, for a page and with a form.

use super::{roads::roads, test_portal::TestPortal};
use crate::model::Role;

#[tokio::test]
async fn each_road_is_open_to_the_roles_of_its_act_and_closed_to_everybody_else() {
    let portal = TestPortal::open().await;
    let paths: Vec<_> = roads().into_iter().map(|road| (road.path, road.act)).collect();
    assert!(paths.len() > 15);
    for (path, act) in paths {
        // A road without a form is that for everybody.
        let is_only_read = portal.post(Some(Role::Referent), path, "").await.status == 405;
        for role in Role::ALL {
            let (got, posted) = (portal.get(Some(role), path).await, portal.post(Some(role), path, "").await);
            if act.is_for(role) {
                // A page without its subject is not there, a sheet that was never printed is gone; nothing is forbidden.
                assert!(matches!(got.status, 200 | 404 | 410), "{role} {path}: {}", got.status);
                assert!(matches!(posted.status, 400 | 404 | 405 | 422), "{role} {path}: {}", posted.status);
            } else {
                let refused = if is_only_read { 405 } else { 403 };
                assert_eq!((got.status, posted.status), (403, refused), "{role} {path}");
                assert!(got.text.contains("pas pour vous"), "{role} {path}");
            }
        }
        let (got, posted) = (portal.get(None, path).await, portal.post(None, path, "").await);
        assert_eq!((got.status, got.location.as_str()), (303, "/"), "nobody {path}");
        assert_eq!(posted.status, if is_only_read { 405 } else { 303 }, "nobody {path}");
    }
    assert!(portal.office.store().done(9).await.unwrap().is_empty(), "nothing was done");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let portal = TestPortal::open().await;
    let form = "texte=Bonjour&fin=2099-01-01T00%3A00";
    let sent = portal.post(Some(Role::Referent), "/referent/annonces/nouvelle", form).await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/referent/annonces?fait=publiee"));
    let foreign = portal.post_from(Role::Referent, "/referent/annonces/nouvelle", form, "cross-site").await;
    assert_eq!(foreign.status, 403);
    assert_eq!(portal.secure.acts.announcements.standing(portal.office.now()).len(), 1);
}
