//! Passwords: what one must be, and argon2id (RFC 9106) away from the threads that wait for nothing.

use std::sync::Arc;

use anyhow::Context as _;
use argon2::{Argon2, PasswordVerifier as _, password_hash::phc::PasswordHash};
use preau::identity::hash_password;
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The fewest characters of a password.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;

/// The longest password that is looked at, in bytes; anything longer costs hashing time for nothing.
const PASSWORD_BYTES_MAX: usize = 1000;

/// Of the same parameters as a hash; nobody knows a password for it. Verified where a login is not known, which is then not
/// told by the time it takes.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cHLDqWF1LWRlY295MTIzNA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes at once: each takes 19 MiB and tens of milliseconds.
const HASHES_MAX: usize = 2;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// Under twelve characters, or beyond every use.
    Length,
    /// It is made of the login or the name, or of one character.
    Guessable,
    /// The two are not the same.
    Different,
}

/// Hashes and verifies, a few at a time.
#[derive(Clone, Debug)]
pub(super) struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HASHES_MAX)))
    }
}

impl Passwords {
    pub(super) async fn hash(&self, password: &str) -> anyhow::Result<String> {
        let place = Arc::clone(&self.0).acquire_owned().await?;
        let password = password.to_owned();
        spawn_blocking(move || {
            let _place = place;
            hash_password(&password)
        })
        .await?
    }

    /// Whether `password` is the one of `hash`; with no hash it takes as long and is not.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>) -> anyhow::Result<bool> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let place = Arc::clone(&self.0).acquire_owned().await?;
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(DECOY).to_owned();
        spawn_blocking(move || {
            let _place = place;
            let hash = PasswordHash::new(&hash).ok().context("a password's hash is malformed")?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known)
        })
        .await?
    }
}

/// Whether `password`, typed twice, may be that of the person with `login` and `name`.
pub(super) fn acceptable(
    password: &str,
    again: &str,
    login: &str,
    name: &str,
) -> Result<(), PasswordRefusal> {
    if password.chars().count() < PASSWORD_CHARACTERS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordRefusal::Length);
    }
    let mut rest = password.to_lowercase();
    for known in
        [login, name].into_iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()))
    {
        if known.chars().count() > 2 {
            rest = rest.replace(&known.to_lowercase(), "");
        }
    }
    let mut different: Vec<char> = rest.chars().collect();
    different.sort_unstable();
    different.dedup();
    if rest.chars().count() < PASSWORD_CHARACTERS_MIN / 2 || different.len() < 4 {
        return Err(PasswordRefusal::Guessable);
    }
    if password == again { Ok(()) } else { Err(PasswordRefusal::Different) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_the_login() {
        let check = |password: &str, expected| {
            let told = acceptable(password, password, "camille.martin", "Camille Martin");
            assert_eq!(told, expected, "{password}");
        };
        check("cheval pile agrafe", Ok(()));
        check("éééàààùùùçôïë", Ok(()));
        check("court", Err(PasswordRefusal::Length));
        check("aaaaaaaaaaaaaaaa", Err(PasswordRefusal::Guessable));
        check("camille.martin1", Err(PasswordRefusal::Guessable));
        check("Martin-camille-martin", Err(PasswordRefusal::Guessable));
        check(&"pile agrafe ".repeat(100), Err(PasswordRefusal::Length));
        let told = acceptable("cheval pile agrafe", "cheval pile agrafes", "c", "C");
        assert_eq!(told, Err(PasswordRefusal::Different));
    }

    #[tokio::test]
    async fn an_unknown_login_has_no_password() {
        let passwords = Passwords::default();
        let hash = passwords.hash("cheval pile agrafe").await.unwrap();
        assert!(passwords.verify("cheval pile agrafe", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("cheval pile agrafes", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("cheval pile agrafe", None).await.unwrap());
    }
}
