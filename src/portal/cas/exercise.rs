//! Reads bytes as everything a request to the CAS server may hold: the entry of the fuzz target and of its corpus. What is
//! taken for a service's URL is held against a second reader, since a ticket goes where the browser reads that it goes.

use axum::http::Uri;

use super::{
    login::Way,
    parameters::Parameters,
    service_url::{ServicePattern, ServiceUrl},
};

/// Reads `bytes` as the parameters of `/cas/login`, as the service among them, as a service's URL, and as a pattern.
///
/// # Panics
/// When a URL that was read leads elsewhere for another reader, when a ticket added to it is not its last parameter, or when
/// a pattern is another one once it was written down.
pub fn exercise_cas(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(parameters) = Parameters::read(text) {
        let _ = Way::read(&parameters);
        parameters.value("service").into_iter().for_each(hold_against_another_reader);
    }
    hold_against_another_reader(text);
    if let Ok(pattern) = text.parse::<ServicePattern>() {
        assert_eq!(pattern.to_string().parse::<ServicePattern>().as_ref(), Ok(&pattern), "{text:?}");
    }
}

/// Asserts that `text` is no service's URL, or the same to HTTP's own reader of addresses.
pub(super) fn hold_against_another_reader(text: &str) {
    const TICKET: &str = "ST-1";
    let Some(url) = ServiceUrl::read(text) else { return };
    let (mut parts, read) = (Vec::new(), text.parse::<Uri>().ok());
    if let Some(uri) = &read {
        let usual = if url.is_https() { 443 } else { 80 };
        let port = uri.port_u16().filter(|port| *port != usual).map(|port| format!(":{port}"));
        let (scheme, host) = (uri.scheme_str().unwrap_or(""), uri.host().unwrap_or(""));
        parts.push(format!("{scheme}://{host}{}", port.unwrap_or_default()).to_ascii_lowercase());
        parts.push(uri.path().to_owned());
    }
    assert_eq!(parts, [url.origin(), url.path().to_owned()], "{text:?}");
    let sent = url.with_ticket(TICKET);
    let query = sent.split_once('?').map_or("", |(_, query)| query);
    let last = form_urlencoded::parse(query.as_bytes()).last();
    assert_eq!(last, Some(("ticket".into(), TICKET.into())), "{text:?}");
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    /// Pieces of addresses in which readers are known to differ.
    const PIECES: [&str; 44] = [
        "https",
        "HTTP",
        "://",
        ":/",
        "//",
        "/",
        "\\",
        "@",
        ":",
        ":443",
        ":0443",
        ":80",
        ":8443",
        ":99999",
        "appli.exemple",
        "Appli.EXEMPLE",
        "pirate.example",
        "[fd00::1]",
        "10.0.0.1",
        "0x7f.1",
        ".",
        "..",
        ";a=b",
        "%2e",
        "%2F",
        "%5c",
        "%00",
        "%40",
        "%zz",
        "?",
        "&",
        "=",
        "#",
        "service",
        "ticket=ST-2",
        "*",
        "{",
        "|",
        "^",
        "\u{ad}",
        "\u{3002}",
        "\t",
        " ",
        "é",
    ];

    proptest! {
        #[test]
        fn a_service_leads_to_the_same_place_for_another_reader(
            pieces in prop::collection::vec(select(&PIECES[..]), 0..12),
            is_likely: bool,
        ) {
            let start = if is_likely { "https://appli.exemple" } else { "" };
            exercise_cas(format!("{start}{}", pieces.concat()).as_bytes());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            exercise_cas(text.as_bytes());
            exercise_cas(format!("https://{text}").as_bytes());
        }
    }
}
