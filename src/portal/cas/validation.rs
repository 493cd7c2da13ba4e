//! Validation: an application brings the ticket that a browser brought it, and is told who came.
//!
//! | address | protocol | tickets of other applications | attributes |
//! |---|---|---|---|
//! | `/cas/validate` | 1.0, two lines | no | no |
//! | `/cas/serviceValidate` | 2.0 | no | no |
//! | `/cas/proxyValidate` | 2.0 | yes | no |
//! | `/cas/p3/serviceValidate` | 3.0 | no | yes |
//! | `/cas/p3/proxyValidate` | 3.0 | yes | yes |

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use hyper::{Method, Request};
use tracing::debug;

use super::{
    answer::{Attributes, Code, Failure, Format, Success, plain, validated},
    application::Application,
    desk::{Desk, random},
    parameters::Parameters,
    service_url::ServiceUrl,
};
use crate::{
    identity::{
        SessionView,
        tickets::{Accepted, Demand, Login, Refused},
    },
    portal::{secure::Secure, visitor::Visitor},
};

/// What a validation is of: the differences between the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Whether a ticket that another application brings will do.
    proxied: bool,
    /// Whether the attributes are told.
    tells_attributes: bool,
}

pub(super) async fn service_of_cas_2(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&secure.cas, &visitor, query, Kind { proxied: false, tells_attributes: false }).await
}

pub(super) async fn proxy_of_cas_2(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&secure.cas, &visitor, query, Kind { proxied: true, tells_attributes: false }).await
}

pub(super) async fn service_of_cas_3(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&secure.cas, &visitor, query, Kind { proxied: false, tells_attributes: true }).await
}

pub(super) async fn proxy_of_cas_3(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&secure.cas, &visitor, query, Kind { proxied: true, tells_attributes: true }).await
}

/// `GET /cas/validate`.
pub(super) async fn cas_1(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    if !secure.cas.allows(visitor.source) {
        return too_fast();
    }
    let parameters = Parameters::read(query.as_deref().unwrap_or(""));
    let kind = Kind { proxied: false, tells_attributes: false };
    let validation = Validation::read(parameters.as_ref(), kind);
    let user = validation.and_then(|validation| secure.cas.redeemed(&validation)).map(|come| come.user);
    plain(user.as_deref().ok())
}

async fn answer(desk: &Desk, visitor: &Visitor, query: Option<String>, kind: Kind) -> Response {
    if !desk.allows(visitor.source) {
        return too_fast();
    }
    let parameters = Parameters::read(query.as_deref().unwrap_or(""));
    let format = Format::asked(parameters.as_ref().and_then(|parameters| parameters.value("format")));
    let outcome = match Validation::read(parameters.as_ref(), kind) {
        Ok(validation) => desk.told(&validation).await,
        Err(failure) => Err(failure),
    };
    validated(format, &outcome)
}

/// The answer to an application that asks too fast.
pub(super) fn too_fast() -> Response {
    let wait = [(header::RETRY_AFTER, HeaderValue::from_static("10"))];
    (StatusCode::TOO_MANY_REQUESTS, wait, "too many requests\n").into_response()
}

/// A request to look at a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Validation<'a> {
    service: &'a str,
    ticket: &'a str,
    callback: Option<&'a str>,
    demand: Demand,
    tells_attributes: bool,
}

impl<'a> Validation<'a> {
    fn read(parameters: Option<&'a Parameters>, kind: Kind) -> Result<Self, Failure> {
        const UNREADABLE: Failure =
            Failure::new(Code::InvalidRequest, "a parameter stands there twice, or too many do");
        const INCOMPLETE: Failure =
            Failure::new(Code::InvalidRequest, "`service` and `ticket` are both required");
        const NO_TICKET: Failure = Failure::new(Code::InvalidTicket, "the ticket does not begin as one");
        let parameters = parameters.ok_or(UNREADABLE)?;
        let (service, ticket) =
            parameters.value("service").zip(parameters.value("ticket")).ok_or(INCOMPLETE)?;
        if !ticket.starts_with("ST-") && !ticket.starts_with("PT-") {
            return Err(NO_TICKET);
        }
        let demand = Demand { fresh: parameters.is_set("renew"), proxied: kind.proxied };
        let callback = parameters.value("pgtUrl");
        Ok(Self { service, ticket, callback, demand, tells_attributes: kind.tells_attributes })
    }
}

/// Somebody whose ticket was accepted.
struct Come<'a> {
    application: &'a Application,
    user: String,
    session: SessionView,
    accepted: Accepted,
}

impl Desk {
    /// Who came, for CAS 2.0 and 3.0.
    async fn told(&self, validation: &Validation<'_>) -> Result<Success<'_>, Failure> {
        let come = self.redeemed(validation)?;
        let iou = match validation.callback {
            Some(callback) => self.hand_over(callback, &come).await?,
            None => None,
        };
        let Come { application, user, session, accepted } = come;
        let attributes = validation.tells_attributes.then(|| Attributes {
            since: session.since,
            is_new_login: accepted.login == Login::Fresh,
            released: application.dialect.release(&self.described(&session)),
        });
        let proxies = accepted.proxies.iter().map(|proxy| String::from(&**proxy)).collect();
        Ok(Success { user, attributes, iou, proxies })
    }

    /// Looks at the ticket, which is dead from then on.
    fn redeemed(&self, validation: &Validation<'_>) -> Result<Come<'_>, Failure> {
        let Validation { service, ticket, demand, .. } = *validation;
        let looked = self.tickets().redeem(ticket, service, demand, tokio::time::Instant::now());
        let accepted = looked.map_err(refusal)?;
        let unknown =
            Failure::new(Code::InvalidService, "the service is not one of the school's applications");
        let (_, application) = self.service(service).ok_or(unknown)?;
        // The session may have ended a moment ago, before its tickets did.
        let session = self.session_of(&accepted.session).ok_or(refusal(Refused::Unknown))?;
        let nameless = Failure::new(Code::InternalError, "the person has no login here");
        let user = self.user(application, &session).ok_or(nameless)?;
        Ok(Come { application, user, session, accepted })
    }

    /// Sends the application a proxy-granting ticket to `callback`. Gives the word by which it finds the ticket; none where
    /// it did not take it (CAS 3.0, 2.5.4: the answer is then a success without that word).
    async fn hand_over(&self, callback: &str, come: &Come<'_>) -> Result<Option<String>, Failure> {
        const NOT_ALLOWED: Failure = Failure::new(
            Code::UnauthorizedServiceProxy,
            "the application may not act in a person's name; see `proxies` in the box's configuration",
        );
        const NO_CALLBACK: Failure = Failure::new(
            Code::InvalidProxyCallback,
            "`pgtUrl` must be https and one of the application's services",
        );
        if !come.application.proxies {
            return Err(NOT_ALLOWED);
        }
        let url = ServiceUrl::read(callback).filter(|url| url.is_https() && come.application.serves(url));
        let url = url.ok_or(NO_CALLBACK)?;
        let Some(random) = random().zip(random()) else { return Ok(None) };
        let Some(proxying) = self.tickets().allow_proxying(&come.accepted, callback, random.into()) else {
            return Ok(None);
        };
        let request = Request::builder()
            .method(Method::GET)
            .uri(url.with_query(&format!("pgtId={}&pgtIou={}", proxying.ticket, proxying.iou)))
            .body(Bytes::new());
        let arrived = match request {
            Ok(request) => self.call(&url, request).await,
            Err(_) => false,
        };
        if !arrived {
            debug!("an application did not take its proxy-granting ticket");
            self.tickets().revoke_proxying(&proxying.ticket);
            return Ok(None);
        }
        Ok(Some(proxying.iou))
    }
}

/// A refusal in the words of the protocol.
const fn refusal(refused: Refused) -> Failure {
    match refused {
        Refused::Unknown => Failure::new(
            Code::InvalidTicket,
            "the ticket is not known: never given, used before, too old, or its session over",
        ),
        Refused::OtherService => {
            Failure::new(Code::InvalidService, "the ticket was given for another service")
        }
        Refused::NotFresh => {
            Failure::new(Code::InvalidTicketSpec, "the ticket was given without the password being asked")
        }
        Refused::Proxied => Failure::new(
            Code::InvalidTicketSpec,
            "another application brings the ticket; see `proxyValidate`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<(&str, &str, Option<&str>, bool), Code>) {
        let parameters = Parameters::read(query);
        let kind = Kind { proxied: false, tells_attributes: true };
        let read = Validation::read(parameters.as_ref(), kind);
        let told = read
            .map(|read| (read.service, read.ticket, read.callback, read.demand.fresh))
            .map_err(|failure| failure.code);
        assert_eq!(told, expected, "{query}");
    }

    #[test]
    fn a_validation_names_service_and_ticket() {
        check("service=s&ticket=ST-1", Ok(("s", "ST-1", None, false)));
        check("service=s&ticket=PT-1&renew=true&pgtUrl=u", Ok(("s", "PT-1", Some("u"), true)));
        check("service=s&ticket=ST-1&renew=false", Ok(("s", "ST-1", None, false)));
        for query in [
            "",
            "service=s",
            "ticket=ST-1",
            "service=&ticket=ST-1",
            "service=s&ticket=",
            "service=s&service=s&ticket=ST-1",
        ] {
            check(query, Err(Code::InvalidRequest));
        }
        for ticket in ["PGT-1", "TGT-1", "st-1", "1"] {
            check(&format!("service=s&ticket={ticket}"), Err(Code::InvalidTicket));
        }
    }

    #[test]
    fn every_refusal_of_a_ticket_has_its_code() {
        for (refused, code) in [
            (Refused::Unknown, Code::InvalidTicket),
            (Refused::OtherService, Code::InvalidService),
            (Refused::NotFresh, Code::InvalidTicketSpec),
            (Refused::Proxied, Code::InvalidTicketSpec),
        ] {
            assert_eq!(refusal(refused).code, code);
        }
    }
}
