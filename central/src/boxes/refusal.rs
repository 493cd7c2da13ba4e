//! How something is refused: a status, and a [`Refusal`] as the body.

use axum::response::{IntoResponse, Response};
use hyper::{StatusCode, header};
use preau::protocol::enrolment::Refusal;

use crate::authority::EnrolRefusal;

/// Something that is not done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    refusal: Refusal,
}

impl Refused {
    /// A refusal with `code` for programs and `sentence` for technicians.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, sentence: impl Into<String>) -> Self {
        Self { status, refusal: Refusal { code: code.to_owned(), sentence: sentence.into() } }
    }

    /// What was asked for does not exist, or not for this school.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing of that name")
    }

    /// The body is not what this route reads.
    #[must_use]
    pub fn unreadable(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", sentence)
    }

    /// Central failed; why goes to the log.
    #[must_use]
    pub fn failed(error: &anyhow::Error) -> Self {
        tracing::error!(cause = format!("{error:#}"), "a box could not be answered");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "central-failed", "central failed; try again later")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // Two strings are always JSON.
        let body = serde_json::to_vec(&self.refusal).unwrap_or_default();
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl From<EnrolRefusal> for Refused {
    fn from(refusal: EnrolRefusal) -> Self {
        let (status, code) = match refusal {
            EnrolRefusal::TokenUnknown => (StatusCode::FORBIDDEN, "token-unknown"),
            EnrolRefusal::TokenSpent => (StatusCode::FORBIDDEN, "token-spent"),
            EnrolRefusal::TokenExpired => (StatusCode::FORBIDDEN, "token-expired"),
            EnrolRefusal::OtherSchool => (StatusCode::FORBIDDEN, "other-school"),
            EnrolRefusal::BoxThere => (StatusCode::CONFLICT, "box-there"),
            EnrolRefusal::TooManyTries => (StatusCode::TOO_MANY_REQUESTS, "too-many-tries"),
            EnrolRefusal::Request(_) => (StatusCode::BAD_REQUEST, "request"),
            EnrolRefusal::Keys => (StatusCode::BAD_REQUEST, "keys"),
            EnrolRefusal::TooOften => (StatusCode::TOO_MANY_REQUESTS, "too-often"),
            EnrolRefusal::Revoked => (StatusCode::FORBIDDEN, "revoked"),
            EnrolRefusal::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
        };
        Self::new(status, code, refusal.to_string())
    }
}
