//! Responses of our own: the portal's page for what is refused, one sentence for what fails.

use super::HeadError;
use crate::enforce::proxy::{connect::ConnectError, limits::Limits, page::Page};

/// The portal's page as a response, after which the connection ends. `head_only` leaves out the page itself.
pub(super) fn page(page: &Page, head_only: bool, limits: &Limits) -> Vec<u8> {
    if page.html.len() > limits.page_bytes_max {
        return sentence(403, "Ce site n'est pas ouvert ici.", head_only);
    }
    let status = if (200..=599).contains(&page.status) { page.status } else { 403 };
    // A location that could end its line would begin another field.
    let location =
        page.location.as_deref().filter(|location| location.bytes().all(|byte| byte.is_ascii_graphic()));
    response(status, location, &page.html, head_only)
}

/// The answer to a request that cannot be read.
pub(super) fn malformed(error: HeadError) -> Vec<u8> {
    let text = match error.status() {
        405 => "Cette façon de demander un site n'est pas possible ici.",
        431 => "La requête du navigateur est trop longue.",
        501 | 505 => "Cette version du protocole n'est pas prise en charge.",
        _ => "La requête du navigateur est mal formée.",
    };
    sentence(error.status(), text, false)
}

/// The answer when the site cannot be reached.
pub(super) fn unreachable(error: &ConnectError, head_only: bool) -> Vec<u8> {
    match error {
        ConnectError::NoAddress => sentence(502, "Ce site n'existe pas.", head_only),
        ConnectError::NoAnswer => sentence(504, "La ligne ne répond pas. Réessayez plus tard.", head_only),
        ConnectError::LeadsToRefused(_) => sentence(403, "Ce site n'est pas ouvert ici.", head_only),
        ConnectError::Refused => sentence(502, "Ce site refuse la connexion.", head_only),
        ConnectError::Silent => sentence(504, "Ce site ne répond pas.", head_only),
    }
}

/// The answer when the site hung up, or answered what is no HTTP.
pub(super) fn bad_answer(head_only: bool) -> Vec<u8> {
    sentence(502, "La réponse de ce site est illisible.", head_only)
}

/// The answer when the site took the request and then stayed silent.
pub(super) fn no_answer(head_only: bool) -> Vec<u8> {
    unreachable(&ConnectError::Silent, head_only)
}

fn sentence(status: u16, text: &str, head_only: bool) -> Vec<u8> {
    let html = format!(
        "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><title>{status}</title><p>{text} (code {status})</p></html>\n"
    );
    response(status, None, &html, head_only)
}

fn response(status: u16, location: Option<&str>, html: &str, head_only: bool) -> Vec<u8> {
    let location = location.map(|location| format!("Location: {location}\r\n")).unwrap_or_default();
    let mut response = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\n{location}Connection: close\r\n\r\n",
        reason(status),
        html.len(),
    );
    if !head_only {
        response.push_str(html);
    }
    response.into_bytes()
}

/// The phrase of the statuses that occur here (RFC 9110 section 15); it may be empty.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(page: Page) -> String {
        String::from_utf8(super::page(&page, false, &Limits::SCHOOL)).unwrap()
    }

    #[test]
    fn a_page_is_never_kept_and_ends_the_connection() {
        let text = text(Page { status: 403, location: None, html: "fermé".to_owned() });
        assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"));
        assert!(text.contains("Cache-Control: no-store\r\n") && text.contains("Connection: close\r\n"));
        assert!(
            text.ends_with("Content-Length: 6\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nfermé")
        );
    }

    #[test]
    fn a_redirect_carries_its_location_unless_that_would_be_more_than_one_line() {
        let redirect =
            |location: &str| Page { status: 302, location: Some(location.to_owned()), html: String::new() };
        assert!(
            text(redirect("https://portail.exemple/")).contains("Location: https://portail.exemple/\r\n")
        );
        assert!(!text(redirect("/\r\nSet-Cookie: a")).contains("Set-Cookie"));
    }

    #[test]
    fn a_page_over_its_bound_becomes_a_sentence() {
        let html = "x".repeat(Limits::SCHOOL.page_bytes_max + 1);
        assert!(text(Page { status: 200, location: None, html }).len() < 1000);
    }

    #[test]
    fn a_question_about_the_head_gets_no_page() {
        let page = Page { status: 403, location: None, html: "fermé".to_owned() };
        let head = String::from_utf8(super::page(&page, true, &Limits::SCHOOL)).unwrap();
        assert!(head.contains("Content-Length: 6\r\n") && head.ends_with("\r\n\r\n"));
    }
}
