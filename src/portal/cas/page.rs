//! The pages between the portal and an application.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::service_url::ServiceUrl;
use crate::portal::{
    guard::content_security_towards,
    page::{Frame, written},
    secure::html,
    words::CasWords,
};

/// The form that asks who somebody is before they go on to an application.
#[derive(Debug, Template)]
#[template(path = "portal/cas/login.html")]
pub(super) struct LoginPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) words: &'static CasWords,
    /// The application's name.
    pub(super) application: &'a str,
    pub(super) service: &'a str,
    /// Whether somebody signed in must give the password again.
    pub(super) renew: bool,
    /// Whether the ticket is to be sent by a form.
    pub(super) by_post: bool,
    /// The path of the other ways to sign in.
    pub(super) other_ways: String,
    /// Why the last try was refused.
    pub(super) refusal: Option<String>,
    /// The login to show again after a refusal.
    pub(super) login: &'a str,
}

impl LoginPage<'_> {
    /// The page as an answer. What follows the form is the way to the application, which the browser must allow.
    pub(super) fn answer(&self, status: StatusCode, service: &ServiceUrl) -> Response {
        towards(html(status, written(self)), service)
    }
}

/// The page on which a browser rests before it goes on to an application.
#[derive(Debug, Template)]
#[template(path = "portal/cas/rest.html")]
pub(super) struct RestPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) words: &'static CasWords,
    pub(super) application: &'a str,
    pub(super) path: String,
}

impl RestPage<'_> {
    /// The page as an answer.
    pub(super) fn answer(&self) -> Response {
        html(StatusCode::OK, written(self))
    }
}

/// The form that carries a ticket to an application by POST, for the person to send.
#[derive(Debug, Template)]
#[template(path = "portal/cas/carry.html")]
pub(super) struct CarryPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) words: &'static CasWords,
    pub(super) application: &'a str,
    pub(super) service: &'a str,
    pub(super) ticket: &'a str,
}

impl CarryPage<'_> {
    /// The page as an answer.
    pub(super) fn answer(&self, service: &ServiceUrl) -> Response {
        towards(html(StatusCode::OK, written(self)), service)
    }
}

/// One thing to say.
#[derive(Debug, Template)]
#[template(path = "portal/cas/notice.html")]
pub(super) struct NoticePage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// The application's name, where it is about one.
    pub(super) application: Option<&'a str>,
    /// The text of the button that signs out, where the page asks for it.
    pub(super) leave: Option<&'static str>,
}

impl NoticePage<'_> {
    /// The page as an answer.
    pub(super) fn answer(&self, status: StatusCode) -> Response {
        html(status, written(self))
    }
}

/// Lets the page's form lead to `service`: browsers hold the redirection after a form to the same rule as the form.
fn towards(mut response: Response, service: &ServiceUrl) -> Response {
    let policy: HeaderValue = content_security_towards(&service.origin());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
