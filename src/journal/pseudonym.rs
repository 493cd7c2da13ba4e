//! Names for people in the decision record: the same within a day, worthless the day after.
//!
//! A pseudonym is the first 8 bytes of BLAKE3 keyed with the day's random key. Days are those of UTC, so that none is 23
//! or 25 hours long; a French school day never crosses their border. The key of a day is overwritten when the next
//! begins, and with it the only way from a person to their decisions.
//!
//! The key file lets a restart keep the day's names:
//!
//! ```text
//!  0  8  day, whole days since 1970-01-01 UTC, signed little-endian
//!  8 32  key
//! 40  8  XXH3-64 over the 40 bytes before, little-endian
//! ```

use std::{
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    model::{Mac, Moment, Subject},
    system::files,
};

/// A decision made just before midnight may ask for its name just after: it gets one of the day that began.
const MIDNIGHT_GRACE: Duration = Duration::from_secs(60);

const KEY_FILE_BYTES: usize = 48;

/// A person's or machine's name in the decision record: the same within a day, unlinkable without that day's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pseudonym(pub [u8; 8]);

/// The whole days since 1970-01-01 UTC that had passed at `at`.
pub(super) fn day_of(at: Moment) -> i64 {
    at.unix_seconds().div_euclid(86_400)
}

/// The key of the day and the file that remembers it.
#[derive(Debug)]
pub(super) struct DayKeys {
    path: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    key: DayKey,
    /// Whether the file holds this key.
    saved: bool,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("saved", &self.saved).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct DayKey {
    day: i64,
    key: [u8; 32],
}

impl DayKeys {
    /// The keys remembered at `path`; a fresh one where the file is missing, damaged or of another day.
    ///
    /// # Errors
    /// When the system has no randomness or the file cannot be read.
    pub(super) fn open(path: PathBuf, now: Moment) -> anyhow::Result<Self> {
        let remembered = match fs::read(&path) {
            Ok(bytes) => DayKey::from_bytes(&bytes).filter(|key| key.serves(now)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        let held = match remembered {
            Some(key) => Held { key, saved: true },
            None => {
                let key = DayKey::random(day_of(now)).context("cannot make the journal's day key")?;
                Held { key, saved: false }
            }
        };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// The name of `subject`, or of the machine where nobody is known, on the day of `at`.
    pub(super) fn pseudonym(&self, subject: &Subject, machine: Option<Mac>, at: Moment) -> Pseudonym {
        let mut hasher = blake3::Hasher::new_keyed(&self.key(at));
        match (subject, machine) {
            (Subject::Person(account), _) => hasher.update(b"p").update(account.id.as_str().as_bytes()),
            (Subject::Device(device), _) => hasher.update(b"m").update(&device.mac.bytes()),
            (Subject::Nobody, Some(machine)) => hasher.update(b"m").update(&machine.bytes()),
            (Subject::Nobody, None) => hasher.update(b"n"),
        };
        let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
        Pseudonym([a, b, c, d, e, f, g, h])
    }

    /// Writes a key that the file does not hold yet; the writer does this before any record made with it.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(key) = self.unsaved() else { return Ok(()) };
        files::replace(&self.path, &key.to_bytes())?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.saved = held.key.key == key.key;
        Ok(())
    }

    /// Whether the file holds the key: then [`Self::save`] has nothing to write.
    pub(super) fn are_saved(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).saved
    }

    fn unsaved(&self) -> Option<DayKey> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        (!held.saved).then_some(held.key)
    }

    fn key(&self, at: Moment) -> [u8; 32] {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Without randomness the old key stays for another moment; it is asked for again at the next decision.
        if !held.key.serves(at)
            && let Ok(key) = DayKey::random(day_of(at))
        {
            *held = Held { key, saved: false };
        }
        held.key.key
    }
}

impl DayKey {
    fn random(day: i64) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { day, key })
    }

    fn serves(&self, at: Moment) -> bool {
        self.day == day_of(at) || self.day == day_of(at + MIDNIGHT_GRACE)
    }

    fn to_bytes(self) -> [u8; KEY_FILE_BYTES] {
        let mut bytes = [0; KEY_FILE_BYTES];
        bytes[..8].copy_from_slice(&self.day.to_le_bytes());
        bytes[8..40].copy_from_slice(&self.key);
        let sum = xxhash_rust::xxh3::xxh3_64(&bytes[..40]);
        bytes[40..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KEY_FILE_BYTES] = bytes.try_into().ok()?;
        let (day, rest) = bytes.split_first_chunk()?;
        let (key, sum) = rest.split_first_chunk()?;
        let whole = xxhash_rust::xxh3::xxh3_64(&bytes[..40]).to_le_bytes() == *sum;
        whole.then_some(Self { day: i64::from_le_bytes(*day), key: *key })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Account, AccountId, Role};

    const NOON: Moment = Moment::from_unix_seconds(20_000 * 86_400 + 43_200);

    fn person(id: &str) -> Subject {
        Subject::Person(Arc::new(Account {
            id: AccountId::new(id),
            display_name: String::new(),
            role: Role::Eleve,
            classes: Vec::new(),
        }))
    }

    fn keys() -> (tempfile::TempDir, DayKeys) {
        let dir = tempfile::tempdir().unwrap();
        let keys = DayKeys::open(dir.path().join("day-key"), NOON).unwrap();
        (dir, keys)
    }

    #[test]
    fn a_person_has_one_name_a_day_and_another_the_day_after() {
        let (_dir, keys) = keys();
        let camille = keys.pseudonym(&person("camille"), None, NOON);
        assert_eq!(keys.pseudonym(&person("camille"), Some(Mac::new([2; 6])), NOON), camille);
        assert_ne!(keys.pseudonym(&person("alix"), None, NOON), camille);
        let next_day = NOON + Duration::from_secs(86_400);
        assert_ne!(keys.pseudonym(&person("camille"), None, next_day), camille);
    }

    #[test]
    fn a_restart_keeps_the_names_of_the_day_and_forgets_those_of_the_day_before() {
        let (dir, keys) = keys();
        let path = dir.path().join("day-key");
        let name = keys.pseudonym(&person("camille"), None, NOON);
        keys.save().unwrap();
        let file = fs::read(&path).unwrap();
        let reopened = DayKeys::open(path.clone(), NOON).unwrap();
        assert_eq!(reopened.pseudonym(&person("camille"), None, NOON), name);
        let next_day = NOON + Duration::from_secs(86_400);
        let later = DayKeys::open(path.clone(), next_day).unwrap();
        assert_ne!(later.pseudonym(&person("camille"), None, next_day), name);
        later.save().unwrap();
        let replaced = fs::read(&path).unwrap();
        assert_ne!(replaced[8..40], file[8..40]);
        assert_eq!(replaced.len(), KEY_FILE_BYTES);
    }

    #[test]
    fn a_damaged_key_file_gives_a_fresh_key() {
        let (dir, keys) = keys();
        keys.save().unwrap();
        let path = dir.path().join("day-key");
        let mut bytes = fs::read(&path).unwrap();
        let name = keys.pseudonym(&person("camille"), None, NOON);
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        let fresh = DayKeys::open(path, NOON).unwrap();
        assert_ne!(fresh.pseudonym(&person("camille"), None, NOON), name);
    }

    #[test]
    fn a_decision_from_just_before_midnight_does_not_bring_the_old_day_back() {
        let (_dir, keys) = keys();
        let midnight = Moment::from_unix_seconds(20_001 * 86_400);
        let name = keys.pseudonym(&person("camille"), None, midnight);
        assert_eq!(keys.pseudonym(&person("camille"), None, midnight - Duration::from_millis(1)), name);
        assert_eq!(keys.pseudonym(&person("camille"), None, midnight), name);
    }
}
