//! A feed given as files: looked at before anything of it goes to a box.

use std::sync::Arc;

use anyhow::Context as _;
use askama::Template;
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use preau::{identity::feed::CsvDescription, model::Uai};

use super::list::Mine;
use crate::{
    accounts::{FeedRefused, Import, Intent, Within},
    authority::By,
    console::{
        message::see_other,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        upload::{self, Part},
        visit::Visit,
        words::{AccountWords, feed_refused},
    },
    words::{Place, Right},
};

/// The largest feed by a page, in bytes: that of a large school is some megabytes. An académie's is given by the command line.
pub(super) const BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Template)]
#[template(path = "console/accounts_deposit.html")]
struct DepositPage<'a> {
    frame: Frame<'a>,
    words: &'static AccountWords,
    refused: Option<String>,
    form: Form,
}

/// What stands in the form, but for the files, which a browser does not fill in again.
#[derive(Clone, Debug, Default)]
struct Form {
    description: String,
    uai: String,
    from: String,
}

pub(super) async fn ask(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::Accounts)?;
    Ok(console.deposit_page(&visit, Form::default(), None))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    visit.has(Right::Accounts)?;
    let parts = upload::fields(&headers, &body).ok_or(Refused::Unread)?;
    let form = Form::of(&parts);
    let files = parts.iter().filter(|part| part.name == "fichiers" && !part.content.is_empty());
    let named = files.map(|part| (part.file.as_deref().unwrap_or(""), part.content));
    let laid = console.parts.accounts.lay(named).context("cannot lay down the files of a feed")?;
    let import = match form.import(&visit) {
        Ok(import) => Import { paths: vec![laid.dir().to_owned()], ..import },
        Err(refused) => return Ok(console.deposit_page(&visit, form, Some(refused))),
    };
    // The widest first; what it does not cover is left out by `within`.
    let grants = visit.actor().grants.iter().filter(|grant| grant.right == Right::Accounts);
    let place = grants.map(|grant| &grant.place).min().ok_or(Refused::NotGranted(Right::Accounts))?;
    let granted = visit.may(&console.parts.database, Right::Accounts, place).await?;
    let within = match place {
        Place::Academie => Within::All,
        _ => Within::Only(Mine::read(&console, &visit).await?.codes().cloned().collect()),
    };
    let given = console.parts.accounts.import(Import { within, ..import }, By::Person(&granted)).await;
    drop(laid);
    match given {
        Ok(given) => {
            let number = given.feed.context("a feed that is asked about has a number")?;
            Ok(see_other(&format!("/annuaire/livraison/{number}")))
        }
        Err(error) => match error.downcast_ref::<FeedRefused>() {
            Some(refused) => {
                let told = feed_refused(visit.language(), refused);
                Ok(console.deposit_page(&visit, form, Some(told.to_owned())))
            }
            None => Err(error.into()),
        },
    }
}

impl Form {
    fn of(parts: &[Part<'_>]) -> Self {
        let text = |name: &str| {
            let part = parts.iter().find(|part| part.name == name);
            part.map(|part| String::from_utf8_lossy(part.content).trim().to_owned()).unwrap_or_default()
        };
        Self { description: text("description"), uai: text("uai"), from: text("des") }
    }

    /// What is asked for, but for the files; or what is wrong with it.
    fn import(&self, visit: &Visit) -> Result<Import, String> {
        let words = AccountWords::of(visit.language());
        let at = match self.uai.as_str() {
            "" => None,
            code => Some(Uai::new(&code.to_uppercase()).ok_or_else(|| words.not_uai.to_owned())?),
        };
        let from = match self.from.as_str() {
            "" => None,
            day => Some(day.parse().map_err(|_| words.not_a_day.to_owned())?),
        };
        let csv = match self.description.as_str() {
            "" => None,
            text => Some(
                CsvDescription::parse(text)
                    .map_err(|error| format!("{} {error}", words.not_a_description))?,
            ),
        };
        Ok(Import { at, from, csv, intent: Intent::Ask, ..Import::default() })
    }
}

impl Console {
    fn deposit_page(&self, visit: &Visit, form: Form, refused: Option<String>) -> Response {
        let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let frame = self.frame(visit, Some(Here::Accounts));
        html(status, &DepositPage { frame, words: AccountWords::of(visit.language()), refused, form })
    }
}
