//! What somebody is offered who asked for a page that cannot be had while the line is down: pages of the same site that are
//! kept here, the library, the portal.

use std::sync::Arc;

use hyper::{Response, Uri, header::REFERER};

use super::{
    asked::Asked,
    body::Body,
    cache::{Cache, Visitor},
    held::Held,
    judge::may_stand_in,
    refusal::{Refusal, wants_page},
    settings::Elsewhere,
};

/// A page that was asked for and cannot be had: goes along with its refusal, until it is known what there is instead.
#[derive(Clone)]
pub(super) struct Missed {
    asked: Arc<Asked>,
    refusal: Refusal,
}

/// The answer that refuses `asked`; a person who reads it is then offered what there is ([`Cache::offer`]).
pub(super) fn refused(asked: &Asked, refusal: Refusal) -> Response<Body> {
    let mut answer = refusal.response();
    if refusal.is_for_want_of_the_line() && wants_page(&asked.fields) {
        answer.extensions_mut().insert(Missed { asked: Arc::new(asked.clone()), refusal });
    }
    answer
}

impl Cache {
    /// The refusal, with what can be had instead.
    pub(super) async fn offer(&self, visitor: &Visitor, missed: &Missed) -> Response<Body> {
        let Missed { asked, refusal } = missed;
        let mut links = String::new();
        for (path, words) in others(asked) {
            if self.can_be_had(&asked.of_page(&path, visitor)).await {
                links.push_str(&link(&path, words));
            }
        }
        if let Some(Elsewhere { portal, has_library }) = &self.0.elsewhere {
            if *has_library {
                links.push_str(&link(&format!("{portal}/bibliotheque"), LIBRARY));
            }
            links.push_str(&link(&format!("{portal}/"), PORTAL));
        }
        if links.is_empty() {
            return refusal.response();
        }
        refusal.response_with(&format!(
            "<h2>Ce qui s’ouvre sans la ligne <span lang=\"en\">(what opens without it)</span></h2><ul>{links}</ul>"
        ))
    }

    /// Whether a copy can stand in for the page while the line is down.
    async fn can_be_had(&self, asked: &Asked) -> bool {
        let kept = self.0.store.find(&asked.key).await;
        Held::choose(&kept, asked)
            .is_some_and(|held| may_stand_in(&held.head.life, asked.at) && held.has_bytes_for(asked))
    }
}

/// Words of a link: French, then English.
type Words = [&'static str; 2];

const BACK: Words = ["La page d’où vous venez", "the page you come from"];
const FIRST: Words = ["La page d’accueil de ce site", "this site’s first page"];
const LIBRARY: Words = ["La bibliothèque de l’établissement", "the school’s library"];
const PORTAL: Words = ["Le portail de l’établissement", "the school’s portal"];

/// Other pages of the site that whoever asked may want, by path and query.
fn others(asked: &Asked) -> Vec<(String, Words)> {
    let from = asked.fields.get(REFERER).and_then(|from| from.to_str().ok()?.parse::<Uri>().ok());
    let from = from.filter(|from| from.host() == Some(asked.origin.host.as_str()));
    let from = from.and_then(|from| from.path_and_query().map(|path| path.as_str().to_owned()));
    let mut others = vec![(String::from("/"), FIRST)];
    others.extend(from.filter(|from| from != "/").map(|from| (from, BACK)));
    others.retain(|(path, _)| *path != asked.path);
    others
}

fn link(url: &str, [french, english]: Words) -> String {
    let url = url.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C");
    format!("<li><a href=\"{url}\">{french} <span lang=\"en\">({english})</span></a></li>")
}
