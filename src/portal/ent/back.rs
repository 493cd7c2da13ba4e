//! Coming back from the ENT, and what the ENT says later.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Form, Query, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::cookie;
use crate::{
    enforce::ent::{Arrived, EntRefusal, Returned},
    identity::SignInRefusal,
    model::Mac,
    portal::{
        asked::Asked,
        secure::{Secure, see_other},
        visitor::Visitor,
        wanted::Wanted,
    },
};

/// What the ENT adds to the address people come back to. It has no `Debug`: a ticket is written nowhere.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Brought {
    ticket: Option<String>,
    code: Option<String>,
    state: Option<String>,
}

/// What a CAS server posts when somebody signed out there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ended {
    logout_request: String,
}

/// `GET /connexion/ent/retour`.
pub(super) async fn from_the_ent(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // A query with two tickets is as good as one with none.
    let brought = Query::<Brought>::try_from_uri(&uri).map(|Query(brought)| brought).unwrap_or_default();
    let key = cookie::key_of(&headers).unwrap_or_default();
    let mut response = secure.taken_back(&visitor, &asked, key, brought).await;
    cookie::take_back(response.headers_mut());
    response
}

/// `POST /connexion/ent/retour`: single sign-out. It is answered alike whether the box knew the ticket or not (CAS 3.0.3
/// section 2.3.3: the server passes over errors).
pub(super) async fn ended_there(
    State(secure): State<Arc<Secure>>,
    form: Result<Form<Ended>, FormRejection>,
) -> Response {
    if let (Ok(Form(ended)), Some(ent)) = (form, &secure.ent)
        && let Some((machine, account)) = ent.ended_by_ent(&ended.logout_request)
    {
        // Only that session: somebody else may sit there by now.
        let sessions = secure.identity.sessions_now();
        if sessions.iter().any(|session| session.machine == machine && session.account.id == account) {
            secure.sign_in.end(machine).await;
        }
    }
    StatusCode::OK.into_response()
}

impl Secure {
    async fn taken_back(&self, visitor: &Visitor, asked: &Asked, key: &str, brought: Brought) -> Response {
        let Some(ent) = &self.ent else { return see_other("/") };
        let Some(machine) = visitor.machine(&self.identity) else {
            return self.told_by_the_ent(asked, EntRefusal::Strange);
        };
        let Brought { ticket, code, state } = brought;
        let returned = Returned { ticket, code, state };
        match ent.arrive(key, machine, &returned).await {
            Ok(arrived) => self.let_in(visitor, asked, machine, &returned, arrived).await,
            // A page loaded again, or the way back out of it: whoever is in is in.
            Err(EntRefusal::Strange) if self.identity.session_of(visitor.source).is_some() => see_other("/"),
            Err(refusal) => self.told_by_the_ent(asked, refusal),
        }
    }

    async fn let_in(
        &self,
        visitor: &Visitor,
        asked: &Asked,
        machine: Mac,
        returned: &Returned,
        arrived: Arrived,
    ) -> Response {
        let Some(ent) = &self.ent else { return see_other("/") };
        let wanted = arrived.wanted.as_deref().and_then(Wanted::read);
        let verified = match self.identity.verified_by_ent(&arrived.claimed, ent.matches()) {
            Ok(verified) => verified,
            Err(refusal) => return self.unknown_here(asked, refusal),
        };
        match self.sign_in.sign_in_verified(verified, &visitor.zone, visitor.source).await {
            Ok(signed_in) => {
                if let Some(ticket) = &returned.ticket {
                    ent.note_session(ticket, machine, signed_in.view.account.id.clone());
                }
                if arrived.gave_password {
                    self.cas.note_password(&signed_in.view);
                }
                self.entered(&signed_in, wanted.as_ref())
            }
            Err(refusal) => self.turned_away(visitor, asked, &refusal, ("", wanted)),
        }
    }

    /// The ENT knows somebody that the school does not.
    fn unknown_here(&self, asked: &Asked, refusal: SignInRefusal) -> Response {
        match refusal {
            SignInRefusal::NotOfThisSchool => self.not_of_this_school(asked),
            _ => self.told_by_the_ent(asked, EntRefusal::Busy),
        }
    }
}
