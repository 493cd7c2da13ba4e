//! Deliveries as central seals them, and what a box makes of them.

use std::sync::Mutex;

use aws_lc_rs::agreement::{PrivateKey, X25519};

use super::*;
use crate::protocol::delivery::{Header, Line, write};

struct School {
    dir: tempfile::TempDir,
    key: [u8; 32],
    staged: Arc<Mutex<Vec<u64>>>,
}

impl School {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(in_force::central_dir(dir.path())).unwrap();
        Self { dir, key: [7; 32], staged: Arc::default() }
    }

    fn accounts(&self) -> Accounts {
        let staged = Arc::clone(&self.staged);
        let stage: Stage = Arc::new(move |delivery| {
            staged.lock().unwrap().push(delivery.header.sequence);
            Ok(())
        });
        Accounts::with_key(self.dir.path(), &uai("0809999Z"), self.key, stage).unwrap()
    }

    fn staged(&self) -> Vec<u64> {
        self.staged.lock().unwrap().clone()
    }
}

fn uai(text: &str) -> Uai {
    Uai::new(text).unwrap()
}

/// A delivery sealed to the key of `School`, as the one of `school`.
fn sealed(school: &str, sequence: u64, base: Option<u64>) -> Vec<u8> {
    let key = PrivateKey::from_private_key(&X25519, &[7; 32]).unwrap();
    let public: [u8; 32] = key.compute_public_key().unwrap().as_ref().try_into().unwrap();
    let header = Header {
        version: delivery::VERSION,
        school: school.to_owned(),
        sequence,
        base,
        format: "aaf".to_owned(),
        made: None,
        from: None,
        released: false,
    };
    let line = Line::Leaves("P1".to_owned()).text().unwrap();
    let text = write(&header, [line.as_str()]).unwrap();
    sealing::seal(&text, &uai("0809999Z"), sequence, &public).unwrap()
}

fn named(sequence: u64, complete: bool) -> index::Delivery {
    let (target, sealed_to) = (String::new(), String::new());
    index::Delivery { target, sequence, complete, from: None, sealed_to }
}

#[tokio::test]
async fn a_complete_delivery_and_the_change_to_it_are_laid_before_the_register_once() {
    let school = School::new();
    let mut accounts = school.accounts();
    accounts.lay(sealed("0809999Z", 3, None), &named(3, true)).await.unwrap();
    accounts.lay(sealed("0809999Z", 5, Some(3)), &named(5, false)).await.unwrap();
    assert_eq!(school.staged(), [3, 5]);
    let again = school.accounts();
    assert_eq!((again.received.sequence, again.in_force().borrow().number), (5, 5));
    assert_eq!(again.received.origins["annuaire"], 5);
}

#[tokio::test]
async fn a_gap_needs_a_complete_delivery() {
    let school = School::new();
    let mut accounts = school.accounts();
    accounts.lay(sealed("0809999Z", 3, None), &named(3, true)).await.unwrap();
    let refused = accounts.lay(sealed("0809999Z", 5, Some(4)), &named(5, false)).await.unwrap_err();
    assert_eq!(refused.why, Why::Missing);
    accounts.lay(sealed("0809999Z", 6, None), &named(6, true)).await.unwrap();
    assert_eq!(school.staged(), [3, 6]);
}

#[tokio::test]
async fn another_schools_a_damaged_and_a_relabelled_delivery_change_nothing() {
    let school = School::new();
    let mut accounts = school.accounts();
    let other = accounts.lay(sealed("0800001A", 3, None), &named(3, true)).await.unwrap_err();
    assert_eq!(other.why, Why::NotForUs);
    let mut damaged = sealed("0809999Z", 3, None);
    damaged[40] ^= 1;
    assert_eq!(accounts.lay(damaged, &named(3, true)).await.unwrap_err().why, Why::Unreadable);
    let replayed = accounts.lay(sealed("0809999Z", 3, None), &named(4, true)).await.unwrap_err();
    assert_eq!(replayed.why, Why::Unreadable);
    let mixed = accounts.lay(sealed("0809999Z", 3, None), &named(3, false)).await.unwrap_err();
    assert_eq!(mixed.why, Why::Mixed);
    accounts.key = [8; 32];
    let wrong = accounts.lay(sealed("0809999Z", 3, None), &named(3, true)).await.unwrap_err();
    assert_eq!(wrong.why, Why::Unreadable);
    assert_eq!((school.staged(), school.accounts().received), (vec![], Received::default()));
}

#[test]
fn an_index_that_goes_back_or_is_out_of_order_is_refused() {
    let school = School::new();
    let mut accounts = school.accounts();
    accounts.received.sequence = 5;
    let index = |sequences: &[u64]| index::Accounts {
        version: index::VERSION,
        school: "0809999Z".to_owned(),
        deliveries: sequences.iter().map(|sequence| named(*sequence, true)).collect(),
    };
    assert_eq!(accounts.in_order(&index(&[3, 4])).unwrap_err().why, Why::Rollback);
    assert_eq!(accounts.in_order(&index(&[6, 5])).unwrap_err().why, Why::Unreadable);
    assert_eq!(accounts.in_order(&index(&[3, 5, 9])), Ok(()));
    assert_eq!(accounts.in_order(&index(&[])), Ok(()));
}
