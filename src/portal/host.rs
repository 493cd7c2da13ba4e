//! What a plain request is for: the portal, or a site whose name was answered with the box.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

use crate::model::{Domain, Site, Zone};

/// Where a request wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The portal, by its name or by the box's address.
    Portal,
    /// Another site.
    Elsewhere(Site),
}

/// Reads where a request wants to go. Nothing, when it says so in no way or in two ways (RFC 9112 3.2: answer 400).
pub(super) fn destination(uri: &Uri, headers: &HeaderMap, name: &Domain, zone: &Zone) -> Option<Destination> {
    let site = match sole_host(uri, headers)? {
        Site::Name(host) if host == *name => return Some(Destination::Portal),
        site => site,
    };
    if let Site::Address(address) = site
        && (address == IpAddr::V4(zone.ipv4.addr()) || address == IpAddr::V6(zone.ipv6.addr()))
    {
        return Some(Destination::Portal);
    }
    Some(Destination::Elsewhere(site))
}

/// Whether a request is for the portal by its own name, whatever the port.
pub(super) fn is_named(uri: &Uri, headers: &HeaderMap, name: &Domain) -> bool {
    sole_host(uri, headers).is_some_and(|site| matches!(site, Site::Name(host) if host == *name))
}

/// The one `Host` of a request, its port cut off; a target in absolute form must name the same (RFC 9112 3.2.2).
fn sole_host(uri: &Uri, headers: &HeaderMap) -> Option<Site> {
    let mut fields = headers.get_all(header::HOST).iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    let host = host_of(field.to_str().ok()?)?;
    // A target that is a host alone is CONNECT's: there is no proxy here.
    let is_alike = |target: &str| uri.scheme().is_some() && host_of(target).as_ref() == Some(&host);
    uri.authority().is_none_or(|target| is_alike(target.as_str())).then_some(host)
}

/// A host as it is written before a path, its port cut off.
fn host_of(field: &str) -> Option<Site> {
    match field.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok()?;
            host.parse().ok()
        }
        _ => field.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::portal::page_tests::zone;

    #[track_caller]
    fn check(target: &str, hosts: &[&str], expected: Option<Destination>) {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        let name = "portail.college.exemple".parse().unwrap();
        assert_eq!(destination(&target.parse().unwrap(), &headers, &name, &zone()), expected);
    }

    fn elsewhere(site: &str) -> Option<Destination> {
        Some(Destination::Elsewhere(site.parse().unwrap()))
    }

    #[test]
    fn the_portal_answers_to_its_name_and_to_the_box_address() {
        for host in ["portail.college.exemple", "PORTAIL.college.exemple:80", "10.10.0.1", "[fd00:10::1]:80"]
        {
            check("/", &[host], Some(Destination::Portal));
        }
    }

    #[test]
    fn any_other_host_is_a_site() {
        check("/x", &["captive.apple.com"], elsewhere("captive.apple.com"));
        check("/x", &["192.0.2.7:80"], elsewhere("192.0.2.7"));
        check("/x", &["[2001:db8::1]"], elsewhere("2001:db8::1"));
        check(
            "/x",
            &["portail.college.exemple.pirate.example"],
            elsewhere("portail.college.exemple.pirate.example"),
        );
    }

    #[test]
    fn a_host_named_twice_alike_is_one() {
        check("http://a.fr/x", &["a.fr"], elsewhere("a.fr"));
        check("http://A.fr:80/", &["a.fr"], elsewhere("a.fr"));
    }

    #[test]
    fn no_host_two_hosts_and_odd_hosts_are_refused() {
        check("/", &[], None);
        check("/", &["a.fr", "a.fr"], None);
        check("http://b.fr/", &["a.fr"], None);
        check("http://c@a.fr/", &["a.fr"], None);
        check("a.fr:443", &["a.fr"], None);
        for host in ["", "a b", "a.fr:", "a.fr:99999", "a@b.fr", "a,b", "2001:db8::1:zz"] {
            check("/", &[host], None);
        }
    }
}
