//! `/cas/logout`: the person leaves an application and with it everything they are signed in to here.
//!
//! The protocol signs out by a mere link, which any page can make a browser follow. Only whole pages count here: pictures
//! and scripts of other pages sign nobody out. Whoever is sent by a link sees what happened.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{page::NoticePage, parameters::Parameters};
use crate::portal::{
    asked::Asked,
    secure::{Secure, see_other},
    visitor::Visitor,
    words::cas,
};

/// `GET /cas/logout`. A `service` of an application is gone to afterwards; `url` is ignored (CAS 3.0, 2.3.1).
pub(super) async fn leave(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let words = cas(asked.language);
    if !is_whole_page(&headers) {
        let frame = secure.house.frame(asked.language, asked.switch("/", None));
        let (title, text) = (words.leave, words.leave_text);
        let page = NoticePage { frame, title, text, application: None, leave: Some(words.leave) };
        return page.answer(StatusCode::FORBIDDEN);
    }
    match secure.cas.session(&visitor, &headers) {
        // Its browser is at another machine than its session: the machine's hardware address has changed.
        Some(session) if secure.identity.session_of(visitor.source).is_none() => {
            secure.sign_in.end(session.machine).await;
        }
        _ => secure.sign_in.sign_out(visitor.source).await,
    }
    let parameters = Parameters::read(query.as_deref().unwrap_or(""));
    let service = parameters.as_ref().and_then(|parameters| parameters.value("service"));
    match service.and_then(|service| secure.cas.service(service)) {
        Some((url, _)) => see_other(url.as_str()),
        None => secure.cas_notice(&asked, StatusCode::OK, (words.left, words.left_text), None),
    }
}

/// Whether the browser goes there with a whole page, as far as it says (Fetch Metadata).
fn is_whole_page(headers: &HeaderMap) -> bool {
    let says = |name: &str, expected: &str| headers.get(name).is_none_or(|value| value == expected);
    says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_signs_nobody_out() {
        for (mode, dest, expected) in [
            ("navigate", "document", true),
            ("no-cors", "image", false),
            ("navigate", "iframe", false),
            ("cors", "empty", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-mode", mode.parse().unwrap());
            headers.insert("sec-fetch-dest", dest.parse().unwrap());
            assert_eq!(is_whole_page(&headers), expected, "{dest}");
        }
        assert!(is_whole_page(&HeaderMap::new()));
    }
}
