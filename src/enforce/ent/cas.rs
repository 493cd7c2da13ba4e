//! CAS 3.0: where the browser is sent, and how the ticket it comes back with is held against the server's word.

use hyper::{Request, Response};

use super::{
    cas_answer::CasAnswer,
    client::{Claimed, EntRefusal, get},
    limits::TICKET_BYTES_MAX,
    settings::Settings,
};
use crate::enforce::web_client::WebClient;

/// Where the browser signs in and comes back from (CAS 3.0.3 section 2.1.1).
pub(super) fn login_url(settings: &Settings, is_renewed: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("service", &settings.return_url());
    if is_renewed {
        query.append_pair("renew", "true");
    }
    format!("{}/login?{}", settings.url.as_str(), query.finish())
}

/// Where the browser signs out (section 2.3.1).
pub(super) fn logout_url(settings: &Settings) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("service", &format!("{}/", settings.portal));
    format!("{}/logout?{}", settings.url.as_str(), query.finish())
}

/// Asks the server whose `ticket` this is (section 2.5). It can be asked once only: a ticket is spent by the question.
pub(super) async fn confirm(
    settings: &Settings,
    client: &WebClient,
    ticket: &str,
    is_renewed: bool,
) -> Result<Claimed, EntRefusal> {
    // Section 3.1.1: what a client gets as a ticket it gives back as it is; one that can be none is not worth asking.
    if ticket.len() > TICKET_BYTES_MAX || !ticket.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EntRefusal::Declined);
    }
    let url = validation_url(settings, ticket, is_renewed);
    let answer = client.send(get(&url)?, None).await.map_err(EntRefusal::from)?;
    read(settings, &answer)
}

/// The question itself (section 2.5.1).
fn validation_url(settings: &Settings, ticket: &str, is_renewed: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("service", &settings.return_url()).append_pair("ticket", ticket);
    if is_renewed {
        // The ticket must then come from a password just typed, not from a session that the last pupil left open.
        query.append_pair("renew", "true");
    }
    format!("{}/p3/serviceValidate?{}", settings.url.as_str(), query.finish())
}

fn read(settings: &Settings, answer: &Response<bytes::Bytes>) -> Result<Claimed, EntRefusal> {
    let status = answer.status();
    if status.is_server_error() {
        return Err(EntRefusal::Away);
    }
    // Failures are answered 200 as well, and by some servers 401 or 403 with the same document.
    let Ok(read) = CasAnswer::read(answer.body()) else { return Err(EntRefusal::Unreadable) };
    let (user, attributes) = match read {
        CasAnswer::Failure { code } if code == "INTERNAL_ERROR" => return Err(EntRefusal::Away),
        CasAnswer::Failure { .. } => return Err(EntRefusal::Declined),
        CasAnswer::Success { .. } if !status.is_success() => return Err(EntRefusal::Unreadable),
        CasAnswer::Success { user, attributes } => (user, attributes),
    };
    let Some(name) = &settings.id else { return Ok(Claimed(user)) };
    let mut values = attributes.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
    // Of two different identifiers neither is sure.
    let first = values.next().ok_or(EntRefusal::NoId)?;
    if values.all(|other| other == first) { Ok(Claimed(first)) } else { Err(EntRefusal::NoId) }
}

/// What shows that the server is there: its sign-in page, without its content.
pub(super) fn look(settings: &Settings) -> Result<Request<bytes::Bytes>, EntRefusal> {
    let mut request = get(&format!("{}/login", settings.url.as_str()))?;
    *request.method_mut() = hyper::Method::HEAD;
    Ok(request)
}
