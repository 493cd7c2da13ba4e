//! Header fields that do not go on: those of one connection (RFC 9110 section 7.6.1), and those with which somebody could
//! tell the origin something that the cache does not know.

use hyper::{
    HeaderMap,
    header::{CONNECTION, HeaderName},
};

use super::list::{joined, members};

/// Fields of one connection, named or not.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields of a request that make some origins answer for another URL, another host or another client than the cache
/// asked for. Whoever sends one could put another page in the place of everybody's; browsers send none of them.
const UNKEYED: &[&str] = &[
    "base-url",
    "cf-connecting-ip",
    "client-ip",
    "destination",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "http-host-override",
    "profile",
    "request-uri",
    "surrogate-capability",
    "true-client-ip",
    "via",
    "x-backend",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-destinationurl",
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method-override",
    "x-middleware-prefetch",
    "x-middleware-subrequest",
    "x-override-url",
    "x-proxy-url",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-url-scheme",
    "x-wap-profile",
];

/// How the names of whole families of them begin.
const UNKEYED_FAMILIES: &[&str] =
    &["x-forwarded", "x-original", "x-rewrite", "x-envoy-", "x-amz-", "cloudfront-"];

/// Takes out of `fields` what belongs to the connection they came by.
pub(super) fn strip_connection(fields: &mut HeaderMap) {
    if let Some(list) = joined(fields, &CONNECTION) {
        for name in members(&list).filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            fields.remove(name);
        }
    }
    for name in OF_THE_CONNECTION {
        fields.remove(*name);
    }
}

/// Takes out of a request's `fields` what could make the origin answer something else than was asked for by the key.
pub(super) fn strip_unkeyed(fields: &mut HeaderMap) {
    let names: Vec<HeaderName> = fields
        .keys()
        .filter(|name| {
            let name = name.as_str();
            UNKEYED.contains(&name) || UNKEYED_FAMILIES.iter().any(|family| name.starts_with(family))
        })
        .cloned()
        .collect();
    for name in names {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fields: &HeaderMap) -> Vec<&str> {
        fields.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn what_connection_names_stays_behind_with_it() {
        let mut fields: HeaderMap = HeaderMap::new();
        for (name, value) in [("connection", "a, B"), ("a", "1"), ("b", "2"), ("c", "3"), ("te", "trailers")]
        {
            fields.insert(name, value.parse().unwrap());
        }
        strip_connection(&mut fields);
        assert_eq!(names(&fields), ["c"]);
    }

    #[test]
    fn no_field_tells_the_origin_of_another_host_or_url() {
        let mut fields: HeaderMap = HeaderMap::new();
        for name in [
            "x-forwarded-host",
            "x-forwarded-scheme",
            "x-original-url",
            "x-rewrite-url",
            "forwarded",
            "accept",
        ] {
            fields.insert(name, "piege".parse().unwrap());
        }
        strip_unkeyed(&mut fields);
        assert_eq!(names(&fields), ["accept"]);
    }
}
