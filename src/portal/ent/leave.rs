//! Leaving: for the ENT, and out of it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::cookie;
use crate::{
    enforce::ent::Demand,
    portal::{
        asked::Asked,
        page::Link,
        secure::{Secure, home_path, see_other},
        visitor::Visitor,
        wanted::Wanted,
    },
};

/// What browsers understand as "go there after so many seconds"; of no standard, and of every browser.
const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// `GET /connexion/ent`.
pub(super) async fn to_the_ent(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let Some(ent) = &secure.ent else { return see_other("/") };
    let wanted = asked.wanted();
    // Another site's page that could begin a departure could end it too, with a ticket of its own reader's: the person
    // would sit in somebody else's session. From the sign-in page they leave themselves.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return see_other(&home_path(wanted.as_ref()));
    }
    let Some(machine) = visitor.machine(&secure.identity) else {
        return secure.busy(&asked, wanted.as_ref());
    };
    let demand = match asked.query.autre {
        Some(_) => Demand::PasswordAgain,
        None => Demand::AnySession,
    };
    match ent.depart(machine, wanted.as_ref().map(Wanted::url), demand).await {
        Ok(left) => {
            let mut response = sent_to(&left.url);
            cookie::give(response.headers_mut(), &left.key);
            response
        }
        Err(refusal) => secure.told_by_the_ent(&asked, refusal),
    }
}

/// `GET /connexion/ent/fin`: a page that goes on to the ENT by itself. The browser comes from a form of the portal, which
/// must not lead to another site; a page may.
pub(super) async fn out_of_the_ent(State(secure): State<Arc<Secure>>, asked: Asked) -> Response {
    let reachable = secure.ent.as_ref().filter(|ent| ent.is_reachable());
    let Some(url) = reachable.and_then(|ent| ent.sign_out_url()) else { return see_other("/?parti=suivant") };
    let texts = asked.language.ent_words();
    let refresh = HeaderValue::try_from(format!("0; url={url}"));
    let link = Some(Link { url, text: texts.end_link });
    let mut page = secure.notice(&asked, StatusCode::OK, texts.end, texts.end_text, link);
    // The link is there where the header cannot be written.
    if let Ok(refresh) = refresh {
        page.headers_mut().insert(REFRESH, refresh);
    }
    page
}

/// Sends the browser to a page of the ENT. The ENT hears of no page of the portal.
fn sent_to(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(url) => {
            let headers = [(header::LOCATION, url)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(_) => see_other("/"),
    }
}
