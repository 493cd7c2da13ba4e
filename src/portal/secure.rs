//! Port 443: the portal's own pages, under its own name.
//!
//! | road | what it does |
//! |---|---|
//! | `GET /` | home of whoever may use the network, sign-in page for the others |
//! | `/connexion…`, `/reprendre`, `/deconnexion…`, `/mot-de-passe` | signs in and out: `sign_in` |
//! | `/connexion/ent…` | to the school's ENT and back: `ent` |
//! | `GET /bloque?u=SITE` | judges the site, or a page `http://…`, and says why it is closed (decision D6) |
//! | `GET /api/captive` | RFC 8908 |
//! | `/referent…` | the digital referent's pages (`referent`) |
//! | `GET /envois` | what one sent to the ENT while the line was down, and what became of it: `sent` |
//! | `/cas/…` | CAS 3.0, see `cas` |
//! | `GET /style.css`, `GET /favicon.svg` | what pages look like |

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    asked::Asked,
    because::because,
    captive, cas, ent,
    guard::{comes_from_us, protect},
    host::is_named,
    language::{COOKIE_NAME, Language},
    library::{self, OfPackage},
    navigation::Place,
    page::{HomePage, House, ICON, Link, NoticePage, Reach, RefusedPage, Resident, STYLE, written},
    parts::{Acts, Fronting, Parts, Sights},
    referent, sent,
    settings::Settings,
    sign_in::{self, Notice},
    teacher::Handles,
    time_of_day,
    visitor::{Standing, Visitor},
    wanted::{Sought, Wanted, query_value},
    words::{HomeWords, Words},
};
use crate::{
    enforce::{
        dns::LineStanding,
        ent::Ent,
        gate::{Asking, Gate},
        sign_in::SignIn,
    },
    identity::{Identity, SessionView},
    journal::Channel,
    library::Library,
    model::{Assurance, ClassName, ClockTrust, DefaultVerdict, Domain, Role, Site, Zone},
    policy::{Cause, Verdict},
    system::clock::Clock,
};

/// The longest body of a form, in bytes: a login, a password and an address fit several times.
const FORM_BYTES_MAX: usize = 8 * 1024;

/// How long a chosen language is kept, in seconds: a school year.
const LANGUAGE_SECONDS: u32 = 31_536_000;

/// Pages that listen to be told of changes, at once: a school's teachers, each with two.
const LISTENING_MAX: usize = 200;

/// What the pages need to answer.
#[derive(Debug)]
pub(super) struct Secure {
    pub(super) house: House,
    pub(super) name: Domain,
    pub(super) identity: Identity,
    pub(super) sign_in: SignIn,
    pub(super) acts: Acts,
    /// The packages to read, where the school has a library.
    pub(super) library: Option<Library>,
    pub(super) sights: Sights,
    pub(super) gate: Gate,
    pub(super) clock: Clock,
    /// The zones that the portal serves.
    pub(super) zones: Vec<Arc<Zone>>,
    /// What stands for pupils in addresses.
    pub(super) handles: Handles,
    /// Places for pages that listen to be told of changes.
    pub(super) listening: Arc<Semaphore>,
    /// Signalled when the portal ends.
    pub(super) ending: CancellationToken,
    /// The school's ENT, where it has one.
    pub(super) ent: Option<Ent>,
    /// Where applications ask who came.
    pub(super) cas: Arc<cas::Desk>,
    /// What answers for the sites that the box fronts, where it fronts some.
    pub(super) fronting: Option<Fronting>,
    /// The names of these sites.
    pub(super) fronted: Vec<Domain>,
}

impl Secure {
    /// What `parts` give the pages of a school with `settings`; `ending` is signalled when the portal ends.
    ///
    /// # Errors
    /// When the kernel gives no randomness, or the certificate authorities of an application cannot be read.
    pub(super) fn new(settings: &Settings, parts: Parts, ending: CancellationToken) -> anyhow::Result<Self> {
        let Parts { identity, sign_in, ent, acts, library, sights, gate, clock, fronting } = parts;
        let cas = cas::Desk::new(settings.cas.clone(), identity.clone(), &sights.resolver)?;
        Ok(Self {
            house: House::new(settings),
            name: settings.name.clone(),
            identity,
            sign_in,
            ent,
            acts,
            library,
            sights,
            gate,
            clock,
            zones: settings.zones.clone(),
            handles: Handles::new().context("cannot make a key")?,
            listening: Arc::new(Semaphore::new(LISTENING_MAX)),
            ending,
            cas: Arc::new(cas),
            fronting,
            fronted: settings.fronted.iter().map(|site| site.name.clone()).collect(),
        })
    }
}

/// The road of port 443.
pub(super) fn router(secure: Arc<Secure>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/bloque", get(why_blocked))
        .route("/api/captive", get(captive_state))
        .route("/style.css", get(style))
        .route("/favicon.svg", get(icon))
        .merge(super::teacher::router())
        .merge(super::pupil::router())
        .merge(cas::router())
        .merge(sign_in::router())
        .merge(referent::router(&secure))
        .merge(ent::router())
        .merge(library::router())
        .merge(sent::router())
        .fallback(no_such_page)
        .method_not_allowed_fallback(unreadable)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(secure.clone(), guarded))
        .with_state(secure)
}

/// Refuses what is not for the portal or not from its pages; protects every answer but those with something of a package,
/// which are caged already.
async fn guarded(State(secure): State<Arc<Secure>>, asked: Asked, request: Request, next: Next) -> Response {
    let words = asked.language.words();
    let mut response = if !is_named(request.uri(), request.headers(), &secure.name) {
        let status = StatusCode::MISDIRECTED_REQUEST;
        secure.notice(&asked, status, words.other_name, words.other_name_text, None)
    } else if !comes_from_us(request.method(), request.headers()) {
        let status = StatusCode::FORBIDDEN;
        secure.notice(&asked, status, words.foreign_form, words.foreign_form_text, Some(home_link(words)))
    } else {
        next.run(request).await
    };
    if response.extensions().get::<OfPackage>().is_some() {
        return response;
    }
    if let Some(language) = asked.chosen {
        let cookie = format!(
            "{COOKIE_NAME}={}; Path=/; Max-Age={LANGUAGE_SECONDS}; Secure; HttpOnly; SameSite=Lax",
            language.tag()
        );
        let cookie = HeaderValue::try_from(cookie).expect("a language's tag is visible ASCII");
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    protect(response.headers_mut());
    response
}

async fn home(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let standing = visitor.standing(&secure.identity);
    let wanted = asked.wanted().filter(|wanted| wanted.to_application().is_some());
    let (role, resident) = match &standing {
        Standing::SignedIn(_) if wanted.is_some() => return see_other(&home_path(wanted.as_ref())),
        // An application asks for a person; a registered machine is none.
        Standing::Registered(_) if wanted.is_some() => {
            return secure.sign_in_page(&visitor, &asked, StatusCode::OK, Notice::None, ("", wanted));
        }
        Standing::SignedIn(session) => (Some(session.account.role), secure.person(asked.language, session)),
        Standing::Registered(device) => (None, Resident::Machine { name: &device.name }),
        Standing::Unknown => {
            let notice = Notice::of_leaving(asked.query.parti.as_deref());
            return secure.sign_in_page(&visitor, &asked, StatusCode::OK, notice, ("", asked.wanted()));
        }
    };
    html(StatusCode::OK, written(&secure.home_page(&visitor, &asked, role, resident)))
}

/// Sends a browser home that asks for the address of a form.
pub(super) async fn go_home() -> Response {
    see_other("/")
}

/// Judges a site for the visitor; whoever still has to sign in is sent there first.
async fn why_blocked(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let words = asked.language.words();
    let typed = asked.query.u.as_deref().unwrap_or("");
    let Some(Sought { site, path, hides_path }) = Sought::read(typed) else {
        let page = secure.asking_page(&asked, words.not_a_site, words.not_a_site_text, None);
        return html(StatusCode::OK, page);
    };
    let asking = Asking {
        source: visitor.source,
        zone: visitor.zone.clone(),
        site: site.clone(),
        path: path.clone(),
        channel: Channel::Http,
    };
    let verdict = secure.gate.ask(asking).await;
    let name_only = hides_path || (path.is_none() && secure.gate.judges_pages_of(&site));
    let told_open = if name_only { words.open_name_only } else { words.open_now };
    secure.told_verdict(&asked, &verdict, &site, told_open)
}

async fn captive_state(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let standing = visitor.standing(&secure.identity);
    let state = captive::State::new(&visitor, &standing, secure.house.origin(), secure.clock.now());
    let headers = [(header::CONTENT_TYPE, captive::MEDIA_TYPE), (header::CACHE_CONTROL, "private, no-store")];
    (headers, state.json()).into_response()
}

async fn style() -> Response {
    kept_long("text/css; charset=utf-8", STYLE)
}

async fn icon() -> Response {
    kept_long("image/svg+xml", ICON)
}

async fn no_such_page(State(secure): State<Arc<Secure>>, asked: Asked) -> Response {
    let words = asked.language.words();
    let link = Some(home_link(words));
    secure.notice(&asked, StatusCode::NOT_FOUND, words.no_such_page, words.no_such_page_text, link)
}

async fn unreadable(State(secure): State<Arc<Secure>>, asked: Asked) -> Response {
    let words = asked.language.words();
    let link = Some(home_link(words));
    secure.notice(&asked, StatusCode::METHOD_NOT_ALLOWED, words.bad_request, words.bad_request_text, link)
}

impl Secure {
    /// The page that says that a form could not be read.
    pub(super) fn form_unread(&self, asked: &Asked) -> Response {
        let words = asked.language.words();
        let link = Some(home_link(words));
        self.notice(asked, StatusCode::BAD_REQUEST, words.bad_request, words.bad_request_text, link)
    }

    /// The home page of `resident`, in the navigation of a person's `role`.
    fn home_page<'a>(
        &'a self,
        visitor: &Visitor,
        asked: &Asked,
        role: Option<Role>,
        resident: Resident<'a>,
    ) -> HomePage<'a> {
        let language = asked.language;
        let wanted = asked.wanted();
        let zone = &visitor.zone;
        let (web, line_down) = match (self.sights.resolver.line(), zone.default) {
            (LineStanding::Down { lasting }, _) => (Reach::Away, Some(language.line_down(lasting))),
            (LineStanding::Up, DefaultVerdict::Allow) => (Reach::Open, None),
            (LineStanding::Up, DefaultVerdict::Block) => (Reach::Closed, None),
        };
        let mut services: Vec<_> = zone.services.iter().map(|service| language.service(service)).collect();
        services.sort_unstable();
        services.dedup();
        let frame = self.house.frame(language, asked.switch("/", wanted.as_ref().map(Wanted::url)));
        let frame = match role {
            Some(role) => frame.at(role, Place::Home),
            None => frame,
        };
        HomePage {
            frame,
            resident,
            words: HomeWords::of(language),
            network: language.zone(zone.kind),
            web,
            line_down,
            announcements: self.announcements(role),
            clock_in_doubt: self.clock.trust() == ClockTrust::Doubtful,
            services: services.join(", "),
            kept_sites: self.fronted.iter().filter(|_| role.is_some()).map(Domain::to_string).collect(),
            wanted,
        }
    }

    /// What the school announces to people of `role`, or to a machine that is nobody's.
    fn announcements(&self, role: Option<Role>) -> Vec<String> {
        let running = self.acts.announcements.running(role, self.clock.now());
        running.into_iter().map(|announcement| announcement.words).collect()
    }

    fn person<'a>(&self, language: Language, session: &'a SessionView) -> Resident<'a> {
        let account = &session.account;
        let classes: Vec<_> = account.classes.iter().map(ClassName::as_str).collect();
        Resident::Person {
            name: &account.display_name,
            role: language.role(account.role),
            classes: classes.join(", "),
            until: time_of_day::told(language, session.until, self.clock.now()),
            until_utc: session.until.to_string(),
            is_offline: session.assurance == Assurance::Offline,
        }
    }

    /// What the gate answered about `site`, for a reader who is on the portal; `told_open` where it is open.
    fn told_verdict(
        &self,
        asked: &Asked,
        verdict: &Verdict,
        site: &Site,
        told_open: &'static str,
    ) -> Response {
        let words = asked.language.words();
        let refusal = match verdict {
            Verdict::Allow(_) => {
                return html(StatusCode::OK, self.asking_page(asked, words.open, told_open, Some(site)));
            }
            Verdict::Refuse(refusal) => refusal,
        };
        if let Some(because) = because(asked.language, refusal) {
            let frame = self.house.frame(asked.language, asked.switch("/bloque", None));
            return html(StatusCode::OK, written(&RefusedPage { frame, site, because }));
        }
        match refusal.cause {
            Cause::SignInNeeded => see_other("/"),
            Cause::Policy(_) | Cause::NotRecorded => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                self.notice(asked, status, words.not_recorded, words.not_recorded_text, None)
            }
        }
    }

    /// A page with one thing to say and the form that asks about a site.
    fn asking_page(
        &self,
        asked: &Asked,
        title: &'static str,
        text: &'static str,
        site: Option<&Site>,
    ) -> String {
        let frame = self.house.frame(asked.language, asked.switch("/bloque", None));
        written(&NoticePage { frame, title, text, site, link: None, asks: true })
    }

    /// A page with one thing to say, and perhaps where to go next.
    pub(super) fn notice(
        &self,
        asked: &Asked,
        status: StatusCode,
        title: &'static str,
        text: &'static str,
        link: Option<Link>,
    ) -> Response {
        let frame = self.house.frame(asked.language, asked.switch("/", None));
        html(status, written(&NoticePage { frame, title, text, site: None, link, asks: false }))
    }
}

pub(super) fn home_link(words: &'static Words) -> Link {
    Link { url: String::from("/"), text: words.back_home }
}

/// The home page's path, which offers the page somebody was on the way to; on the way to an application of the school, that
/// way. There the browser rests on a page before it goes on: it would not follow a form of this portal to another site.
pub(super) fn home_path(wanted: Option<&Wanted>) -> String {
    if let Some(path) = wanted.and_then(Wanted::to_application) {
        return format!("{path}&pause=true");
    }
    wanted.map_or_else(|| String::from("/"), |wanted| format!("/?suite={}", query_value(&wanted.url())))
}

/// A page as an answer.
pub(super) fn html(status: StatusCode, page: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// Sends the browser to `path` of the portal, by `GET`.
pub(super) fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// A file that changes its address when it changes.
fn kept_long(media_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_sign_in_one_is_always_on_the_portal() {
        assert_eq!(home_path(None), "/");
        for text in ["https://pirate.example/", "//pirate.example", "javascript:alert(1)"] {
            assert_eq!(home_path(Wanted::read(text).as_ref()), "/");
        }
        assert_eq!(home_path(Wanted::read("http://a.fr/").as_ref()), "/?suite=http%3A%2F%2Fa.fr%2F");
    }
}
