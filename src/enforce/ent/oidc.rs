//! The words of OpenID Connect: what a provider says of itself, of a code and of a person (OpenID Connect Core 1.0,
//! Discovery 1.0, RFC 6749, RFC 7636).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::limits::CLOCK_SKEW;
use crate::model::Moment;

/// Longest JSON document, in bytes.
const BYTES_MAX: usize = 256 * 1024;

/// Longest value of a claim that is looked at, in bytes.
const VALUE_BYTES_MAX: usize = 512;

/// What a provider says is not of the protocol, or not about this sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's answer is not what OpenID Connect says")]
pub(super) struct Unfit;

/// A provider's description of itself (Discovery 1.0 section 3). Fields that are not needed are passed over.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
}

impl Provider {
    /// Reads the description of the provider at `issuer`.
    pub(super) fn read(bytes: &[u8], issuer: &str) -> Result<Self, Unfit> {
        if bytes.len() > BYTES_MAX {
            return Err(Unfit);
        }
        let provider: Self = serde_json::from_slice(bytes).map_err(|_| Unfit)?;
        // Discovery 4.3: "The issuer value returned MUST be identical to the Issuer URL".
        // Off-spec: a final slash makes no difference, as in `EntUrl`.
        if provider.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(Unfit);
        }
        let scheme = if issuer.starts_with("https://") { "https://" } else { "http://" };
        let endpoints = [Some(&provider.authorization_endpoint), Some(&provider.token_endpoint)];
        let optional = [provider.userinfo_endpoint.as_ref(), provider.end_session_endpoint.as_ref()];
        let fits = |url: &String| url.starts_with(scheme) && url.bytes().all(|byte| byte.is_ascii_graphic());
        if endpoints.into_iter().chain(optional).flatten().all(fits) { Ok(provider) } else { Err(Unfit) }
    }
}

/// What the token endpoint answers (Core 3.1.3.3).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    token_type: String,
    pub(super) id_token: String,
}

impl Tokens {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        if bytes.len() > BYTES_MAX {
            return Err(Unfit);
        }
        let tokens: Self = serde_json::from_slice(bytes).map_err(|_| Unfit)?;
        let is_plain = tokens.access_token.bytes().all(|byte| byte.is_ascii_graphic());
        if tokens.token_type.eq_ignore_ascii_case("bearer") && is_plain { Ok(tokens) } else { Err(Unfit) }
    }
}

/// What an id token must say to be of this sign-in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Moment,
}

/// The claims about a person.
#[derive(Clone, Debug)]
pub(super) struct Claims(serde_json::Map<String, Value>);

impl Claims {
    /// The claims of an id token that came straight from the token endpoint.
    ///
    /// Its signature is not looked at. Core 3.1.3.7, point 6: "If the ID Token is received via direct communication between
    /// the Client and the Token Endpoint (which it is in this flow), the TLS server validation MAY be used to validate the
    /// issuer in place of checking the token signature."
    pub(super) fn of_id_token(token: &str, expected: Expected<'_>) -> Result<Self, Unfit> {
        let claims = Self::of_payload(token)?;
        // Point 2: the issuer is the one that was asked.
        if claims.text("iss") != Some(expected.issuer) {
            return Err(Unfit);
        }
        // Points 3 to 5: it is for us, and where it is for others as well, we are the one it was given to.
        let is_for_us = match claims.0.get("aud") {
            Some(Value::String(only)) => only == expected.client_id,
            Some(Value::Array(all)) => {
                let has_us = all.iter().any(|one| one.as_str() == Some(expected.client_id));
                has_us && (all.len() == 1 || claims.text("azp").is_some())
            }
            _ => false,
        };
        let is_given_to_us = claims.text("azp").is_none_or(|party| party == expected.client_id);
        // Point 9.
        let now = expected.now.unix_seconds();
        let skew = i64::try_from(CLOCK_SKEW.as_secs()).unwrap_or(0);
        let is_running =
            claims.0.get("exp").and_then(Value::as_i64).is_some_and(|end| now < end.saturating_add(skew));
        // Point 11: it was made for this sign-in, not for one that somebody listened to.
        let is_of_now = claims.text("nonce") == Some(expected.nonce);
        if is_for_us && is_given_to_us && is_running && is_of_now { Ok(claims) } else { Err(Unfit) }
    }

    /// The claims of the UserInfo endpoint about the person `sub`.
    pub(super) fn of_userinfo(bytes: &[u8], sub: &str) -> Result<Self, Unfit> {
        if bytes.len() > BYTES_MAX {
            return Err(Unfit);
        }
        let claims = Self(serde_json::from_slice(bytes).map_err(|_| Unfit)?);
        // Core 5.3.2: "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the ID
        // Token; if they do not match, the UserInfo Response values MUST NOT be used."
        if claims.text("sub") == Some(sub) { Ok(claims) } else { Err(Unfit) }
    }

    /// The one value of the claim `name`: a text, a whole number, or a list of one of them.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let of = |value: &Value| match value {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => number.as_i64().map(|number| number.to_string()),
            _ => None,
        };
        let text = match self.0.get(name)? {
            Value::Array(all) => match all.as_slice() {
                [only] => of(only),
                _ => None,
            },
            other => of(other),
        }?;
        let fits = !text.is_empty() && text.len() <= VALUE_BYTES_MAX && !text.chars().any(char::is_control);
        fits.then_some(text)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The middle one of a JWT's three parts (RFC 7519 section 3).
    fn of_payload(token: &str) -> Result<Self, Unfit> {
        if token.len() > BYTES_MAX {
            return Err(Unfit);
        }
        let mut parts = token.split('.');
        let (Some(_head), Some(payload), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unfit);
        };
        let bytes = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Unfit)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| Unfit)
    }
}

/// What goes with the browser in place of the verifier (RFC 7636 section 4.2, `S256`).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://ent.exemple.fr/",
        client_id: "preau",
        nonce: "n",
        now: Moment::from_unix_seconds(1_000_000),
    };

    fn token(claims: &Value) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    /// Good claims with `changes` over them; `null` takes one away.
    fn with(changes: &Value) -> Value {
        let mut claims = json!({
            "iss": "https://ent.exemple.fr/", "aud": "preau", "exp": 1_000_060, "nonce": "n", "sub": "42"
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    #[test]
    fn an_id_token_of_this_sign_in_is_read() {
        for changes in [
            json!({}),
            json!({"aud": ["preau"]}),
            json!({"aud": ["autre", "preau"], "azp": "preau"}),
            json!({"exp": 1_000_000 - 60}),
        ] {
            let claims = Claims::of_id_token(&token(&with(&changes)), EXPECTED).unwrap();
            assert_eq!(claims.value("sub").as_deref(), Some("42"), "{changes}");
        }
    }

    #[test]
    fn an_id_token_of_another_issuer_client_time_or_sign_in_is_refused() {
        for changes in [
            json!({"iss": "https://ent.exemple.fr"}),
            json!({"iss": null}),
            json!({"aud": "autre"}),
            json!({"aud": ["autre"]}),
            json!({"aud": ["autre", "preau"]}),
            json!({"aud": null}),
            json!({"azp": "autre"}),
            json!({"exp": 1_000_000 - 121}),
            json!({"exp": "1000060"}),
            json!({"exp": null}),
            json!({"nonce": "m"}),
            json!({"nonce": null}),
        ] {
            assert!(Claims::of_id_token(&token(&with(&changes)), EXPECTED).is_err(), "{changes}");
        }
        for text in ["", ".", "a.b", "a.b.c.d", "e30.e30=.x", "e30.W10.x"] {
            assert!(Claims::of_id_token(text, EXPECTED).is_err(), "{text}");
        }
    }

    #[test]
    fn userinfo_about_somebody_else_is_not_used() {
        let bytes =
            json!({"sub": "42", "id": ["E1"], "two": ["a", "b"], "n": 7, "bad": "a\u{1}"}).to_string();
        let claims = Claims::of_userinfo(bytes.as_bytes(), "42").unwrap();
        assert_eq!(claims.value("id").as_deref(), Some("E1"));
        assert_eq!(claims.value("n").as_deref(), Some("7"));
        assert_eq!([claims.value("two"), claims.value("bad"), claims.value("none")], [None, None, None]);
        assert!(Claims::of_userinfo(bytes.as_bytes(), "43").is_err());
        assert!(Claims::of_userinfo(b"[]", "42").is_err());
    }

    #[test]
    fn a_provider_speaks_for_itself_and_over_https() {
        let of = |changes: &Value| {
            let mut provider = json!({
                "issuer": "https://ent.exemple.fr/",
                "authorization_endpoint": "https://ent.exemple.fr/oauth2/authorize",
                "token_endpoint": "https://ent.exemple.fr/oauth2/token",
                "more": {"x": 1}
            });
            for (name, value) in changes.as_object().unwrap() {
                provider[name] = value.clone();
            }
            Provider::read(provider.to_string().as_bytes(), "https://ent.exemple.fr")
        };
        assert!(of(&json!({})).is_ok());
        assert!(of(&json!({"issuer": "https://pirate.example/"})).is_err());
        assert!(of(&json!({"token_endpoint": "http://ent.exemple.fr/oauth2/token"})).is_err());
        assert!(of(&json!({"userinfo_endpoint": "https://ent.exemple.fr/ user"})).is_err());
        assert!(of(&json!({"authorization_endpoint": null})).is_err());
    }

    #[test]
    fn the_challenge_is_that_of_the_specification() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
