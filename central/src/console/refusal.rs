//! What is answered instead of a page, and the pages that say so. A handler gives an [`Answer`]; its refusal becomes a page
//! where the visitor's language and navigation are known (`road`).

use axum::{
    extract::rejection::FormRejection,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tracing::warn;

use crate::words::Right;

/// What a handler gives.
pub(super) type Answer = Result<Response, Refused>;

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is nothing at this address.
    NoSuchPage,
    /// The visitor lacks this right there.
    NotGranted(Right),
    /// What the form was about has changed since its page was made.
    Stale,
    /// The request or its form cannot be read.
    Unread,
    /// The form is not from the console's own pages.
    Foreign,
    /// The request names another host.
    Misdirected,
    /// The database does not answer, or something failed in ourselves. The log has the cause.
    Away,
}

impl Refused {
    /// The status of its answer.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::NotGranted(_) | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Stale => StatusCode::CONFLICT,
            Self::Unread => StatusCode::BAD_REQUEST,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        warn!(cause = format!("{error:#}"), "console cannot answer");
        Self::Away
    }
}

impl From<FormRejection> for Refused {
    fn from(_: FormRejection) -> Self {
        Self::Unread
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
