//! A line of names: one name or address, a line of a hosts file, or a rule of an AdGuard list.
//!
//! Each line tells its own format, because published lists mix them.

use std::net::IpAddr;

use super::adblock;
use crate::{
    lists::Reason,
    model::{DomainError, Site},
};

/// Names that hosts files give to the machine itself.
const OWN_NAMES: [&str; 11] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
];

/// Gives `each` every site the line lists, and what of it was left out. Comments and empty lines give nothing.
///
/// # Errors
/// When `each` fails.
pub(in crate::lists) fn read<E>(
    line: &str,
    mut each: impl FnMut(Result<Site, Reason>) -> Result<(), E>,
) -> Result<(), E> {
    let text = line.trim_start_matches('\u{feff}').trim();
    if is_bare_name(text) {
        return each(site(text));
    }
    if text.is_empty() || text.starts_with(['#', '!']) || (text.starts_with('[') && text.ends_with(']')) {
        return Ok(());
    }
    if adblock::is_cosmetic(text) {
        return each(Err(Reason::Cosmetic));
    }
    if text.starts_with(['|', '@', '/']) {
        return each(adblock::site(text));
    }
    let text = without_comment(text);
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let mut rest = words.peekable();
    if rest.peek().is_none() {
        return each(site(first));
    }
    let Some(target) = hosts_target(first) else { return each(Err(Reason::SeveralWords)) };
    for name in rest {
        if OWN_NAMES.contains(&name) || is_of_every_machine(target) {
            each(Err(Reason::OwnName))?;
        } else if is_of_the_machine(target) {
            each(site(name))?;
        } else {
            each(Err(Reason::Mapping))?;
        }
    }
    Ok(())
}

/// The site a word names. `*.` or a dot in front add nothing: what covers a name covers everything below it.
pub(super) fn site(word: &str) -> Result<Site, Reason> {
    let name = word.strip_prefix("*.").or_else(|| word.strip_prefix('.')).unwrap_or(word);
    // No address ends in a letter but an IPv6 one, which has a colon: most names need not be tried as one.
    let is_name = name.ends_with(|end: char| end.is_ascii_alphabetic()) && !name.contains(':');
    let parsed = if is_name { name.parse().map(Site::Name) } else { name.parse() };
    let site: Site = parsed.map_err(|error| not_a_name(name, error))?;
    match &site {
        Site::Name(name) if !name.as_str().contains('.') => Err(Reason::TopLevel),
        Site::Address(address) if is_of_the_machine(*address) => Err(Reason::OwnName),
        _ => Ok(site),
    }
}

/// Why a word is no site, where it is something else that people write into lists.
fn not_a_name(word: &str, error: DomainError) -> Reason {
    match word.split_once('/') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() && word.parse::<ipnet::IpNet>().is_ok() => {
            Reason::Network
        }
        Some(_) => Reason::UrlAmongNames,
        None if word.contains(['*', '^', '$', '|']) => Reason::Pattern,
        None => Reason::NotAName(error),
    }
}

/// Whether a text is nothing but a name: most lines are, and go no further.
fn is_bare_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The text before a `#` that stands at the beginning of a word.
fn without_comment(text: &str) -> &str {
    let is_comment = |(at, _): &(usize, &str)| {
        text.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    };
    let end = text.match_indices('#').find(is_comment).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// The address that begins a line of a hosts file, with or without the name of an interface behind (`fe80::1%lo0`).
fn hosts_target(word: &str) -> Option<IpAddr> {
    word.split('%').next().unwrap_or(word).parse().ok()
}

/// Addresses that lead nowhere or to the machine itself: with these a hosts file blocks a name.
fn is_of_the_machine(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// Addresses that hosts files carry for the machine's own network: broadcast, multicast, link-local.
fn is_of_every_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[Result<&str, Reason>]) {
        let mut found = Vec::new();
        let ended = read(line, |entry| {
            found.push(entry.map(|site| site.to_string()));
            Ok::<(), ()>(())
        });
        assert_eq!(ended, Ok(()));
        let found: Vec<_> = found.iter().map(|entry| entry.as_deref().map_err(|reason| *reason)).collect();
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn a_line_lists_one_name_or_address() {
        check("jeux.example", &[Ok("jeux.example")]);
        check("\u{feff}WWW.Jeux.Example.\r\n", &[Ok("www.jeux.example")]);
        check("  .jeux.example  # remarque", &[Ok("jeux.example")]);
        check("*.jeux.example", &[Ok("jeux.example")]);
        check("203.0.113.9\n", &[Ok("203.0.113.9")]);
        check("2001:db8::7", &[Ok("2001:db8::7")]);
    }

    #[test]
    fn comments_and_empty_lines_list_nothing() {
        for line in ["", "\n", "# jeux.example", "#", "! jeux.example", "[Adblock Plus 2.0]", "  # x y"] {
            check(line, &[]);
        }
    }

    #[test]
    fn a_hosts_line_lists_its_names_and_not_those_of_the_machine() {
        check("0.0.0.0 jeux.example", &[Ok("jeux.example")]);
        check("127.0.0.1\tjeux.example autre.example # deux", &[Ok("jeux.example"), Ok("autre.example")]);
        check("::1 jeux.example", &[Ok("jeux.example")]);
        check("127.0.0.1 localhost", &[Err(Reason::OwnName)]);
        check("0.0.0.0 0.0.0.0", &[Err(Reason::OwnName)]);
        check("fe80::1%lo0 localhost", &[Err(Reason::OwnName)]);
        check("255.255.255.255 broadcasthost", &[Err(Reason::OwnName)]);
        check("203.0.113.5 jeux.example", &[Err(Reason::Mapping)]);
        check("0.0.0.0 # rien", &[Err(Reason::OwnName)]);
    }

    #[test]
    fn a_rule_for_a_part_of_a_page_never_lists_its_site() {
        check("jeux.example##.banner", &[Err(Reason::Cosmetic)]);
        check("jeux.example#@#.banner", &[Err(Reason::Cosmetic)]);
        check("jeux.example,autre.example#?#div:has(a b)", &[Err(Reason::Cosmetic)]);
        check("||jeux.example^", &[Ok("jeux.example")]);
        check("jeux.example^", &[Err(Reason::Pattern)]);
        check("jeux.example#ancre", &[Err(Reason::NotAName(DomainError::Character))]);
    }

    #[test]
    fn what_lists_no_name_is_told_apart() {
        check("deux mots", &[Err(Reason::SeveralWords)]);
        check("com", &[Err(Reason::TopLevel)]);
        check(".xyz", &[Err(Reason::TopLevel)]);
        check("http://jeux.example/", &[Err(Reason::UrlAmongNames)]);
        check("jeux.example/echecs", &[Err(Reason::UrlAmongNames)]);
        check("203.0.113.0/24", &[Err(Reason::Network)]);
        check("2001:db8::/32", &[Err(Reason::Network)]);
        check("jeu?.example", &[Err(Reason::NotAName(DomainError::Character))]);
        check("a..example", &[Err(Reason::NotAName(DomainError::EmptyLabel))]);
        check("*", &[Err(Reason::Pattern)]);
    }
}
