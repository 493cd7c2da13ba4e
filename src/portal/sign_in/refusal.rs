//! A refused sign-in as people read it. An unknown login and a wrong password read alike.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::{
    identity::SignInRefusal,
    portal::{
        asked::Asked,
        language::Language,
        page::Link,
        secure::{Secure, home_path},
        wanted::Wanted,
    },
};

/// After how many seconds the sign-in page comes back by itself when too many came at once.
const BUSY_SECONDS: u64 = 5;

/// What browsers understand as "go there after so many seconds"; of no standard, and of every browser.
const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// A refused sign-in as status, text, and seconds to wait.
#[derive(Debug)]
pub(in crate::portal) struct Told {
    pub(in crate::portal) status: StatusCode,
    pub(in crate::portal) text: String,
    pub(in crate::portal) retry_seconds: Option<u64>,
}

impl Told {
    pub(in crate::portal) fn of(language: Language, refusal: &SignInRefusal) -> Self {
        let (words, texts) = (language.words(), language.sign_in_words());
        let fixed = |text| (StatusCode::FORBIDDEN, String::from(text), None);
        let unready = |text, retry| (StatusCode::SERVICE_UNAVAILABLE, String::from(text), retry);
        let (status, text, retry_seconds) = match refusal {
            SignInRefusal::WrongCredentials => fixed(words.wrong_credentials),
            SignInRefusal::WrongCode => fixed(texts.wrong_code),
            SignInRefusal::AtTheEnt => fixed(texts.at_the_ent),
            SignInRefusal::NotOfThisSchool => fixed(texts.not_of_this_school),
            SignInRefusal::NothingToResume => fixed(texts.nothing_to_resume),
            SignInRefusal::TooManyTries { wait } => {
                let text = language.too_many_tries(*wait);
                (StatusCode::TOO_MANY_REQUESTS, text, Some(wait.as_secs().max(1)))
            }
            // The kernel may know the machine a moment later; the person tries again.
            SignInRefusal::Busy | SignInRefusal::MachineUnknown => unready(words.busy, Some(BUSY_SECONDS)),
            SignInRefusal::NotWritten => unready(words.sign_in_not_recorded, None),
        };
        Self { status, text, retry_seconds }
    }

    /// `page`, with the seconds after which to try again where they are known.
    pub(in crate::portal) fn retried(mut page: Response, seconds: Option<u64>) -> Response {
        if let Some(seconds) = seconds {
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        page
    }
}

impl Secure {
    /// A page that says that too many sign in at once and leads back to the form by itself. It keeps no password, so it
    /// cannot try again by itself.
    pub(in crate::portal) fn busy(&self, asked: &Asked, wanted: Option<&Wanted>) -> Response {
        let texts = asked.language.sign_in_words();
        let url = home_path(wanted);
        let refresh = format!("{BUSY_SECONDS}; url={url}");
        let link = Some(Link { url, text: texts.back_to_sign_in });
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut page = self.notice(asked, status, texts.busy, texts.busy_text, link);
        let refresh = HeaderValue::try_from(refresh).expect("a path of the portal's own is visible ASCII");
        page.headers_mut().insert(REFRESH, refresh);
        Told::retried(page, Some(BUSY_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refused_sign_in_says_when_to_try_again() {
        let wait = Duration::from_secs(120);
        let Told { status, text, retry_seconds } =
            Told::of(Language::French, &SignInRefusal::TooManyTries { wait });
        assert_eq!(
            (status.as_u16(), text.as_str(), retry_seconds),
            (429, "Trop d’essais. Réessayez dans 2 min.", Some(120))
        );
        let told = Told::of(Language::French, &SignInRefusal::WrongCredentials);
        assert_eq!((told.status.as_u16(), told.retry_seconds), (403, None));
    }
}
