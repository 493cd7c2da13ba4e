//! Approving and withdrawing. What is approved is done in the same transaction.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use preau::model::Uai;

use crate::{
    console::{
        language::Language,
        message::{Message, go_saying},
        refusal::{Answer, Refused},
        road::Console,
        school::REVOKE,
        visit::Visit,
        words::{ProposalWords, proposal_refused},
    },
    database::Write,
    people::{self, Proposal},
    words::Granted,
};

pub(super) async fn approve(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let granted = granted_for(&console, &visit, id).await?;
    let mut write = console.parts.database.write().await?;
    match people::approve(&mut write, visit.now, &granted, id).await? {
        Ok(proposal) => {
            carry_out(&console, &mut write, &granted, &proposal).await?;
            write.commit().await?;
            let words = ProposalWords::of(visit.language());
            Ok(go_saying("/propositions", &Message::Good(words.approved.to_owned())))
        }
        Err(refusal) => match proposal_refused(visit.language(), refusal) {
            Some(told) => Ok(go_saying("/propositions", &Message::Bad(told.to_owned()))),
            None => Err(Refused::Stale),
        },
    }
}

pub(super) async fn withdraw(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let granted = granted_for(&console, &visit, id).await?;
    let mut write = console.parts.database.write().await?;
    people::withdraw(&mut write, visit.now, &granted, id).await?.map_err(|_| Refused::Stale)?;
    write.commit().await?;
    let words = ProposalWords::of(visit.language());
    Ok(go_saying("/propositions", &Message::Good(words.withdrawn.to_owned())))
}

/// What a proposed act is called.
pub(super) fn name(language: Language, act: &str) -> String {
    match act {
        REVOKE => ProposalWords::of(language).revoke_box.to_owned(),
        other => other.to_owned(),
    }
}

/// Does what was approved.
async fn carry_out(
    console: &Console,
    write: &mut Write,
    granted: &Granted,
    proposal: &Proposal,
) -> Result<(), Refused> {
    match proposal.act.as_str() {
        REVOKE => {
            let uai = Uai::new(&proposal.payload).ok_or(Refused::Stale)?;
            console.parts.authority.revoke(write, granted, &uai).await?;
            Ok(())
        }
        // An act of a later program, which this one cannot do.
        _ => Err(Refused::Stale),
    }
}

async fn granted_for(console: &Console, visit: &Visit, id: i64) -> Result<Granted, Refused> {
    let database = &console.parts.database;
    let proposal = people::proposal(database, visit.now, id).await?.ok_or(Refused::Stale)?;
    visit.may(database, proposal.right, &proposal.place).await
}
