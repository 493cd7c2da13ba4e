//! What leads where in the area, and the act that each road needs.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, get},
};

use super::{
    announcements, codes, directory, door::door, feed, feed_acts, health, library, machines, repairs,
    sessions, sheet, trail,
};
use crate::{admin::Act, portal::secure::Secure};

/// One road of the area: its path, the act it needs, and what it does.
pub(super) struct Road {
    pub(super) path: &'static str,
    pub(super) act: Act,
    methods: MethodRouter<Arc<Secure>>,
}

/// Every road of the area.
pub(super) fn roads() -> Vec<Road> {
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
        road("/referent/annuaire", Act::KeepDirectory, get(directory::page)),
        road(
            "/referent/annuaire/refus",
            Act::KeepDirectory,
            get(directory::quarantine_page).post(directory::dismiss),
        ),
        road("/referent/annuaire/livraison", Act::KeepDirectory, get(feed::page)),
        road(
            "/referent/annuaire/accepter",
            Act::KeepDirectory,
            get(feed_acts::release_page).post(feed_acts::release),
        ),
        road(
            "/referent/annuaire/date",
            Act::KeepDirectory,
            get(feed_acts::postpone_page).post(feed_acts::postpone),
        ),
        road(
            "/referent/annuaire/abandonner",
            Act::KeepDirectory,
            get(feed_acts::drop_page).post(feed_acts::drop_feed),
        ),
        road("/referent/interventions", Act::EndRepairs, get(repairs::page).post(repairs::end)),
        road("/referent/bibliotheque", Act::KeepLibrary, get(library::page).post(library::act)),
    ]
}

/// The area's roads, each behind its door, and the style of the printed sheet, which holds nothing of anybody.
pub(in crate::portal) fn router(secure: &Arc<Secure>) -> Router<Arc<Secure>> {
    let router = Router::new().route(sheet::STYLE_PATH, get(sheet::style));
    roads().into_iter().fold(router, |router, Road { path, act, methods }| {
        router.route(path, methods.layer(from_fn_with_state((secure.clone(), act), door)))
    })
}
