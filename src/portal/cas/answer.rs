//! What applications are answered: XML or JSON of CAS 2.0 and 3.0, two lines of CAS 1.0. Always with HTTP status 200, as
//! clients expect; what went wrong stands in the answer.

use std::fmt::Write as _;

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use crate::model::Moment;

/// What went wrong, by the specification's code (CAS 3.0, 2.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidRequest,
    InvalidTicketSpec,
    UnauthorizedServiceProxy,
    InvalidProxyCallback,
    InvalidTicket,
    InvalidService,
    UnauthorizedService,
    InternalError,
}

impl Code {
    const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::InvalidTicketSpec => "INVALID_TICKET_SPEC",
            Self::UnauthorizedServiceProxy => "UNAUTHORIZED_SERVICE_PROXY",
            Self::InvalidProxyCallback => "INVALID_PROXY_CALLBACK",
            Self::InvalidTicket => "INVALID_TICKET",
            Self::InvalidService => "INVALID_SERVICE",
            Self::UnauthorizedService => "UNAUTHORIZED_SERVICE",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }
}

/// A refusal: a code for the program, a sentence for whoever sets it up. Neither tells of any person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) text: &'static str,
}

impl Failure {
    pub(super) const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text }
    }
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Json,
}

impl Format {
    /// What the parameter `format` asks for: XML unless it says otherwise.
    pub(super) fn asked(word: Option<&str>) -> Self {
        if word.is_some_and(|word| word.eq_ignore_ascii_case("json")) { Self::Json } else { Self::Xml }
    }
}

/// Who came, as the application is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Success<'a> {
    pub(super) user: String,
    /// None in an answer of CAS 2.0.
    pub(super) attributes: Option<Attributes<'a>>,
    /// The word by which the application finds its proxy-granting ticket.
    pub(super) iou: Option<String>,
    /// The applications in between, the last one first.
    pub(super) proxies: Vec<String>,
}

/// What CAS 3.0 tells of every sign-in, and what the dialect adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes<'a> {
    pub(super) since: Moment,
    pub(super) is_new_login: bool,
    pub(super) released: Vec<(&'a str, Vec<String>)>,
}

/// The answer to a validation.
pub(super) fn validated(format: Format, outcome: &Result<Success<'_>, Failure>) -> Response {
    match (format, outcome) {
        (Format::Xml, Ok(success)) => xml(&success.xml()),
        (Format::Xml, Err(failure)) => xml(&refused_xml("authenticationFailure", *failure)),
        (Format::Json, Ok(success)) => json_answer("authenticationSuccess", success.json()),
        (Format::Json, Err(failure)) => json_answer("authenticationFailure", refused_json(*failure)),
    }
}

/// The answer to a request for a proxy ticket.
pub(super) fn proxied(format: Format, outcome: &Result<String, Failure>) -> Response {
    match (format, outcome) {
        (Format::Xml, Ok(ticket)) => {
            xml(&format!("<cas:proxySuccess><cas:proxyTicket>{ticket}</cas:proxyTicket></cas:proxySuccess>"))
        }
        (Format::Xml, Err(failure)) => xml(&refused_xml("proxyFailure", *failure)),
        (Format::Json, Ok(ticket)) => json_answer("proxySuccess", json!({ "ticket": ticket })),
        (Format::Json, Err(failure)) => json_answer("proxyFailure", refused_json(*failure)),
    }
}

/// The answer of CAS 1.0: `yes` and who, or `no`.
pub(super) fn plain(user: Option<&str>) -> Response {
    let text = user.map_or_else(|| String::from("no\n\n"), |user| format!("yes\n{user}\n"));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

impl Success<'_> {
    /// The order is that of the schema: user, attributes, proxy-granting ticket, proxies (CAS 3.0, appendix A).
    fn xml(&self) -> String {
        let mut text = String::from("<cas:authenticationSuccess>");
        element(&mut text, "user", &self.user);
        if let Some(attributes) = &self.attributes {
            text.push_str("<cas:attributes>");
            element(&mut text, "authenticationDate", &attributes.since.to_string());
            element(&mut text, "longTermAuthenticationRequestTokenUsed", "false");
            element(&mut text, "isFromNewLogin", if attributes.is_new_login { "true" } else { "false" });
            for (name, values) in &attributes.released {
                values.iter().for_each(|value| element(&mut text, name, value));
            }
            text.push_str("</cas:attributes>");
        }
        if let Some(iou) = &self.iou {
            element(&mut text, "proxyGrantingTicket", iou);
        }
        if !self.proxies.is_empty() {
            text.push_str("<cas:proxies>");
            self.proxies.iter().for_each(|proxy| element(&mut text, "proxy", proxy));
            text.push_str("</cas:proxies>");
        }
        text.push_str("</cas:authenticationSuccess>");
        text
    }

    fn json(&self) -> Value {
        let mut told = Map::new();
        told.insert("user".to_owned(), json!(self.user));
        if let Some(attributes) = &self.attributes {
            let mut all = Map::new();
            all.insert("authenticationDate".to_owned(), json!(attributes.since.to_string()));
            all.insert("longTermAuthenticationRequestTokenUsed".to_owned(), json!(false));
            all.insert("isFromNewLogin".to_owned(), json!(attributes.is_new_login));
            for (name, values) in &attributes.released {
                let value = if let [value] = values.as_slice() { json!(value) } else { json!(values) };
                all.insert((*name).to_owned(), value);
            }
            told.insert("attributes".to_owned(), Value::Object(all));
        }
        if let Some(iou) = &self.iou {
            told.insert("proxyGrantingTicket".to_owned(), json!(iou));
        }
        if !self.proxies.is_empty() {
            told.insert("proxies".to_owned(), json!(self.proxies));
        }
        Value::Object(told)
    }
}

fn element(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = write!(text, "<cas:{name}>{}</cas:{name}>", escaped(value));
}

/// `text` as the content of an XML element. What XML 1.0 cannot hold at all becomes the replacement character.
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&apos;"),
            '\t' | '\n' => written.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => written.push('\u{fffd}'),
            other => written.push(other),
        }
    }
    written
}

fn refused_xml(name: &str, failure: Failure) -> String {
    format!("<cas:{name} code=\"{}\">{}</cas:{name}>", failure.code.word(), escaped(failure.text))
}

fn refused_json(failure: Failure) -> Value {
    json!({ "code": failure.code.word(), "description": failure.text })
}

fn xml(inner: &str) -> Response {
    let text = format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">{inner}</cas:serviceResponse>\n"
    );
    ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], text).into_response()
}

fn json_answer(name: &str, inner: Value) -> Response {
    let text = json!({ "serviceResponse": { name: inner } }).to_string();
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(response: Response) -> String {
        assert_eq!(response.status(), 200);
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn success() -> Success<'static> {
        Success {
            user: String::from("alix.exemple"),
            attributes: Some(Attributes {
                since: Moment::from_unix_seconds(1_788_249_600),
                is_new_login: true,
                released: vec![
                    ("nom", vec![String::from("D’A<b>&\u{1}\"")]),
                    ("classe", vec![String::from("6A"), String::from("Chorale")]),
                ],
            }),
            iou: Some(String::from("PGTIOU-x")),
            proxies: vec![String::from("https://b.exemple/"), String::from("https://a.exemple/?x&y")],
        }
    }

    #[tokio::test]
    async fn a_success_is_written_in_the_order_of_the_schema_and_escaped() {
        let told = text(validated(Format::Xml, &Ok(success()))).await;
        assert_eq!(
            told,
            "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\"><cas:authenticationSuccess>\
             <cas:user>alix.exemple</cas:user><cas:attributes>\
             <cas:authenticationDate>2026-09-01T08:00:00.000Z</cas:authenticationDate>\
             <cas:longTermAuthenticationRequestTokenUsed>false</cas:longTermAuthenticationRequestTokenUsed>\
             <cas:isFromNewLogin>true</cas:isFromNewLogin>\
             <cas:nom>D’A&lt;b&gt;&amp;\u{fffd}&quot;</cas:nom>\
             <cas:classe>6A</cas:classe><cas:classe>Chorale</cas:classe></cas:attributes>\
             <cas:proxyGrantingTicket>PGTIOU-x</cas:proxyGrantingTicket>\
             <cas:proxies><cas:proxy>https://b.exemple/</cas:proxy>\
             <cas:proxy>https://a.exemple/?x&amp;y</cas:proxy></cas:proxies>\
             </cas:authenticationSuccess></cas:serviceResponse>\n"
        );
    }

    #[tokio::test]
    async fn json_tells_the_same() {
        let told: Value = serde_json::from_str(&text(validated(Format::Json, &Ok(success()))).await).unwrap();
        let success = &told["serviceResponse"]["authenticationSuccess"];
        assert_eq!(success["user"], "alix.exemple");
        assert_eq!(success["attributes"]["classe"], json!(["6A", "Chorale"]));
        assert_eq!(success["attributes"]["isFromNewLogin"], true);
        assert_eq!(success["proxyGrantingTicket"], "PGTIOU-x");
        assert_eq!(success["proxies"][0], "https://b.exemple/");
    }

    #[tokio::test]
    async fn a_refusal_has_its_code_and_status_200() {
        let failure = Failure::new(Code::InvalidTicket, "the ticket is not known");
        for (answer, expected) in [
            (
                validated(Format::Xml, &Err(failure)),
                "<cas:authenticationFailure code=\"INVALID_TICKET\">the ticket is not known</cas:authenticationFailure>",
            ),
            (
                proxied(Format::Xml, &Err(Failure::new(Code::UnauthorizedService, "x"))),
                "<cas:proxyFailure code=\"UNAUTHORIZED_SERVICE\">x</cas:proxyFailure>",
            ),
            (proxied(Format::Xml, &Ok(String::from("PT-1"))), "<cas:proxyTicket>PT-1</cas:proxyTicket>"),
            (
                validated(Format::Json, &Err(failure)),
                "{\"authenticationFailure\":{\"code\":\"INVALID_TICKET\"",
            ),
            (plain(None), "no\n\n"),
            (plain(Some("alix")), "yes\nalix\n"),
        ] {
            let told = text(answer).await;
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn an_answer_without_attributes_has_no_element_for_them() {
        let bare = Success { attributes: None, iou: None, proxies: Vec::new(), ..success() };
        assert_eq!(
            bare.xml(),
            "<cas:authenticationSuccess><cas:user>alix.exemple</cas:user></cas:authenticationSuccess>"
        );
    }
}
