//! Asking for a site to be opened, and what became of it: for pupils, and for everybody else who may ask.
//!
//! | road | what it does |
//! |---|---|
//! | `GET /demandes` | what one asked for, with the answers |
//! | `GET /demander?u=SITE`, `POST /demander` | the form, and its sending |

mod ask;
mod own;
mod routes;

pub(super) use routes::router;
