//! `/cas/login`: a browser comes from an application and goes back with a ticket, at once where somebody is signed in.
//!
//! | the request | somebody is signed in | nobody is |
//! |---|---|---|
//! | no service | home | home, which asks to sign in |
//! | a service that is no application's | a page that says so; nothing is sent anywhere | the same |
//! | a service | to the service with a ticket | the form |
//! | `gateway` | to the service with a ticket | to the service without one |
//! | `renew`, whatever `gateway` says | the form | the form |
//!
//! Where people sign in at the ENT, the portal's sign-in page leads there and back here, in place of the form.
//!
//! With `method=POST` the ticket is in a form instead of the address, which the person sends: pages hold no script.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State, rejection::StringRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
};

use super::{
    application::Application,
    page::{CarryPage, LoginPage, NoticePage, RestPage},
    parameters::Parameters,
    service_url::ServiceUrl,
};
use crate::{
    enforce::sign_in::SignedIn,
    identity::{EntStanding, SessionView, SignInRefusal, tickets::Login},
    portal::{
        asked::Asked,
        page::Frame,
        secure::{Secure, see_other},
        sign_in::Told,
        visitor::Visitor,
        wanted::query_value,
        words::cas,
    },
};

/// What browsers understand as "go there after so many seconds"; of no standard, and of every browser.
const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// How a request asks to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    renew: bool,
    gateway: bool,
    by_post: bool,
    /// Whether the browser comes from a form of the portal's, and is to rest before it goes on.
    pause: bool,
}

impl Way {
    pub(super) fn read(parameters: &Parameters) -> Self {
        Self {
            renew: parameters.is_set("renew"),
            gateway: parameters.is_set("gateway"),
            pause: parameters.is_set("pause"),
            by_post: parameters.value("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
        }
    }

    /// What is done for a known service.
    fn step(self, is_signed_in: bool) -> Step {
        // CAS 3.0, 2.1.1: where both are set, `gateway` is ignored.
        match (self.renew, is_signed_in, self.gateway) {
            (true, _, _) | (false, false, false) => Step::Ask,
            (false, true, _) => Step::Send,
            (false, false, true) => Step::SendBack,
        }
    }
}

/// What is done for a known service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The form.
    Ask,
    /// To the service with a ticket.
    Send,
    /// To the service without one.
    SendBack,
}

/// A request that can be answered: where to, and how.
#[derive(Debug)]
struct Coming<'a> {
    url: ServiceUrl,
    application: &'a Application,
    way: Way,
}

/// Somebody who has given their password.
#[derive(Debug)]
enum Proof {
    /// Once more, in a session that goes on.
    Kept(SessionView),
    /// For a session that begins with it.
    Begun(SignedIn),
}

/// `GET /cas/login`.
pub(super) async fn come(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::read(query.as_deref().unwrap_or(""));
    let coming = match secure.coming(&asked, parameters.as_ref()) {
        Ok(coming) => coming,
        Err(answer) => return *answer,
    };
    let session = secure.cas.session(&visitor, &headers);
    if coming.way.pause && session.is_some() {
        return secure.rest(&asked, &coming);
    }
    let fresh = session.as_ref().filter(|session| coming.way.renew && secure.cas.has_given_password(session));
    if let Some(session) = fresh {
        return secure.send(&asked, &coming, session, Login::Fresh);
    }
    match (coming.way.step(session.is_some()), session) {
        (Step::Send, Some(session)) => secure.send(&asked, &coming, &session, Login::Kept),
        (Step::SendBack, _) => see_other(coming.url.as_str()),
        (Step::Ask | Step::Send, _)
            if !coming.way.renew && secure.identity.ent() == EntStanding::Reachable =>
        {
            see_other(&format!("/?suite={}", query_value(&coming.path())))
        }
        (Step::Ask | Step::Send, _) => secure.ask(&asked, &coming, None, ""),
    }
}

impl Coming<'_> {
    /// The portal's own path that comes to this again.
    fn path(&self) -> String {
        let mut path = format!("/cas/login?service={}", query_value(self.url.as_str()));
        for (is_set, more) in [(self.way.renew, "&renew=true"), (self.way.by_post, "&method=POST")] {
            path.push_str(if is_set { more } else { "" });
        }
        path
    }
}

/// `POST /cas/login`: the form of [`come`].
pub(super) async fn sign_in(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    headers: HeaderMap,
    form: Result<String, StringRejection>,
) -> Response {
    let parameters = form.ok().and_then(|form| Parameters::read(&form));
    let coming = match secure.coming(&asked, parameters.as_ref()) {
        Ok(coming) => coming,
        Err(answer) => return *answer,
    };
    let field = |name| parameters.as_ref().and_then(|parameters| parameters.value(name)).unwrap_or("");
    let login = field("username").trim();
    match secure.prove(&visitor, &headers, login, field("password")).await {
        Ok(Proof::Kept(session)) => secure.send(&asked, &coming, &session, Login::Fresh),
        Ok(Proof::Begun(begun)) => {
            let mut answer = secure.send(&asked, &coming, &begun.view, Login::Fresh);
            secure.give_token(answer.headers_mut(), &begun);
            answer
        }
        Err(refusal) => secure.ask(&asked, &coming, Some(refusal), login),
    }
}

impl Secure {
    /// Where a request wants to go; else what it is answered.
    fn coming(&self, asked: &Asked, parameters: Option<&Parameters>) -> Result<Coming<'_>, Box<Response>> {
        let words = cas(asked.language);
        let Some(parameters) = parameters else {
            let words = asked.language.words();
            let texts = (words.bad_request, words.bad_request_text);
            return Err(Box::new(self.cas_notice(asked, StatusCode::BAD_REQUEST, texts, None)));
        };
        // CAS 3.0, 2.1.1: without a service the person is asked to sign in, or told that they are.
        let Some(service) = parameters.value("service") else { return Err(Box::new(see_other("/"))) };
        match self.cas.service(service) {
            Some((url, application)) => Ok(Coming { url, application, way: Way::read(parameters) }),
            None => {
                let texts = (words.unknown, words.unknown_text);
                Err(Box::new(self.cas_notice(asked, StatusCode::FORBIDDEN, texts, None)))
            }
        }
    }

    /// Holds a password against the directory. Whoever gives their own again keeps their session, which may be at another
    /// machine; anybody else begins one here.
    async fn prove(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        login: &str,
        password: &str,
    ) -> Result<Proof, SignInRefusal> {
        // As on the sign-in page: an address without a machine tries no password, or whoever makes addresses up tries
        // without end.
        let machine = visitor.machine(&self.identity).ok_or(SignInRefusal::MachineUnknown)?;
        let verified = self.identity.verify(login, password, Some(machine), visitor.source).await?;
        let kept = self.cas.session(visitor, headers);
        if let Some(session) = kept.filter(|session| session.account.id == verified.account().id) {
            return Ok(Proof::Kept(session));
        }
        let begun = self.sign_in.sign_in_verified(verified, &visitor.zone, visitor.source).await?;
        Ok(Proof::Begun(begun))
    }

    /// Sends a person on to the application with a ticket.
    fn send(&self, asked: &Asked, coming: &Coming<'_>, session: &SessionView, login: Login) -> Response {
        let words = cas(asked.language);
        let Coming { url, application, way } = coming;
        let refused = |status, texts| self.cas_notice(asked, status, texts, Some(&application.name));
        if !application.is_open_to(session.account.role) {
            return refused(StatusCode::FORBIDDEN, (words.not_for_you, words.not_for_you_text));
        }
        if self.cas.user(application, session).is_none() {
            return refused(StatusCode::FORBIDDEN, (words.no_login, words.no_login_text));
        }
        let Some(ticket) = self.cas.grant(session, url, login) else {
            return refused(StatusCode::SERVICE_UNAVAILABLE, (words.no_ticket, words.no_ticket_text));
        };
        if !way.by_post {
            return see_other(&url.with_ticket(&ticket));
        }
        let frame = self.cas_frame(asked, coming);
        let (name, service) = (application.name.as_str(), url.as_str());
        CarryPage { frame, words, application: name, service, ticket: &ticket }.answer(url)
    }

    /// Asks for login and password.
    fn ask(
        &self,
        asked: &Asked,
        coming: &Coming<'_>,
        refusal: Option<SignInRefusal>,
        login: &str,
    ) -> Response {
        let told = refusal.map(|refusal| Told::of(asked.language, &refusal));
        let (status, refusal, retry_seconds) = match told {
            Some(Told { status, text, retry_seconds }) => (status, Some(text), retry_seconds),
            None => (StatusCode::OK, None, None),
        };
        let page = LoginPage {
            frame: self.cas_frame(asked, coming),
            words: cas(asked.language),
            application: &coming.application.name,
            service: coming.url.as_str(),
            renew: coming.way.renew,
            by_post: coming.way.by_post,
            other_ways: self.other_ways(coming),
            refusal,
            login,
        };
        Told::retried(page.answer(status, &coming.url), retry_seconds)
    }

    /// Where else somebody signs in: at the ENT once more, where the password is asked again; else the sign-in page.
    fn other_ways(&self, coming: &Coming<'_>) -> String {
        let suite = query_value(&coming.path());
        if coming.way.renew && self.identity.ent() == EntStanding::Reachable {
            return format!("/connexion/ent?autre=1&suite={suite}");
        }
        format!("/?suite={suite}")
    }

    /// A page that goes on to the application by itself, and by a link where the browser does not.
    fn rest(&self, asked: &Asked, coming: &Coming<'_>) -> Response {
        let path = coming.path();
        let refresh = HeaderValue::try_from(format!("0; url={path}"));
        let (frame, words) = (self.cas_frame(asked, coming), cas(asked.language));
        let mut page = RestPage { frame, words, application: &coming.application.name, path }.answer();
        if let Ok(refresh) = refresh {
            page.headers_mut().insert(REFRESH, refresh);
        }
        page
    }

    /// The frame of a page on the way to an application; in the other language the way is the same.
    fn cas_frame(&self, asked: &Asked, coming: &Coming<'_>) -> Frame<'_> {
        let switch = format!("{}&lang={}", coming.path(), asked.language.other().tag());
        self.house.frame(asked.language, switch)
    }

    /// A page with one thing to say.
    pub(super) fn cas_notice(
        &self,
        asked: &Asked,
        status: StatusCode,
        (title, text): (&'static str, &'static str),
        application: Option<&str>,
    ) -> Response {
        let frame = self.house.frame(asked.language, asked.switch("/", None));
        NoticePage { frame, title, text, application, leave: None }.answer(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_a_request_has_its_step() {
        for (query, signed_in, nobody) in [
            ("", Step::Send, Step::Ask),
            ("gateway=true", Step::Send, Step::SendBack),
            ("renew=true", Step::Ask, Step::Ask),
            ("renew=true&gateway=true", Step::Ask, Step::Ask),
            ("gateway=true&renew=false", Step::Send, Step::SendBack),
            ("renew=", Step::Send, Step::Ask),
        ] {
            for method in ["", "&method=GET", "&method=POST", "&method=HEADER"] {
                let way = Way::read(&Parameters::read(&format!("{query}{method}")).unwrap());
                assert_eq!((way.step(true), way.step(false)), (signed_in, nobody), "{query}{method}");
                assert_eq!(way.by_post, method == "&method=POST", "{method}");
            }
        }
    }
}
