//! The road of every request: named, from us, in a language, by somebody who came in; then its page.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::{self, Next},
    response::Response,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    accounts, filtering, fleet,
    guard::{comes_from_us, is_named, protect},
    import,
    language::Language,
    library,
    look::{self, Look},
    message::{SPENT, see_other},
    own,
    parts::{Parts, Settings},
    persons, proposals,
    refusal::{Answer, Refused},
    requests, school, sign_in, statistics, trail,
    visit::{Asked, Visit, session_token},
};

/// The longest body of a form, in bytes. What takes files says its own.
const FORM_BYTES_MAX: usize = 256 * 1024;

/// Pages that listen to be told of changes, at once.
const LISTENING_MAX: usize = 500;

/// What the pages need to answer.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) settings: Settings,
    pub(super) parts: Parts,
    pub(super) look: Look,
    /// Places for pages that listen to be told of changes.
    pub(super) listening: Arc<Semaphore>,
    /// Signalled when the console ends.
    pub(super) ending: CancellationToken,
}

impl Console {
    pub(super) fn new(settings: Settings, parts: Parts, ending: CancellationToken) -> Self {
        let listening = Arc::new(Semaphore::new(LISTENING_MAX));
        Self { settings, parts, look: Look::new(), listening, ending }
    }
}

/// All roads.
pub(super) fn router(console: Arc<Console>) -> Router {
    let closed = Router::new()
        .merge(fleet::router())
        .merge(filtering::router())
        .merge(import::router())
        .merge(school::router())
        .merge(requests::router())
        .merge(accounts::router())
        .merge(library::router())
        .merge(statistics::router())
        .merge(persons::router())
        .merge(proposals::router())
        .merge(trail::router())
        .merge(own::router())
        .merge(sign_in::closed_router())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&console), let_in));
    Router::new()
        .merge(closed)
        .merge(sign_in::router())
        .merge(look::router())
        .fallback(async || Refused::NoSuchPage)
        .method_not_allowed_fallback(async || Refused::Unread)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&console), guarded))
        .with_state(console)
}

/// Refuses what is not for the console or not from its pages, keeps a chosen language, protects every answer.
async fn guarded(State(console): State<Arc<Console>>, mut request: Request, next: Next) -> Response {
    let asked = Asked::new(request.uri(), request.headers());
    let name = &console.settings.name;
    let refuse = |refused| console.refusal_page(console.bare_frame(&asked), &asked, refused);
    let mut response = if !is_named(request.uri(), request.headers(), name) {
        refuse(Refused::Misdirected)
    } else if !comes_from_us(request.method(), request.headers(), name) {
        refuse(Refused::Foreign)
    } else if let (true, Some(language)) = (request.method().is_safe(), chosen_language(request.uri())) {
        let mut response = see_other(&asked.path);
        let cookie = HeaderValue::try_from(language.cookie()).expect("a language's tag is visible ASCII");
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
    } else {
        request.extensions_mut().insert(asked.clone());
        let response = next.run(request).await;
        match response.extensions().get::<Refused>() {
            Some(refused) => refuse(*refused),
            None => response,
        }
    };
    let shows = response.status().is_success() && is_page(response.headers());
    if shows && asked.message.is_some() {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(SPENT));
    }
    protect(response.headers_mut());
    response
}

/// Lets in whoever has a session; everybody else is sent to the sign-in page, and back after it.
async fn let_in(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    mut request: Request,
    next: Next,
) -> Answer {
    let session = match session_token(request.headers()) {
        Some(token) => console.parts.people.session(&token).await?,
        None => None,
    };
    let Some(session) = session else {
        let wanted = if request.method().is_safe() { asked.path.as_str() } else { "/" };
        return Ok(see_other(&sign_in::path_towards(wanted)));
    };
    let visit = Visit { asked: asked.clone(), session: Arc::new(session), now: console.parts.clock.now() };
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        response = console.refusal_page(console.frame(&visit, None), &asked, refused);
    }
    Ok(response)
}

/// The language that this very request chooses.
fn chosen_language(uri: &Uri) -> Option<Language> {
    uri.query()?.split('&').find_map(|pair| Language::from_tag(pair.strip_prefix("lang=")?))
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
}
