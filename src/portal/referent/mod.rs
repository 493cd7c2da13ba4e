//! What the school's digital referent does from a page: see what is wrong, name machines, print visitors' codes, write
//! announcements, see who is signed in.
//!
//! Every road of this area stands in one list, [`roads`], with the act it needs; [`door`] asks `admin::may` before
//! anything of it runs. A form that is sent changes something and then leads to a page that says what happened.
//!
//! | file | what is there |
//! |---|---|
//! | `door`, `visit` | who may enter; what a request brings along |
//! | `field`, `time_field` | what people typed, and what is wrong with it |
//! | `health`, `machines`, `codes`, `sheet`, `announcements`, `sessions`, `trail` | the pages |

mod announcements;
mod codes;
mod door;
mod field;
mod health;
mod machines;
#[cfg(test)]
mod page_tests;
mod qr;
#[cfg(test)]
mod rights_tests;
mod sessions;
mod sheet;
#[cfg(test)]
mod test_portal;
mod time_field;
mod trail;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, get},
};

use self::door::door;
use super::secure::Secure;
use crate::admin::Act;

/// One road of the area: its path, the act it needs, and what it does.
struct Road {
    path: &'static str,
    act: Act,
    methods: MethodRouter<Arc<Secure>>,
}

/// Every road of the area.
fn roads() -> Vec<Road> {
    let road = |path, act, methods| Road { path, act, methods };
    vec![
        road("/referent", Act::SeeHealth, get(health::page)),
        road("/referent/historique", Act::SeeHealth, get(trail::page)),
        road("/referent/machines", Act::KeepDevices, get(machines::page)),
        road(
            "/referent/machines/nouvelle",
            Act::KeepDevices,
            get(machines::new_page).post(machines::register),
        ),
        road(
            "/referent/machines/modifier",
            Act::KeepDevices,
            get(machines::change_page).post(machines::change),
        ),
        road(
            "/referent/machines/retirer",
            Act::KeepDevices,
            get(machines::remove_page).post(machines::remove),
        ),
        road("/referent/codes", Act::KeepVouchers, get(codes::page)),
        road("/referent/codes/nouveaux", Act::KeepVouchers, get(codes::new_page).post(codes::issue)),
        road("/referent/codes/lot", Act::KeepVouchers, get(codes::batch_page)),
        road("/referent/codes/feuille", Act::KeepVouchers, get(sheet::page)),
        road("/referent/codes/retirer", Act::KeepVouchers, get(codes::withdraw_page).post(codes::withdraw)),
        road("/referent/annonces", Act::Announce, get(announcements::page)),
        road(
            "/referent/annonces/nouvelle",
            Act::Announce,
            get(announcements::new_page).post(announcements::announce),
        ),
        road(
            "/referent/annonces/retirer",
            Act::Announce,
            get(announcements::remove_page).post(announcements::remove),
        ),
        road("/referent/connexions", Act::KeepSessions, get(sessions::page)),
        road("/referent/connexions/terminer", Act::KeepSessions, get(sessions::end_page).post(sessions::end)),
    ]
}

/// The area's roads, each behind its door, and the style of the printed sheet, which holds nothing of anybody.
pub(super) fn router(secure: &Arc<Secure>) -> Router<Arc<Secure>> {
    let router = Router::new().route(sheet::STYLE_PATH, get(sheet::style));
    roads().into_iter().fold(router, |router, Road { path, act, methods }| {
        router.route(path, methods.layer(from_fn_with_state((secure.clone(), act), door)))
    })
}
