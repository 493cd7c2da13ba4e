//! The two words of a rules file that have a form of their own: a site and a slot.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    model::{Domain, DomainError, UrlPath},
    policy::{
        rule::{SitePattern, UrlPattern},
        timetable::DAY_MINUTES,
    },
};

/// Reads a name, an address, a network, or a page of a name.
pub(super) fn site_pattern(text: &str) -> Result<SitePattern, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SitePattern::Network(IpNet::from(address.to_canonical())));
    }
    if let Ok(network) = text.parse::<IpNet>() {
        let whole = network.trunc();
        return if whole == network {
            Ok(SitePattern::Network(network))
        } else {
            Err(format!("`{network}` is an address inside a network; write `{whole}` or the address alone"))
        };
    }
    let shown = brief(text);
    if text.contains("://") {
        return Err(format!(
            "`{shown}` is a page's address; write the site's name without https://, for one page of it with its path"
        ));
    }
    if text.contains('*') || text.starts_with('.') {
        return Err(format!("`{shown}`: write the name alone; everything below it is meant as well"));
    }
    let no_site = |error: DomainError| format!("`{shown}` is no site: {error}");
    match text.find('/').map(|slash| text.split_at(slash)) {
        None => text.parse().map(SitePattern::Name).map_err(no_site),
        Some((host, path)) => {
            let host = host.parse().map_err(no_site)?;
            url_pattern(host, path).map(SitePattern::Url).map_err(|wrong| format!("`{shown}`: {wrong}"))
        }
    }
}

/// A page as a rule may write it: one that is compared as it was meant.
fn url_pattern(host: Domain, written: &str) -> Result<UrlPattern, String> {
    let path = UrlPath::from(written);
    if written.contains('#') {
        return Err("what is behind `#` never leaves a browser; remove it".to_owned());
    }
    if written.chars().any(char::is_control) || UrlPath::climbs(written) {
        return Err("write the path without `..` and control characters".to_owned());
    }
    if path.is_root() {
        return Err("write the name alone, without `/`: every page of it is meant".to_owned());
    }
    if written.len() > UrlPath::BYTES_MAX || path.segments().count() > UrlPath::SEGMENTS_MAX {
        let (bytes, segments) = (UrlPath::BYTES_MAX, UrlPath::SEGMENTS_MAX);
        return Err(format!("a path has at most {bytes} bytes and {segments} segments; write its beginning"));
    }
    Ok(UrlPattern { host, path })
}

/// Reads `08:00-12:00` as minutes of the day.
pub(super) fn slot_minutes(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("`{}` is no slot; write it as `08:00-12:00`", brief(text));
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let minutes = |time: &str| -> Result<u16, String> {
        let two_digits = |part: &str| {
            let fits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            if fits { part.parse::<u16>().ok() } else { None }
        };
        let (hours, minutes) = time.trim().split_once(':').ok_or_else(wrong)?;
        let (hours, minutes) = two_digits(hours).zip(two_digits(minutes)).ok_or_else(wrong)?;
        let minute = hours * 60 + minutes;
        if minutes > 59 || minute > DAY_MINUTES {
            return Err(format!("`{}` is no time of day; times go from 00:00 to 24:00", brief(time.trim())));
        }
        Ok(minute)
    };
    Ok((minutes(from)?, minutes(to)?))
}

/// The text as a message can carry it.
pub(super) fn brief(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    text.chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
