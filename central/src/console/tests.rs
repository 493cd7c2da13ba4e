//! Coming in: two steps, one session, nobody else's form.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use super::{
    backstage::{Backstage, NAME, PASSWORD},
    visit::SESSION_COOKIE,
};

#[tokio::test]
async fn a_person_comes_in_by_password_and_code_and_finds_the_page_they_wanted() {
    let backstage = Backstage::open().await;
    let (_, key) = backstage.person("camille", &[]).await;
    let got = backstage.send(Method::GET, "/compte?x=1", "", "").await;
    assert_eq!(got.location(), "/connexion?suite=%2Fcompte%3Fx%3D1");
    let body = format!("login=camille&password={}&suite=%2Fcompte", PASSWORD.replace(' ', "+"));
    let got = backstage.send(Method::POST, "/connexion", "", &body).await;
    assert_eq!(got.location(), "/connexion/code?suite=%2Fcompte");
    let stage = format!("__Host-etape={}", got.cookie("__Host-etape").unwrap());
    let got = backstage.send(Method::POST, "/connexion/code", &stage, "code=000000").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let code = key.code_at(backstage.now());
    let planted = format!("{stage}; {SESSION_COOKIE}=planted");
    let body = format!("code={code}&suite=%2Fcompte");
    let got = backstage.send(Method::POST, "/connexion/code", &planted, &body).await;
    assert_eq!(got.location(), "/compte");
    let session = got.cookie(SESSION_COOKIE).unwrap();
    assert_ne!(session, "planted", "a session that was planted before is not taken up");
    let session = format!("{SESSION_COOKIE}={session}");
    assert_eq!(backstage.send(Method::GET, "/", &session, "").await.status, StatusCode::OK);
    let again = backstage.send(Method::POST, "/connexion/code", &stage, &format!("code={code}")).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "the step is spent, and so is the code");
    backstage.send(Method::POST, "/deconnexion", &session, "").await;
    assert_eq!(backstage.send(Method::GET, "/", &session, "").await.location(), "/connexion");
}

#[tokio::test]
async fn a_code_that_was_used_lets_nobody_in_a_second_time() {
    let backstage = Backstage::open().await;
    let (_, key) = backstage.person("camille", &[]).await;
    let address = "192.0.2.7".parse().unwrap();
    let code = key.code_at(backstage.now());
    for is_first in [true, false] {
        let stage = backstage.people.sign_in("camille", PASSWORD, address).await.unwrap().unwrap();
        let proved = backstage.people.prove(&stage, &code, address, "").await.unwrap();
        assert_eq!(proved.is_ok(), is_first);
    }
}

#[tokio::test]
async fn strangers_who_try_do_not_keep_a_person_out() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    for stranger in 1..=40_u8 {
        let address = [198, 51, 100, stranger].into();
        let told = backstage.people.sign_in("chef", "faux mot de passe", address).await.unwrap();
        assert!(told.is_err());
    }
    let stranger = [198, 51, 100, 200].into();
    let told = backstage.people.sign_in("chef", PASSWORD, stranger).await.unwrap();
    assert!(told.is_err(), "the right password from a strange address must wait now");
    let own = [192, 0, 2, 7].into();
    let stage = backstage.people.sign_in("chef", PASSWORD, own).await.unwrap().unwrap();
    let code = chief.key.code_at(backstage.now());
    assert!(backstage.people.prove(&stage, &code, own, "").await.unwrap().is_ok());
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_a_request_and_after_twelve_hours() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    for _ in 0..24 {
        backstage.pass(29 * 60);
        assert_eq!(backstage.get(&chief, "/").await.status, StatusCode::OK);
    }
    backstage.pass(26 * 60);
    assert_eq!(backstage.get(&chief, "/").await.location(), "/connexion", "twelve hours are over");
    let other = backstage.browser("autre", &[]).await;
    backstage.pass(31 * 60);
    assert_eq!(backstage.get(&other, "/").await.location(), "/connexion");
}

#[tokio::test]
async fn another_sites_form_another_name_and_no_session_get_nowhere() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    let request = |name: &str, site: Option<&str>| {
        let mut request =
            Request::builder().method(Method::POST).uri("/deconnexion").header(header::HOST, name);
        request = request.header(header::COOKIE, &chief.cookies);
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        request.body(Body::empty()).unwrap()
    };
    for (name, site, status) in [
        (NAME, Some("cross-site"), StatusCode::FORBIDDEN),
        (NAME, None, StatusCode::FORBIDDEN),
        ("pirate.example", Some("same-origin"), StatusCode::MISDIRECTED_REQUEST),
    ] {
        let got = backstage.send_request(request(name, site)).await;
        assert_eq!(got.status, status);
        assert!(
            got.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'")
        );
        assert!(got.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
    assert_eq!(backstage.get(&chief, "/").await.status, StatusCode::OK, "the session still holds");
}

#[tokio::test]
async fn a_language_is_chosen_once_and_kept() {
    let backstage = Backstage::open().await;
    let got = backstage.send(Method::GET, "/connexion?suite=%2Fcompte&lang=en", "", "").await;
    assert_eq!(got.location(), "/connexion?suite=%2Fcompte");
    let cookie = format!("__Host-langue={}", got.cookie("__Host-langue").unwrap());
    let got = backstage.send(Method::GET, "/connexion?suite=%2Fcompte", &cookie, "").await;
    assert!(got.text.contains("<html lang=\"en\">") && got.text.contains("lang=fr\""), "{}", got.text);
}

#[tokio::test]
async fn a_visitor_sees_the_schools_of_their_places_only() {
    let backstage = Backstage::open().await;
    let somme = crate::words::Place::read("departement/80").unwrap();
    let browser = backstage.browser("somme", &[(crate::words::Right::See, somme)]).await;
    let got = backstage.get(&browser, "/").await;
    assert!(got.text.contains("Anne Frank") && got.text.contains("Jules Verne"));
    assert!(!got.text.contains("Beauvais"));
    let chief = backstage.chief().await;
    let got = backstage.get(&chief, "/?q=beauvais").await;
    assert!(got.text.contains("Lycée &#60;b&#62;Jean&#60;/b&#62; &#38; Fils"), "{}", got.text);
    assert!(!got.text.contains("Anne Frank"));
}

#[tokio::test]
async fn the_database_away_is_a_page_that_says_so() {
    let backstage = Backstage::open().await;
    let chief = backstage.chief().await;
    let mut write = backstage.database.write().await.unwrap();
    write.execute("DROP TABLE school_group", &[]).await.unwrap();
    write.commit().await.unwrap();
    let got = backstage.get(&chief, "/?q=a").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(got.headers.contains_key(header::RETRY_AFTER));
    assert!(got.text.contains("href=\"/?q=a\""), "the way to load the page again: {}", got.text);
}
