//! Passwords: argon2id (RFC 9106), written as PHC strings.

use anyhow::{Context as _, anyhow};
use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, PasswordHasher as _, Version, password_hash::phc::Output,
};

/// The longest password that is looked at, in bytes; anything longer costs hashing time for nothing.
pub(super) const PASSWORD_BYTES_MAX: usize = 1000;

/// The dearest parameters a directory may ask for: memory in KiB, passes, lanes. Two run at a time.
const MEMORY_KIB_MAX: u32 = 65_536;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 4;

/// Of the parameters that [`hash_password`] takes; nobody knows a password for it.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cHLDqWF1LWRlY295MTIzNA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The memory in which a password is verified, as large as the dearest one so far needed. It goes from one sign-in to
/// the next: given back to the allocator, on a different thread each time, it would stay with the process many times over.
#[derive(Default)]
pub(super) struct Scratch(Vec<Block>);

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

/// A password's hash as the directory gives it, checked to be one this box can verify.
#[derive(Clone)]
pub(super) struct Verifier(PasswordHash);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// A verifier of nobody's, as dear as those of [`hash_password`].
    pub(super) fn decoy() -> Self {
        Self::parse(DECOY).expect("a test reads this very constant")
    }

    /// The verifier written as the PHC string `text`, or what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let hash = PasswordHash::new(text).map_err(|_| "no PHC string such as `$argon2id$v=19$m=…`")?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err("not hashed with argon2id");
        }
        if hash.version != Some(Version::V0x13.into()) {
            return Err("not of argon2 version 19 (`v=19`)");
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err("a PHC string without its salt or its hash");
        }
        let params = Params::try_from(&hash).map_err(|_| "a PHC string with impossible parameters")?;
        if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX {
            return Err("too dear to verify (at most m=65536, t=16, p=4)");
        }
        Ok(Self(hash))
    }

    /// Whether `password` is the one. Takes tens of milliseconds and megabytes: never on an asynchronous thread.
    pub(super) fn accepts(&self, password: &str, scratch: &mut Scratch) -> bool {
        let Self(hash) = self;
        let (Some(salt), Some(expected), Ok(params)) = (&hash.salt, &hash.hash, Params::try_from(hash))
        else {
            return false;
        };
        if scratch.0.len() < params.block_count() {
            scratch.0.resize(params.block_count(), Block::new());
        }
        let mut computed = vec![0; expected.as_ref().len()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hashed = argon2.hash_password_into_with_memory(
            password.as_bytes(),
            salt.as_ref(),
            &mut computed,
            scratch.0.as_mut_slice(),
        );
        // Outputs are compared in constant time.
        hashed.is_ok() && Output::new(&computed).is_ok_and(|computed| computed == *expected)
    }
}

/// Hashes `password` for the accounts file: argon2id with 19 MiB, two passes, one lane, and a random salt.
///
/// # Errors
/// When the password is empty or longer than 1,000 bytes, or the system has no randomness.
pub fn hash_password(password: &str) -> anyhow::Result<String> {
    if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
        return Err(anyhow!("a password has 1 to {PASSWORD_BYTES_MAX} bytes"));
    }
    let params = Params::new(19_456, 2, 1, None).map_err(|cause| anyhow!("{cause}"))?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map_err(|cause| anyhow!("{cause}"))
        .context("cannot hash the password")?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashed_password_is_accepted_and_no_other() {
        let text = hash_password("cerise-42").unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let verifier = Verifier::parse(&text).unwrap();
        let mut scratch = Scratch::default();
        for _ in 0..2 {
            assert!(verifier.accepts("cerise-42", &mut scratch));
            assert!(!verifier.accepts("cerise-43", &mut scratch));
        }
        assert_ne!(hash_password("cerise-42").unwrap(), text);
    }

    #[test]
    fn the_decoy_is_as_dear_as_a_password_and_accepts_none() {
        assert!(!Verifier::decoy().accepts("", &mut Scratch::default()));
        let parameters = |text: &str| text.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(DECOY), parameters(&hash_password("cerise-42").unwrap()));
    }

    #[test]
    fn an_empty_or_endless_password_is_not_hashed() {
        assert!(hash_password("").is_err());
        assert!(hash_password(&"a".repeat(1001)).is_err());
    }

    #[test]
    fn only_affordable_argon2id_is_verified() {
        const TAIL: &str = "c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (head, ok) in [
            ("$argon2id$v=19$m=64,t=1,p=1$", true),
            ("$argon2i$v=19$m=64,t=1,p=1$", false),
            ("$argon2d$v=19$m=64,t=1,p=1$", false),
            ("$argon2id$v=16$m=64,t=1,p=1$", false),
            ("$argon2id$m=64,t=1,p=1$", false),
            ("$argon2id$v=19$m=65537,t=1,p=1$", false),
            ("$argon2id$v=19$m=64,t=17,p=1$", false),
            ("$argon2id$v=19$m=64,t=1,p=5$", false),
            ("$argon2id$v=19$m=1,t=1,p=1$", false),
            ("$scrypt$ln=16,r=8,p=1$", false),
            ("", false),
        ] {
            assert_eq!(Verifier::parse(&format!("{head}{TAIL}")).is_ok(), ok, "{head}");
        }
        for text in ["", "motdepasse", "$argon2id$v=19$m=64,t=1,p=1", "$2y$10$abcdefghijklmnopqrstuv"] {
            assert!(Verifier::parse(text).is_err(), "{text}");
        }
    }
}
