//! The AdGuard (Adblock) syntax, as far as it lists whole names: `||name^`.

use crate::{lists::Reason, model::Site};

use super::names;

/// What separates the sites of a rule about page content from the rule.
const COSMETIC_MARKS: [&str; 8] = ["##", "#@#", "#?#", "#$#", "#%#", "#@?#", "#@$#", "#@%#"];

/// Options that leave a rule as wide as it is: it stands above exceptions, counts for every kind of request.
const HARMLESS_OPTIONS: [&str; 4] = ["important", "all", "document", "doc"];

/// Whether a rule hides parts of pages. Read as a name with a comment behind, it would list the whole site.
pub(super) fn is_cosmetic(text: &str) -> bool {
    text.contains('#') && COSMETIC_MARKS.iter().any(|mark| text.contains(mark))
}

/// The site that a rule lists whole.
pub(super) fn site(rule: &str) -> Result<Site, Reason> {
    if rule.starts_with("@@") {
        return Err(Reason::Exception);
    }
    let rest = rule.strip_prefix("||").ok_or(Reason::Pattern)?;
    let (name, behind) = rest.split_once('^').ok_or(Reason::Pattern)?;
    let behind = behind.strip_prefix('|').unwrap_or(behind);
    if let Some(options) = behind.strip_prefix('$') {
        if !options.split(',').all(|option| HARMLESS_OPTIONS.contains(&option.trim())) {
            return Err(Reason::Options);
        }
    } else if !behind.is_empty() {
        return Err(Reason::Pattern);
    }
    let name = name.strip_prefix("*.").unwrap_or(name);
    if name.contains(['*', '/']) { Err(Reason::Pattern) } else { names::site(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_for_whole_names_are_read() {
        for (rule, expected) in [
            ("||jeux.example^", Ok("jeux.example")),
            ("||*.jeux.example^", Ok("jeux.example")),
            ("||jeux.example^|", Ok("jeux.example")),
            ("||jeux.example^$important", Ok("jeux.example")),
            ("||203.0.113.9^$all,document", Ok("203.0.113.9")),
            ("||jeux.example^$third-party", Err(Reason::Options)),
            ("||jeux.example^$important,dnstype=AAAA", Err(Reason::Options)),
            ("||jeux.example^$", Err(Reason::Options)),
            ("@@||jeux.example^", Err(Reason::Exception)),
            ("||jeux.example/banner^", Err(Reason::Pattern)),
            ("||jeux.*^", Err(Reason::Pattern)),
            ("||jeux.example", Err(Reason::Pattern)),
            ("|https://jeux.example^", Err(Reason::Pattern)),
            ("/^jeux[0-9]/", Err(Reason::Pattern)),
            ("||zip^", Err(Reason::TopLevel)),
        ] {
            let read = site(rule).map(|site| site.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|text| &**text), "{rule}");
        }
    }
}
