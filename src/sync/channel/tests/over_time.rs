//! The channel over the years: keys that change, clocks that are wrong, repositories that stand still, disks that decay.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    machine::{Machine, told, why},
    repository::{NOW, RULES, Repository, key},
};
use crate::{
    model::Moment,
    protocol::names::Role,
    sync::{
        channel::{Channel, Refreshed},
        in_force,
    },
    system::ratchet::Doubt,
};

const DAY: i64 = 24 * 3600;

/// A repository of policy 1, a box that has it in force, and its channel.
async fn in_force() -> (Repository, Machine, Channel) {
    let repository = Repository::with_policy();
    let machine = Machine::enrolled(&repository);
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    (repository, machine, channel)
}

#[tokio::test]
async fn a_change_is_taken_once_and_the_policy_before_is_kept_beside_it() {
    let (mut repository, machine, mut channel) = in_force().await;
    let told_of = channel.in_force();
    assert_eq!((told_of.borrow().view, told_of.borrow().policy), (1, 1));
    assert_eq!(channel.refresh(Some(1)).await, Refreshed::Unchanged);
    for number in 2..5 {
        repository.policy(number, &format!("{RULES}# {number}\n"));
        let view = repository.publish();
        assert_eq!(channel.refresh(Some(view)).await, Refreshed::Taken);
        assert_eq!((told_of.borrow().view, told_of.borrow().policy), (view, number));
        assert_eq!(machine.rules(), format!("{RULES}# {number}\n"));
    }
    let mut kept: Vec<String> = names_in(&in_force::central_dir(machine.state()).join("policy"));
    kept.sort();
    assert_eq!(kept, ["3", "4", "current", "keys"]);
    assert_eq!(machine.start().in_force().borrow().policy, 4);
}

#[tokio::test]
async fn a_newer_view_that_central_told_of_and_nobody_shows_is_a_freeze() {
    let (mut repository, machine, mut channel) = in_force().await;
    assert_eq!(why(&channel.refresh(Some(2)).await), "frozen");
    assert_eq!(told(&channel.in_force().borrow()), Some(("view".to_owned(), 2, "frozen".to_owned())));
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(channel.refresh(Some(2)).await, Refreshed::Taken);
    assert_eq!((machine.number(), told(&channel.in_force().borrow())), (Some(2), None));
}

#[tokio::test]
async fn what_lags_behind_is_taken_as_far_as_it_goes_and_still_called_frozen() {
    let (mut repository, machine, mut channel) = in_force().await;
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(why(&channel.refresh(Some(7)).await), "frozen");
    assert_eq!(machine.number(), Some(2));
}

#[tokio::test]
async fn a_school_without_a_policy_takes_its_view_and_is_told_of_no_fault() {
    let mut repository = Repository::with_policy();
    let name = format!("schools/{}/policy.json", repository.school);
    repository.targets.get_mut("policy").unwrap().remove(&name).unwrap();
    repository.renew("policy");
    let view = repository.publish();
    let machine = Machine::enrolled(&repository);
    let mut channel = machine.start();
    assert_eq!(channel.refresh(Some(view)).await, Refreshed::Taken);
    assert_eq!((machine.number(), channel.in_force().borrow().view), (None, view));
    assert_eq!(told(&channel.in_force().borrow()), None);
    assert_eq!(channel.refresh(Some(view)).await, Refreshed::Unchanged);
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(2));
    // Whoever was given one has one.
    repository.targets.get_mut("policy").unwrap().remove(&name).unwrap();
    repository.renew("policy");
    repository.publish();
    assert_eq!(why(&channel.refresh(None).await), "not-for-us");
    assert_eq!(machine.number(), Some(2));
}

#[tokio::test]
async fn another_content_under_the_same_number_is_judged_before_it_takes_the_place() {
    let (mut repository, machine, mut channel) = in_force().await;
    repository.policy(1, &format!("{RULES}# encore\n"));
    repository.publish();
    machine.refuses.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(why(&channel.refresh(None).await), "rules");
    assert_eq!(machine.rules(), RULES);
    machine.refuses.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.rules(), format!("{RULES}# encore\n"));
}

#[tokio::test]
async fn the_judge_keeps_what_he_refuses_out_and_is_asked_again() {
    let (mut repository, machine, mut channel) = in_force().await;
    machine.refuses.store(true, std::sync::atomic::Ordering::SeqCst);
    repository.policy(2, &format!("{RULES}# 2\n"));
    repository.publish();
    for _ in 0..2 {
        let refreshed = channel.refresh(None).await;
        assert_eq!(why(&refreshed), "rules", "{refreshed:?}");
        assert_eq!((machine.number(), machine.rules()), (Some(1), RULES.to_owned()));
    }
    assert_eq!(told(&channel.in_force().borrow()), Some(("policy".to_owned(), 2, "rules".to_owned())));
    machine.refuses.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(2));
}

#[tokio::test]
async fn the_root_is_followed_through_several_changes_of_all_keys() {
    let (mut repository, machine, mut channel) = in_force().await;
    for _ in 0..3 {
        repository.rotate(&["root", "timestamp", "snapshot", "targets", "policy"]);
    }
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    // Who starts at the last root must not need the ones before.
    for version in 1..4 {
        fs::remove_file(repository.metadata(&format!("{version}.root.json"))).unwrap();
    }
    repository.policy(3, RULES);
    repository.publish();
    assert_eq!(machine.start().refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(3));
}

#[tokio::test]
async fn a_key_that_went_opens_nothing_again_also_where_the_newer_root_is_held_back() {
    let (mut repository, machine, mut channel) = in_force().await;
    let stolen = repository.keys.remove("timestamp").unwrap();
    repository.keys.insert("timestamp".to_owned(), vec![key()]);
    repository.sign_root(&[]);
    // The view is not signed by the new key yet: the box learns of the root and takes nothing.
    assert_eq!(why(&channel.refresh(None).await), "signature");
    fs::remove_file(repository.metadata("2.root.json")).unwrap();
    repository.keys.insert("timestamp".to_owned(), stolen);
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(why(&machine.start().refresh(None).await), "signature");
    assert_eq!(machine.number(), Some(1));
}

#[tokio::test]
async fn versions_driven_to_the_end_by_a_stolen_key_are_forgotten_when_the_key_is_changed() {
    let (mut repository, machine, mut channel) = in_force().await;
    let honest = repository.versions.clone();
    for role in ["timestamp", "snapshot"] {
        repository.versions.insert(role.to_owned(), u64::MAX - 1);
    }
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    repository.versions = honest;
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(why(&channel.refresh(None).await), "rollback");
    repository.rotate(&["timestamp", "snapshot"]);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(2));
}

#[tokio::test]
async fn a_policy_number_driven_to_the_end_is_forgotten_when_the_key_of_the_policy_is_changed() {
    let (mut repository, machine, mut channel) = in_force().await;
    repository.policy(u64::MAX, RULES);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(why(&channel.refresh(None).await), "rollback");
    repository.rotate(&["policy"]);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(2));
    repository.policy(1, RULES);
    repository.publish();
    assert_eq!(why(&channel.refresh(None).await), "rollback");
}

#[tokio::test]
async fn a_start_in_1970_or_2099_takes_nothing_and_locks_nothing() {
    for (wrong, doubt) in [(0, Doubt::BeforeProgram), (4_070_908_800, Doubt::LongAfterProgram)] {
        let (mut repository, machine, _) = in_force().await;
        repository.policy(2, RULES);
        repository.publish();
        machine.set_clock(wrong);
        machine.clock.set_doubt(Some(doubt));
        let mut channel = machine.start();
        assert_eq!(why(&channel.refresh(None).await), "clock");
        assert_eq!(machine.number(), Some(1));
        machine.set_clock(NOW + 60);
        machine.clock.set_doubt(None);
        assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    }
}

#[tokio::test]
async fn a_clock_wrong_and_not_doubted_refuses_what_expired_by_it_and_is_forgotten_once_right() {
    let (mut repository, machine, mut channel) = in_force().await;
    repository.policy(2, RULES);
    repository.publish();
    machine.set_clock(NOW + 500 * DAY);
    assert_eq!(why(&channel.refresh(None).await), "expired");
    assert_eq!(machine.number(), Some(1));
    machine.set_clock(NOW + 60);
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
}

#[tokio::test]
async fn where_the_clock_is_doubted_central_s_time_counts_unless_the_ratchet_is_against_it() {
    let seen = Moment::from_unix_seconds(NOW);
    for (doubt, said, cause) in [
        (Doubt::BeforeProgram, NOW, ""),
        (Doubt::Behind(seen), NOW + DAY, ""),
        (Doubt::Behind(seen), NOW - DAY, "clock"),
        (Doubt::FarAhead(seen), NOW + 500 * DAY, "clock"),
        (Doubt::LongAfterProgram, 4_070_908_800, "clock"),
        // Believed, and then the signatures have run out.
        (Doubt::BeforeProgram, NOW + 500 * DAY, "expired"),
    ] {
        let repository = Repository::with_policy();
        let machine = Machine::enrolled(&repository);
        machine.set_clock(0);
        machine.clock.set_doubt(Some(doubt));
        let mut channel = machine.start().with_told_time(move || Some(Moment::from_unix_seconds(said)));
        assert_eq!(why(&channel.refresh(None).await), cause, "{doubt:?} {said}");
    }
}

#[tokio::test]
async fn a_byte_that_decays_on_the_box_is_mended_or_refused_and_never_believed() {
    let (mut repository, machine, _) = in_force().await;
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(machine.start().refresh(None).await, Refreshed::Taken);
    let dir = in_force::central_dir(machine.state());
    let sound = files_in(&dir);
    for (path, bytes) in &sound {
        // All bytes would take minutes; over the strides every kind of place is met.
        for at in (0..bytes.len()).step_by(if bytes.len() > 400 { 31 } else { 5 }) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x11;
            fs::write(path, &damaged).unwrap();
            let mut channel = machine.start();
            let refreshed = channel.refresh(None).await;
            let place = format!("{} at {at}: {refreshed:?}", path.display());
            assert!(["", "rollback"].contains(&why(&refreshed)), "{place}");
            if !path.ends_with("policy/current") && !path.ends_with("policy/keys") {
                assert_eq!(why(&refreshed), "", "{place}");
                assert_eq!((machine.number(), machine.rules()), (Some(2), RULES.to_owned()), "{place}");
            }
            drop(channel);
            restore(&dir, &sound);
        }
    }
}

#[test]
fn a_look_broken_off_at_any_moment_leaves_a_whole_policy() {
    let one_disk = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build();
    one_disk.unwrap().block_on(async {
        let (mut repository, machine, _) = in_force().await;
        repository.policy(2, &format!("{RULES}# 2\n"));
        repository.place(Role::Policy, "policy/autre.toml", b"version = 1\n");
        repository.publish();
        let dir = in_force::central_dir(machine.state());
        let before = files_in(&dir);
        for steps in 0..400 {
            let mut channel = machine.start();
            let left = break_off(channel.refresh(None), steps).await;
            drop(channel);
            let number = machine.number().unwrap();
            let rules = if number == 1 { RULES.to_owned() } else { format!("{RULES}# 2\n") };
            assert_eq!(machine.rules(), rules, "after {steps} steps");
            let finished = left.is_none();
            // What was given to the disk is done in the midst of the next look.
            let mut channel = machine.start();
            let mut next = std::pin::pin!(channel.refresh(None));
            let begun = futures_util::poll!(next.as_mut());
            drop(left);
            let refreshed = match begun {
                std::task::Poll::Ready(refreshed) => refreshed,
                std::task::Poll::Pending => next.await,
            };
            assert_eq!(
                (why(&refreshed), machine.number()),
                ("", Some(2)),
                "after {steps} steps: {refreshed:?}"
            );
            assert!(!names_in(&dir).iter().any(|name| name.starts_with("trust.work")), "after {steps} steps");
            if finished {
                assert!(steps > 20, "{steps}");
                return;
            }
            fs::remove_dir_all(&dir).unwrap();
            restore(&dir, &before);
        }
        panic!("it never finished");
    });
}

#[tokio::test]
async fn a_directory_that_takes_nothing_leaves_what_was_in_force() {
    let (mut repository, machine, mut channel) = in_force().await;
    repository.policy(2, RULES);
    repository.publish();
    // Root may write anywhere, so a file stands where a directory has to be.
    let draft = in_force::central_dir(machine.state()).join("policy/draft");
    fs::write(&draft, "").unwrap();
    assert_eq!(why(&channel.refresh(None).await), "disk");
    assert_eq!(machine.number(), Some(1));
    fs::remove_file(&draft).unwrap();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
}

#[tokio::test]
async fn another_channel_can_start_where_one_was_killed_in_the_middle_of_its_work() {
    let (mut repository, machine, _) = in_force().await;
    let dir = in_force::central_dir(machine.state());
    fs::create_dir_all(dir.join("policy/draft")).unwrap();
    fs::write(dir.join("policy/draft/00.toml"), "half").unwrap();
    fs::create_dir_all(dir.join("trust.work")).unwrap();
    fs::write(dir.join("trust.work/timestamp.json"), "{").unwrap();
    fs::create_dir_all(dir.join("policy/2")).unwrap();
    fs::write(dir.join("policy/2/00.toml"), "version = 1\n").unwrap();
    fs::write(dir.join("metadata/2.snapshot.json"), "{").unwrap();
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(machine.start().refresh(None).await, Refreshed::Taken);
    assert_eq!((machine.number(), machine.rules()), (Some(2), RULES.to_owned()));
}

/// What the one disk thread waits for; dropped, it goes on.
type Gate = std::sync::mpsc::Sender<()>;

/// Has the disk wait behind a gate.
fn close_disk() -> Gate {
    let (gate, closed) = std::sync::mpsc::channel();
    drop(tokio::task::spawn_blocking(move || closed.recv()));
    gate
}

/// Lets the future go so many steps, from one wait for the disk to the next, and breaks it off while what it asked of the
/// disk is still to be done behind the gate. None where it finished.
async fn break_off<T>(future: impl Future<Output = T>, steps: usize) -> Option<Gate> {
    let mut future = std::pin::pin!(future);
    for _ in 0..steps {
        let gate = close_disk();
        if futures_util::poll!(future.as_mut()).is_ready() {
            return None;
        }
        drop(gate);
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    let gate = close_disk();
    futures_util::poll!(future.as_mut()).is_pending().then_some(gate)
}

fn names_in(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Everything below a directory.
fn files_in(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn restore(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert!(dir.exists());
}
