//! Which search engines have a form that a network can force, and under which name that form is served: a pure table.
//!
//! A name is served as another by resolving that other in its place (decision D4): the engine then knows by the address
//! it is reached at what it must do, whatever the person has set. Only what the engines themselves tell network
//! administrators to do is written here:
//!
//! | engine | names | served as | told by |
//! |---|---|---|---|
//! | Google | `google.TLD` and `www.google.TLD` | `forcesafesearch.google.com` | support.google.com/websearch/answer/186669; the domains are google.com/supported_domains |
//! | Bing | `www.bing.com`, `bing.com`, `edgeservices.bing.com` | `strict.bing.com` | Microsoft's help on blocking adult content with SafeSearch |
//! | DuckDuckGo | `duckduckgo.com`, `www.`, `start.` | `safe.duckduckgo.com` | DuckDuckGo's help page on safe search |
//! | Brave | `search.brave.com` | `forcesafe.search.brave.com` | Brave Search's help page on safe search |
//! | Ecosia | `www.ecosia.org`, `ecosia.org` | `strict-safe-search.ecosia.org` | Ecosia's help page for networks |
//! | Qwant | `api.qwant.com`, which gives its pages their results | `safeapi.qwant.com` | Qwant's help page on the adult filter |
//! | Pixabay | `pixabay.com`, `www.` | `safesearch.pixabay.com` | Pixabay's note for schools |
//! | YouTube | the five hosts of [`YOUTUBE_HOSTS`] | `restrict.youtube.com`, `restrictmoderate.youtube.com` | support.google.com/a/answer/6214622 |
//!
//! Engines that have no such form, and doors of the engines above that lead around theirs, are in [`WITHOUT_SAFE_FORM`]:
//! where safe search is forced they are refused. No list of those can be whole; a category or a rule adds to it.

use std::{collections::HashMap, sync::LazyLock};

use crate::model::Domain;

/// What a name of an engine can be served as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With safe search: this name.
    SafeSearch(Domain),
    /// A level of YouTube.
    YouTube,
}

/// Top-level ends of Google's search domains.
const GOOGLE: &str = "ad ae al am as at az ba be bf bg bi bj bs bt by ca cat cd cf cg ch ci cl cm cn co co.ao co.bw co.ck \
    co.cr co.id co.il co.in co.jp co.ke co.kr co.ls co.ma co.mz co.nz co.th co.tz co.ug co.uk co.uz co.ve \
    co.vi co.za co.zm co.zw com com.af com.ag com.ai com.ar com.au com.bd com.bh com.bn com.bo com.br com.bz \
    com.co com.cu com.cy com.do com.ec com.eg com.et com.fj com.gh com.gi com.gt com.hk com.jm com.kh com.kw \
    com.lb com.ly com.mm com.mt com.mx com.my com.na com.nf com.ng com.ni com.np com.om com.pa com.pe com.pg \
    com.ph com.pk com.pr com.py com.qa com.sa com.sb com.sg com.sl com.sv com.tj com.tr com.tw com.ua com.uy \
    com.vc com.vn cv cz de dj dk dm dz ee es fi fm fr ga ge gg gl gm gp gr gy hn hr ht hu ie im iq is it je \
    jo kg ki kz la li lk lt lu lv md me mg mk ml mn ms mu mv mw ne nl no nr nu pl pn ps pt ro rs ru rw sc se \
    sh si sk sm sn so sr st td tg tk tl tm tn to tt vg vu ws";

/// Other engines: the names, and what they are served as with safe search.
const OTHERS: [(&[&str], &str); 6] = [
    (&["bing.com", "edgeservices.bing.com", "www.bing.com"], "strict.bing.com"),
    (&["duckduckgo.com", "start.duckduckgo.com", "www.duckduckgo.com"], "safe.duckduckgo.com"),
    (&["search.brave.com"], "forcesafe.search.brave.com"),
    (&["ecosia.org", "www.ecosia.org"], "strict-safe-search.ecosia.org"),
    (&["api.qwant.com"], "safeapi.qwant.com"),
    (&["pixabay.com", "www.pixabay.com"], "safesearch.pixabay.com"),
];

/// The hosts that a level of YouTube is for, as Google lists them.
pub(super) const YOUTUBE_HOSTS: [&str; 5] = [
    "m.youtube.com",
    "www.youtube-nocookie.com",
    "www.youtube.com",
    "youtube.googleapis.com",
    "youtubei.googleapis.com",
];

/// Engines and doors of engines that no network can hold to safe search, each with everything below it.
pub(super) const WITHOUT_SAFE_FORM: [&str; 36] = [
    "baidu.com",
    "cn.bing.com",
    "encrypted.google.com",
    "fireball.com",
    "gibiru.com",
    "html.duckduckgo.com",
    "ipv4.google.com",
    "ipv6.google.com",
    "kagi.com",
    "lite.duckduckgo.com",
    "mail.ru",
    "metager.de",
    "metager.org",
    "mojeek.com",
    "naver.com",
    "noai.duckduckgo.com",
    "presearch.com",
    "search.aol.com",
    "search.lycos.com",
    "search.marginalia.nu",
    "search.yahoo.co.jp",
    "search.yahoo.com",
    "searchencrypt.com",
    "seznam.cz",
    "so.com",
    "sogou.com",
    "startpage.com",
    "swisscows.com",
    "ya.ru",
    "yacy.net",
    "yandex.com",
    "yandex.com.tr",
    "yandex.eu",
    "yandex.fr",
    "yandex.ru",
    "yep.com",
];

static FORMS: LazyLock<HashMap<Domain, Form>> = LazyLock::new(|| {
    let google = domain("forcesafesearch.google.com");
    let mut forms = HashMap::new();
    for end in GOOGLE.split_whitespace() {
        for name in [format!("google.{end}"), format!("www.google.{end}")] {
            forms.insert(domain(&name), Form::SafeSearch(google.clone()));
        }
    }
    for (names, served_as) in OTHERS {
        let served_as = domain(served_as);
        forms.extend(names.iter().map(|name| (domain(name), Form::SafeSearch(served_as.clone()))));
    }
    forms.extend(YOUTUBE_HOSTS.map(|name| (domain(name), Form::YouTube)));
    forms
});

static STRICT: LazyLock<Domain> = LazyLock::new(|| domain("restrict.youtube.com"));
static MODERATE: LazyLock<Domain> = LazyLock::new(|| domain("restrictmoderate.youtube.com"));

/// What `name` can be served as; none unless it is exactly a name of an engine.
pub(super) fn form(name: &Domain) -> Option<&'static Form> {
    FORMS.get(name)
}

/// What YouTube is served as at its strict level.
pub(super) fn youtube_strict() -> &'static Domain {
    &STRICT
}

/// What YouTube is served as at its moderate level.
pub(super) fn youtube_moderate() -> &'static Domain {
    &MODERATE
}

/// A name of this file.
pub(super) fn domain(name: &str) -> Domain {
    name.parse().expect("every name in this file is a host name, as a test shows")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let served = form(&name.parse().unwrap()).map(|form| match form {
            Form::SafeSearch(served_as) => served_as.as_str(),
            Form::YouTube => "youtube",
        });
        assert_eq!(served, expected, "{name}");
    }

    #[test]
    fn every_name_of_the_table_is_a_host_name() {
        assert!(FORMS.len() > 2 * 180, "Google alone has more domains");
        for name in WITHOUT_SAFE_FORM {
            assert_eq!(form(&domain(name)), None, "{name} cannot be both");
        }
        for name in [youtube_strict(), youtube_moderate()] {
            assert_eq!(form(name), None, "{name} is itself");
        }
    }

    #[test]
    fn no_form_is_served_as_yet_another() {
        for (name, served) in FORMS.iter() {
            if let Form::SafeSearch(served_as) = served {
                assert_eq!(form(served_as), None, "{name}");
            }
        }
    }

    #[test]
    fn a_name_of_an_engine_has_its_form_and_its_neighbours_have_none() {
        let google = Some("forcesafesearch.google.com");
        for (name, expected) in [
            ("www.google.com", google),
            ("WWW.Google.FR", google),
            ("google.co.uk", google),
            ("www.google.com.br", google),
            ("mail.google.com", None),
            ("www.google.com.exemple.fr", None),
            ("www.googl.com", None),
            ("fonts.googleapis.com", None),
            ("www.bing.com", Some("strict.bing.com")),
            ("duckduckgo.com", Some("safe.duckduckgo.com")),
            ("search.brave.com", Some("forcesafe.search.brave.com")),
            ("www.ecosia.org", Some("strict-safe-search.ecosia.org")),
            ("api.qwant.com", Some("safeapi.qwant.com")),
            ("www.qwant.com", None),
            ("www.youtube.com", Some("youtube")),
            ("m.youtube.com", Some("youtube")),
            ("youtubei.googleapis.com", Some("youtube")),
            ("youtube.googleapis.com", Some("youtube")),
            ("www.youtube-nocookie.com", Some("youtube")),
            ("i.ytimg.com", None),
        ] {
            check(name, expected);
        }
    }
}
