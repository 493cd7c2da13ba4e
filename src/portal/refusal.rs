//! The page in place of a site that is refused: on port 80 for names answered with the box, and through the
//! interception proxy for the others.

use std::sync::Arc;

use super::{
    because::because,
    language::Language,
    page::{House, Link, NoticePage, RefusedPage, written},
    settings::Settings,
    wanted::{Wanted, query_value},
};
use crate::{
    enforce::proxy::{Page, RefusalPage, RefusedRequest},
    model::Site,
    policy::{Cause, Refusal},
};

/// The writer of refusal pages for the proxy. The proxy knows no language: pages are French, with a link to English.
#[must_use]
pub fn refusal_page(settings: &Settings) -> RefusalPage {
    let house = House::new(settings);
    Arc::new(move |request: &RefusedRequest<'_>| {
        let wanted = Wanted::read(request.url);
        refused(&house, Language::French, request.refusal, wanted.as_ref())
    })
}

/// The answer to a request for another site that is refused.
pub(super) fn refused(house: &House, language: Language, refusal: &Refusal, wanted: Option<&Wanted>) -> Page {
    let words = language.words();
    // About a page the portal is asked by its address: of the name alone it would say something else.
    let is_page = matches!(&refusal.cause, Cause::Policy(origin) if origin.is_by_path());
    let page = wanted.filter(|_| is_page).map(Wanted::url);
    let frame = house.frame_elsewhere(language, &page.unwrap_or_else(|| refusal.site.to_string()));
    if let Some(because) = because(language, refusal) {
        let html = written(&RefusedPage { frame, site: &refusal.site, because });
        return Page { status: 403, location: None, html };
    }
    match &refusal.cause {
        Cause::SignInNeeded => to_sign_in(house, language, &refusal.site, wanted),
        Cause::Policy(_) | Cause::NotRecorded => {
            let page = NoticePage {
                frame,
                title: words.not_recorded,
                text: words.not_recorded_text,
                site: Some(&refusal.site),
                link: None,
                asks: false,
            };
            Page { status: 503, location: None, html: written(&page) }
        }
    }
}

/// The redirect that makes the sign-in window open, with a page for whatever does not follow it. `wanted` is the page
/// to offer after the sign-in.
pub(super) fn to_sign_in(house: &House, language: Language, site: &Site, wanted: Option<&Wanted>) -> Page {
    let words = language.words();
    let mut location = format!("{}/", house.origin());
    if let Some(wanted) = wanted {
        location.push_str("?suite=");
        location.push_str(&query_value(&wanted.url()));
    }
    let page = NoticePage {
        frame: house.frame_elsewhere(language, &site.to_string()),
        title: words.sign_in,
        text: words.sign_in_needed_text,
        site: None,
        link: Some(Link { url: location.clone(), text: words.sign_in }),
        asks: false,
    };
    Page { status: 302, location: Some(location), html: written(&page) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{ListedBy, Matched, Origin, RuleFile},
        portal::page_tests::{settings, zone},
    };

    fn answer(cause: Cause, url: &str) -> Page {
        let refusal = Refusal { site: "jeux.example".parse().unwrap(), cause };
        refusal_page(&settings())(&RefusedRequest { refusal: &refusal, zone: &zone(), url })
    }

    #[test]
    fn who_has_not_signed_in_is_led_to_the_portal_and_back_again() {
        let page = answer(Cause::SignInNeeded, "http://jeux.example/a?b");
        let location = "https://portail.college.exemple/?suite=http%3A%2F%2Fjeux.example%2Fa%3Fb";
        assert_eq!((page.status, page.location.as_deref()), (302, Some(location)));
    }

    #[test]
    fn a_refusal_by_rule_is_a_page_that_says_why() {
        let page = answer(Cause::Policy(Origin::ZoneDefault), "http://jeux.example/");
        assert_eq!((page.status, page.location), (403, None));
        assert!(page.html.contains("jeux.example") && page.html.contains("tant qu’aucune règle"));
    }

    #[test]
    fn the_other_language_of_a_closed_page_is_about_that_page() {
        let file = "version = 1\nlevel = \"academie\"\nname = \"x\"\n[[rule]]\nid = \"a\"\neffect = \"block\"\n\
                    reason = \"Non.\"\ncategories = [\"games\"]";
        let rule = RuleFile::parse(file).unwrap().rules[0].clone();
        let page = |by| {
            let matched = Matched::Category { category: "games".into(), list_date: "2026-08-17".into(), by };
            let cause = Cause::Policy(Origin::Rule { rule: rule.clone(), matched });
            answer(cause, "http://jeux.example/a?b").html
        };
        assert!(page(ListedBy::Url).contains("/bloque?lang=en&#38;u=http%3A%2F%2Fjeux.example%2Fa%3Fb\""));
        assert!(page(ListedBy::Site).contains("/bloque?lang=en&#38;u=jeux.example\""));
    }

    #[test]
    fn a_record_that_cannot_be_kept_is_our_failure_and_said_so() {
        let page = answer(Cause::NotRecorded, "http://jeux.example/");
        assert_eq!((page.status, page.location), (503, None));
        assert!(page.html.contains("registre"));
    }
}
