//! From a visitor to somebody who may do an act, or to the page that says why not.

use axum::{http::StatusCode, response::Response};

use super::{
    asked::Asked,
    secure::{Secure, home_link, see_other},
    visitor::{Standing, Visitor},
};
use crate::admin::{Act, Actor, Granted, may};

impl Secure {
    /// The proof that whoever is signed in at the visitor's machine may do `act`. Nobody signed in is led to the sign-in;
    /// another role reads `title` and `text` with status 403.
    pub(super) fn granted(
        &self,
        visitor: &Visitor,
        asked: &Asked,
        act: Act,
        (title, text): (&'static str, &'static str),
    ) -> Result<Granted, Box<Response>> {
        let Standing::SignedIn(session) = visitor.standing(&self.identity) else {
            return Err(Box::new(see_other("/")));
        };
        may(&Actor(session.account), act).map_err(|_| {
            let link = Some(home_link(asked.language.words()));
            Box::new(self.notice(asked, StatusCode::FORBIDDEN, title, text, link))
        })
    }
}
