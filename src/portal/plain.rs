//! Port 80: probes, closed sites, and the way to the portal's own name.
//!
//! | asked for | answered |
//! |---|---|
//! | the portal, or the box's address | redirect to the portal over HTTPS |
//! | a site, not signed in | redirect to the portal: this opens the sign-in window |
//! | a known probe, no sign-in needed any more | what its system expects |
//! | a site closed by a rule | the page that says why |
//! | a site that the box fronts, and that is open | redirect to it over HTTPS |
//! | a site that is open | a page that loads it again: the browser still holds the answer from before the sign-in |
//!
//! Each connection carries one request, so that no browser reuses it for a site that it has meanwhile been allowed.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
};

use super::{
    front::Front,
    guard::protect_elsewhere,
    host::{Destination, destination},
    language::Language,
    page::{House, Link, NoticePage, written},
    refusal::{refused, to_sign_in},
    visitor::Visitor,
    wanted::Wanted,
};
use crate::{
    enforce::{
        gate::{Asking, Gate},
        probes::{Expected, expected},
        proxy::Page,
    },
    journal::Channel,
    model::{Domain, Site, UrlPath},
    policy::{Cause, Origin, Verdict},
};

/// Seconds after which a page that is open by now is asked for again: longer than the lifetime of an answer given before
/// sign-in (one second).
const RELOAD_SECONDS: &str = "3";

/// What port 80 needs to answer.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) house: House,
    pub(super) name: Domain,
    pub(super) gate: Gate,
    /// The sites that the box fronts.
    pub(super) front: Option<Arc<Front>>,
}

/// The road of port 80.
pub(super) fn router(plain: Arc<Plain>) -> Router {
    Router::new().fallback(answer).with_state(plain)
}

async fn answer(
    State(plain): State<Arc<Plain>>,
    Extension(visitor): Extension<Visitor>,
    request: Request<Body>,
) -> Response {
    let (parts, _unread) = request.into_parts();
    let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|field| field.to_str().ok());
    let language = Language::choose(None, None, accepted);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let site = match destination(&parts.uri, &parts.headers, &plain.name, &visitor.zone) {
        None => return plain.respond(Answer::Page(plain.unreadable(language))),
        Some(Destination::Portal) => {
            return plain.respond(Answer::Home(format!("{}{path}", plain.house.origin())));
        }
        Some(Destination::Elsewhere(site)) => site,
    };
    let asking = Asking {
        source: visitor.source,
        zone: visitor.zone.clone(),
        site: site.clone(),
        path: Some(UrlPath::from(path)),
        channel: Channel::Http,
    };
    let verdict = plain.gate.ask(asking).await;
    if plain.front.as_ref().is_some_and(|front| front.has(&site)) && matches!(verdict, Verdict::Allow(_)) {
        return plain.respond(Answer::Home(format!("https://{site}{path}")));
    }
    plain.respond(judged(&plain.house, language, &verdict, &site, path))
}

/// One answer of port 80.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// To the portal itself, or to a site that the box fronts.
    Home(String),
    /// What a probe expects.
    Probe(Expected),
    /// A page, or a redirect with one.
    Page(Page),
    /// A page that is loaded again after a moment.
    Reload(Page),
}

/// What a request for `path` of `site` is answered once the gate has spoken.
fn judged(house: &House, language: Language, verdict: &Verdict, site: &Site, path: &str) -> Answer {
    let probe = match site {
        Site::Name(name) => expected(name.as_str(), path.split('?').next().unwrap_or(path)),
        Site::Address(_) => None,
    };
    let wanted = Wanted::new(site, path);
    match (verdict, probe) {
        (Verdict::Refuse(refusal), Some(probe)) => match refusal.cause {
            Cause::SignInNeeded => Answer::Page(to_sign_in(house, language, site, None)),
            // The question of a probe is whether a sign-in is needed, whatever rules say of its maker's site.
            Cause::Policy(_) => Answer::Probe(probe),
            Cause::NotRecorded => Answer::Page(refused(house, language, refusal, None)),
        },
        // Nobody has signed in: the site is open for that alone, and the network is not.
        (Verdict::Allow(permit), Some(_)) if matches!(permit.origin(), Origin::Welcome) => {
            Answer::Page(to_sign_in(house, language, site, None))
        }
        (Verdict::Allow(_), Some(probe)) => Answer::Probe(probe),
        (Verdict::Refuse(refusal), None) => Answer::Page(refused(house, language, refusal, Some(&wanted))),
        (Verdict::Allow(_), None) => Answer::Reload(open_soon(house, language, site, &wanted)),
    }
}

/// The page for a site that is open, but whose name the browser still takes for the box. The status keeps programs from
/// taking it for the site's own answer.
fn open_soon(house: &House, language: Language, site: &Site, wanted: &Wanted) -> Page {
    let words = language.words();
    let page = NoticePage {
        frame: house.frame_elsewhere(language, &site.to_string()),
        title: words.open,
        text: words.open_soon,
        site: Some(site),
        link: Some(Link { url: wanted.url(), text: words.reload }),
        asks: false,
    };
    Page { status: 503, location: None, html: written(&page) }
}

impl Plain {
    fn unreadable(&self, language: Language) -> Page {
        let words = language.words();
        let page = NoticePage {
            frame: self.house.frame_elsewhere(language, ""),
            title: words.bad_request,
            text: words.bad_request_text,
            site: None,
            link: None,
            asks: false,
        };
        Page { status: 400, location: None, html: written(&page) }
    }

    /// The answer as HTTP.
    fn respond(&self, answer: Answer) -> Response {
        let mut response = match answer {
            Answer::Home(location) => {
                html(Page { status: 302, location: Some(location), html: String::new() })
            }
            Answer::Probe(Expected::Empty) => with_status(StatusCode::NO_CONTENT, String::new()),
            Answer::Probe(Expected::Text(text)) => {
                typed(with_status(StatusCode::OK, text.to_owned()), "text/plain; charset=utf-8")
            }
            Answer::Probe(Expected::Html(text)) => {
                typed(with_status(StatusCode::OK, text.to_owned()), "text/html; charset=utf-8")
            }
            Answer::Page(page) => html(page),
            Answer::Reload(page) => {
                let mut response = html(page);
                let seconds = HeaderValue::from_static(RELOAD_SECONDS);
                response.headers_mut().insert(header::REFRESH, seconds.clone());
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                response
            }
        };
        protect_elsewhere(response.headers_mut(), self.house.origin());
        response
    }
}

fn html(page: Page) -> Response {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = typed(with_status(status, page.html), "text/html; charset=utf-8");
    if let Some(location) = page.location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn with_status(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

fn typed(mut response: Response, media_type: &'static str) -> Response {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Origin, Refusal},
        portal::page_tests::settings,
    };

    fn answered(cause: Cause, site: &str, path: &str) -> Answer {
        let site: Site = site.parse().unwrap();
        let verdict = Verdict::Refuse(Refusal { site: site.clone(), cause });
        judged(&House::new(&settings()), Language::French, &verdict, &site, path)
    }

    #[test]
    fn a_probe_before_sign_in_is_led_to_the_portal_without_a_return() {
        for (host, path) in [
            ("connectivitycheck.gstatic.com", "/generate_204"),
            ("captive.apple.com", "/hotspot-detect.html"),
        ] {
            let Answer::Page(page) = answered(Cause::SignInNeeded, host, path) else { panic!("{host}") };
            assert_eq!(page.location.as_deref(), Some("https://portail.college.exemple/"));
            assert!(!page.html.contains("Success"));
        }
    }

    #[test]
    fn a_page_before_sign_in_is_offered_again_afterwards() {
        let Answer::Page(page) = answered(Cause::SignInNeeded, "exemple.fr", "/a?b=1") else { panic!() };
        let location = page.location.unwrap();
        assert!(location.ends_with("/?suite=http%3A%2F%2Fexemple.fr%2Fa%3Fb%3D1"), "{location}");
    }

    #[test]
    fn a_probe_of_a_closed_site_still_learns_that_no_sign_in_is_needed() {
        let answer =
            answered(Cause::Policy(Origin::ZoneDefault), "detectportal.firefox.com", "/success.txt?ipv4");
        assert_eq!(answer, Answer::Probe(Expected::Text("success\n")));
    }

    #[test]
    fn nothing_is_well_while_nothing_can_be_recorded() {
        for host in ["captive.apple.com", "exemple.fr"] {
            let Answer::Page(page) = answered(Cause::NotRecorded, host, "/") else { panic!("{host}") };
            assert_eq!(page.status, 503);
        }
    }

    #[test]
    fn a_closed_site_says_why() {
        let Answer::Page(page) = answered(Cause::Policy(Origin::ZoneDefault), "jeux.example", "/") else {
            panic!()
        };
        assert_eq!(page.status, 403);
    }
}
