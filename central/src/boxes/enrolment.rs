//! Enrolment, the next certificate, what a box says of its setup, and its way into the académie's network.

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use hyper::{StatusCode, header};
use preau::{
    model::Uai,
    protocol::enrolment::{Enrol, PortalRequest, Renew, Setup, TUNNEL_KEY_PATH, TUNNEL_PATH, TunnelKey},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Caller, Refused,
    admission::{CERTIFICATE_PATH, ENROL_PATH},
    connection::From,
    limits::ENROL_BYTES_MAX,
};
use crate::{
    authority::{Acme, Authority, Outcome, SETUP_BYTES_MAX},
    database::Database,
    fleet::schools,
};

/// What the handlers ask.
#[derive(Clone, Debug)]
struct Asked {
    authority: Authority,
    database: Database,
    acme: Option<Acme>,
}

/// The routes.
pub(super) fn routes(authority: Authority, database: Database, acme: Option<Acme>) -> Router {
    Router::new()
        .route(ENROL_PATH, post(enrol).layer(DefaultBodyLimit::max(ENROL_BYTES_MAX)))
        .route(CERTIFICATE_PATH, post(renew).layer(DefaultBodyLimit::max(ENROL_BYTES_MAX)))
        .route("/v1/setup", put(keep_setup).layer(DefaultBodyLimit::max(SETUP_BYTES_MAX)))
        .route(
            "/v1/portal-certificate",
            post(portal_certificate).layer(DefaultBodyLimit::max(ENROL_BYTES_MAX)),
        )
        .route(TUNNEL_PATH, get(tunnel))
        .route(TUNNEL_KEY_PATH, post(tunnel_key).layer(DefaultBodyLimit::max(ENROL_BYTES_MAX)))
        .with_state(Asked { authority, database, acme })
}

async fn enrol(
    State(asked): State<Asked>,
    Extension(From(from)): Extension<From>,
    body: Bytes,
) -> Result<Response, Refused> {
    let enrol: Enrol = read(&body)?;
    let name = match Uai::new(&enrol.school) {
        Some(school) => {
            schools::find(&asked.database, &school).await.map_err(|error| Refused::failed(&error))?
        }
        None => None,
    };
    // A school that is not in the register has no token either; that is then what is said.
    let name = name.map(|school| school.name).unwrap_or_default();
    json(asked.authority.enrol(&enrol, from, &name).await)
}

async fn renew(
    State(asked): State<Asked>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refused> {
    let renew: Renew = read(&body)?;
    json(asked.authority.renew(&caller.shown, &renew).await)
}

async fn keep_setup(
    State(asked): State<Asked>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refused> {
    let setup: Setup = read(&body)?;
    json(asked.authority.keep_setup(&caller.school, &setup).await)
}

async fn portal_certificate(
    State(asked): State<Asked>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refused> {
    let PortalRequest { request } = read(&body)?;
    let Some(acme) = &asked.acme else {
        let sentence = "this central obtains no certificates of public names";
        return Err(Refused::new(StatusCode::NOT_FOUND, "no-acme", sentence));
    };
    json(acme.certificate(&caller.school, &request).await)
}

async fn tunnel(
    State(asked): State<Asked>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refused> {
    json(asked.authority.tunnel_now(&caller.school).await)
}

async fn tunnel_key(
    State(asked): State<Asked>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refused> {
    let said: TunnelKey = read(&body)?;
    json(asked.authority.change_tunnel_key(&caller.school, &said).await)
}

/// Reads the JSON of a body.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    // Only place and kind of the fault go back, which serde's text has; nothing is reflected that was not sent.
    serde_json::from_slice(body)
        .map_err(|error| Refused::unreadable(format!("the body cannot be read: {error}")))
}

fn json(outcome: Outcome<impl Serialize>) -> Result<Response, Refused> {
    let answer = outcome.map_err(|error| Refused::failed(&error))??;
    let body = serde_json::to_vec(&answer).map_err(|error| Refused::failed(&error.into()))?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}
