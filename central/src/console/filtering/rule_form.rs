//! The form of one rule.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    draft::change,
    fields::{self, Fields, Sent, draft_path},
    whom::{Choice, Whom, hours_of},
};
use crate::{
    console::{
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::{Sought, Visit},
        words::{FilteringWords, categories, category_name},
    },
    fleet::policy::{Draft, Edit, Effect, Rule},
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_rule.html")]
struct RulePage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    back: String,
    revision: u64,
    /// The rule's id before; empty for a new one.
    before: &'a str,
    rule: &'a Rule,
    is_block: bool,
    sites: String,
    categories: Vec<Choice>,
    who: Whom,
    reason: &'a str,
    error: Option<String>,
}

/// Which rule.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    pub(super) id: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    Sought(which): Sought<Which>,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let rule = match which.id.as_str() {
        "" => Rule::default(),
        sought => {
            let known = draft.document.rules.iter().find(|rule| rule.id == sought);
            known.cloned().ok_or(Refused::NoSuchPage)?
        }
    };
    Ok(page(&console, &visit, (&draft, draft.revision), (&which.id, &rule), None))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let Form(form) = form?;
    let before = form.one("avant").to_owned();
    let rule = rule_of(&form);
    let edit = match before.as_str() {
        "" => Edit::AddRule(None, Box::new(rule.clone())),
        _ => Edit::ChangeRule(before.clone(), Box::new(rule.clone())),
    };
    match change(&console, &visit, id, &form, &[edit]).await? {
        Ok(done) => Ok(done),
        Err(error) => {
            let revision = form.number("revision")?;
            Ok(page(&console, &visit, (&draft, revision), (&before, &rule), Some(error)))
        }
    }
}

/// The rule that a form says.
fn rule_of(form: &Fields) -> Rule {
    let (during, outside) = hours_of(form);
    Rule {
        id: form.one("id").to_owned(),
        effect: if form.one("effet") == "allow" { Effect::Allow } else { Effect::Block },
        locked: form.is_set("verrouillee"),
        sites: form.words("sites"),
        categories: form.all("categorie"),
        everything: form.is_set("tout"),
        roles: form.all("role"),
        classes: form.lines("classes"),
        devices: form.all("machine"),
        machines: form.words("adresses"),
        zones: form.lines("zones"),
        during,
        outside,
        reason: form.optional("motif"),
    }
}

fn page(
    console: &Console,
    visit: &Visit,
    (draft, revision): (&Draft, u64),
    (before, rule): (&str, &Rule),
    error: Option<String>,
) -> Response {
    let language = visit.language();
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let Rule { roles, classes, devices, machines, zones, during, outside, .. } = rule;
    let who = Whom::new(
        language,
        &draft.document,
        [roles, classes, devices, machines, zones],
        [during.as_deref(), outside.as_deref()],
    );
    let page = RulePage {
        frame: console.frame(visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        back: draft_path(draft.id),
        revision,
        before,
        is_block: rule.effect == Effect::Block,
        sites: rule.sites.join("\n"),
        categories: category_choices(console, language, &rule.categories),
        who,
        reason: rule.reason.as_deref().unwrap_or(""),
        rule,
        error,
    };
    html(status, &page)
}

/// The categories of the lists, or those that are known by name where central has no lists; and those of the rule.
fn category_choices(console: &Console, language: Language, chosen: &[String]) -> Vec<Choice> {
    let lists = console.parts.lists.borrow().clone();
    let mut names: BTreeSet<String> = chosen.iter().cloned().collect();
    if lists.are_known() {
        names.extend(lists.categories());
    } else {
        names.extend(categories().map(str::to_owned));
    }
    let choice = |name: String| Choice {
        text: format!("{} ({name})", category_name(language, &name)),
        is_chosen: chosen.contains(&name),
        value: name,
    };
    names.into_iter().map(choice).collect()
}
