//! OpenID Connect, the authorisation code flow with PKCE: where the browser is sent, and what its code is worth.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};

use super::{
    client::{Claimed, EntRefusal, get},
    departures::Secrets,
    limits::TICKET_BYTES_MAX,
    oidc::{Claims, Expected, Provider, Tokens, challenge},
    settings::{Secret, Settings},
};
use crate::{enforce::web_client::WebClient, model::Moment};

/// What the box is at the provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registration<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a Secret,
}

/// The request for the provider's description (Discovery 1.0 section 4.1).
pub(super) fn discovery(settings: &Settings) -> Result<Request<Bytes>, EntRefusal> {
    get(&format!("{}/.well-known/openid-configuration", settings.url.as_str()))
}

/// Where the browser signs in and comes back from (Core 3.1.2.1, RFC 7636 section 4.3).
pub(super) fn authorization_url(
    settings: &Settings,
    provider: &Provider,
    registration: Registration<'_>,
    secrets: &Secrets,
    is_renewed: bool,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("scope", "openid profile")
        .append_pair("client_id", registration.client_id)
        .append_pair("redirect_uri", &settings.return_url())
        .append_pair("state", &secrets.state)
        .append_pair("nonce", &secrets.nonce)
        .append_pair("code_challenge", &challenge(&secrets.verifier))
        .append_pair("code_challenge_method", "S256");
    if is_renewed {
        query.append_pair("prompt", "login");
    }
    with_query(&provider.authorization_endpoint, &query.finish())
}

/// Where the browser signs out (RP-Initiated Logout 1.0 section 2), where the provider has such a page.
pub(super) fn end_session_url(
    settings: &Settings,
    provider: &Provider,
    registration: Registration<'_>,
) -> Option<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("client_id", registration.client_id)
        .append_pair("post_logout_redirect_uri", &format!("{}/", settings.portal));
    Some(with_query(provider.end_session_endpoint.as_ref()?, &query.finish()))
}

/// Asks the provider whose `code` this is.
pub(super) async fn confirm(
    settings: &Settings,
    client: &WebClient,
    provider: &Provider,
    registration: Registration<'_>,
    (code, secrets): (&str, &Secrets),
    now: Moment,
) -> Result<Claimed, EntRefusal> {
    if code.len() > TICKET_BYTES_MAX {
        return Err(EntRefusal::Declined);
    }
    let request = token_request(settings, provider, registration, code, &secrets.verifier)?;
    let answer = client.send(request, None).await.map_err(EntRefusal::from)?;
    match answer.status() {
        status if status.is_success() => {}
        status if status.is_server_error() => return Err(EntRefusal::Away),
        // RFC 6749 section 5.2: 400 and 401 refuse the code, or the box.
        _ => return Err(EntRefusal::Declined),
    }
    let tokens = Tokens::read(answer.body()).map_err(|_| EntRefusal::Unreadable)?;
    let expected =
        Expected { issuer: &provider.issuer, client_id: registration.client_id, nonce: &secrets.nonce, now };
    let claims = Claims::of_id_token(&tokens.id_token, expected).map_err(|_| EntRefusal::Unreadable)?;
    let sub = claims.value("sub").ok_or(EntRefusal::Unreadable)?;
    let Some(name) = &settings.id else { return Ok(Claimed(sub)) };
    if let Some(value) = claims.value(name) {
        return Ok(Claimed(value));
    }
    let claims = ask_userinfo(client, provider, &tokens, &sub).await?;
    claims.value(name).map(Claimed).ok_or(EntRefusal::NoId)
}

/// The claims that the provider keeps for its UserInfo endpoint (Core 5.3).
async fn ask_userinfo(
    client: &WebClient,
    provider: &Provider,
    tokens: &Tokens,
    sub: &str,
) -> Result<Claims, EntRefusal> {
    let url = provider.userinfo_endpoint.as_ref().ok_or(EntRefusal::NoId)?;
    let mut request = get(url)?;
    let bearer = HeaderValue::try_from(format!("Bearer {}", tokens.access_token));
    request.headers_mut().insert(AUTHORIZATION, bearer.map_err(|_| EntRefusal::Unreadable)?);
    let answer = client.send(request, None).await.map_err(EntRefusal::from)?;
    if !answer.status().is_success() {
        return Err(EntRefusal::Unreadable);
    }
    Claims::of_userinfo(answer.body(), sub).map_err(|_| EntRefusal::Unreadable)
}

/// RFC 6749 section 4.1.3, with the secret in the field `Authorization` (section 2.3.1, `client_secret_basic`).
fn token_request(
    settings: &Settings,
    provider: &Provider,
    registration: Registration<'_>,
    code: &str,
    verifier: &str,
) -> Result<Request<Bytes>, EntRefusal> {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &settings.return_url())
        .append_pair("code_verifier", verifier)
        .finish();
    // "encoded using the "application/x-www-form-urlencoded" encoding algorithm", each by itself.
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(registration.client_id), encoded(registration.client_secret.text()));
    Request::builder()
        .method(Method::POST)
        .uri(&provider.token_endpoint)
        .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(|_| EntRefusal::Unreadable)
}

/// `url` with more in its query (RFC 6749 section 3.1: the endpoint may have one of its own).
fn with_query(url: &str, query: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{query}")
}
