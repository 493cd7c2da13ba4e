//! `/cas/proxy`: an application that may act in a person's name asks for a ticket to another one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    response::Response,
};
use tokio::time::Instant;

use super::{
    answer::{Code, Failure, Format, proxied},
    desk::{Desk, random},
    parameters::Parameters,
    validation::too_fast,
};
use crate::portal::{secure::Secure, visitor::Visitor};

/// `GET /cas/proxy`.
pub(super) async fn ticket(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    if !secure.cas.allows(visitor.source) {
        return too_fast();
    }
    let parameters = Parameters::read(query.as_deref().unwrap_or(""));
    let format = Format::asked(parameters.as_ref().and_then(|parameters| parameters.value("format")));
    proxied(format, &secure.cas.proxy_ticket(parameters.as_ref()))
}

impl Desk {
    fn proxy_ticket(&self, parameters: Option<&Parameters>) -> Result<String, Failure> {
        const INCOMPLETE: Failure =
            Failure::new(Code::InvalidRequest, "`pgt` and `targetService` are both required, once each");
        const UNKNOWN: Failure = Failure::new(
            Code::InvalidRequest,
            "the proxy-granting ticket is not known: never given, or its session over",
        );
        const NOT_THERE: Failure = Failure::new(
            Code::UnauthorizedService,
            "`targetService` is none of the school's applications, or not open to the person",
        );
        const FAILED: Failure = Failure::new(Code::InternalError, "no ticket can be made");
        let asked =
            parameters.and_then(|parameters| parameters.value("pgt").zip(parameters.value("targetService")));
        let (pgt, target) = asked.ok_or(INCOMPLETE)?;
        let key = self.tickets().proxying_session(pgt).cloned().ok_or(UNKNOWN)?;
        let session = self.session_of(&key).ok_or(UNKNOWN)?;
        let (_, application) = self.service(target).ok_or(NOT_THERE)?;
        if !application.is_open_to(session.account.role) {
            return Err(NOT_THERE);
        }
        let random = random().ok_or(FAILED)?;
        self.tickets().proxy(pgt, target, Instant::now(), random).ok_or(UNKNOWN)
    }
}
