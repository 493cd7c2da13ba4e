//! Orders to a school's box, and the groups the school is in.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
};
use preau::protocol::line::What;
use serde::Deserialize;

use crate::{
    audit,
    console::{
        message::{Message, go_saying},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::SchoolWords,
    },
    fleet::{orders, schools},
    words::{GroupName, Place, Right},
};

/// How long an order may be carried out: who looks for a diagnosis looks again the next day.
const ORDER_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Deserialize)]
pub(super) struct OrderForm {
    ordre: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GroupForm {
    groupe: String,
    #[serde(default)]
    retirer: String,
}

pub(super) async fn order(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<OrderForm>, FormRejection>,
) -> Answer {
    let (school, granted) = visit.school(&console.parts.database, Right::Order, &code).await?;
    let Form(OrderForm { ordre }) = form?;
    let what = match ordre.as_str() {
        "diagnostic" => What::Diagnose {},
        "chercher" => What::Fetch {},
        "certificat" => What::RenewCertificate {},
        "comptes" => What::SendCounts {},
        "tunnel" => What::ChangeTunnelKey {},
        _ => return Err(Refused::Unread),
    };
    let words = SchoolWords::of(visit.language());
    let path = format!("/etablissement/{}", school.uai.as_str());
    let waiting = orders::waiting(&console.parts.database, Some(&school.uai), visit.now).await?;
    if waiting.len() >= orders::OPEN_MAX {
        return Ok(go_saying(&path, &Message::Bad(words.too_many_orders.to_owned())));
    }
    let mut write = console.parts.database.write().await?;
    orders::give(&mut write, &granted, &school.uai, what, visit.now, visit.now + ORDER_LIFE).await?;
    write.commit().await?;
    Ok(go_saying(&path, &Message::Good(words.ordered.to_owned())))
}

/// Puts the school into a group or takes it out. It needs the right to enter schools over the académie: rights and rules
/// are given over groups, and whoever chose what is in one would have them.
pub(super) async fn group(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<GroupForm>, FormRejection>,
) -> Answer {
    let database = &console.parts.database;
    let granted = visit.may(database, Right::Enrol, &Place::Academie).await?;
    let (school, _) = visit.school(database, Right::Enrol, &code).await?;
    let Form(GroupForm { groupe, retirer }) = form?;
    let words = SchoolWords::of(visit.language());
    let path = format!("/etablissement/{}", school.uai.as_str());
    let Some(group) = GroupName::new(groupe.trim()) else {
        return Ok(go_saying(&path, &Message::Bad(words.group_malformed.to_owned())));
    };
    let mut write = database.write().await?;
    let (act, told) = if retirer.is_empty() {
        schools::put_into(&mut write, &group, &school.uai).await?;
        ("group-entered", words.group_entered)
    } else {
        schools::take_out(&mut write, &group, &school.uai).await?;
        ("group-left", words.group_left)
    };
    let who = audit::Who::Person(granted.actor().id, granted.actor().name.clone());
    let place = Place::School(school.uai.clone());
    audit::note(&mut write, visit.now, &who, act, Some(&place), group.as_str()).await?;
    write.commit().await?;
    Ok(go_saying(&path, &Message::Good(format!("{told} {}", group.as_str()))))
}
