//! The way to the school's ENT and back.
//!
//! | road | what it does |
//! |---|---|
//! | `GET /connexion/ent` | sends the browser to the ENT, with `?autre` for somebody else than whoever is signed in there |
//! | `GET /connexion/ent/retour` | takes it back, asks the ENT who it is, signs in |
//! | `POST /connexion/ent/retour` | the ENT says that somebody signed out there (CAS) |
//! | `GET /connexion/ent/fin` | signs out at the ENT, for the next person on a shared computer |
//!
//! The leaving browser carries a cookie of ten minutes (`cookie`): a return without it signs nobody in, and no other site's
//! page makes a browser leave, so no link makes somebody enter under another's name. The road out is a link and no form: the browser would not follow a form to another
//! site (`form-action 'self'`).

mod back;
mod cookie;
mod leave;
mod refusal;
mod roads;

pub(super) use roads::router;
