//! A central whose database was restored from yesterday's backup: boxes go back to nothing, and it is said how to mend it.

use std::{fs, path::Path, time::Duration};

use preau::sync::in_force;
use preau_central::fleet::policy::Plan;
use tokio::time::sleep;

use crate::{
    boxes::{School, become_box},
    central::{Central, address},
    desk::{Desk, uai},
    until, until_all,
};

/// What `check` says of it.
const SAID: &str = "it was restored from a backup; run `preau-central channel mend`";

#[tokio::test(flavor = "multi_thread")]
async fn boxes_refuse_to_go_back_to_a_restored_database_until_it_is_mended() {
    restored(Repository::AsItWas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boxes_refuse_to_go_back_to_a_database_and_a_repository_that_were_restored_until_they_are_mended() {
    restored(Repository::Restored).await;
}

/// What became of the repository.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repository {
    /// It outlived the database.
    AsItWas,
    /// It was restored with it.
    Restored,
}

async fn restored(repository: Repository) {
    let central = Central::on_files();
    let dir = tempfile::tempdir().unwrap();
    let (early_dir, late_dir) = (dir.path().join("early"), dir.path().join("late"));
    let running = central.start(1);
    let desk = Desk::at(&central).await;
    let tokens = desk.enter(0..2).await;
    become_box(&tokens[0], &early_dir, &[address(1)]).await.unwrap();
    let early = [School::start(&early_dir, &[address(1)])];
    desk.release("un.example", &Plan::at_once()).await;
    until_all("the rules before the backup are in force", &early, |school| school.policy() == 1).await;

    let backup = central.dir.path().join("backup.sqlite");
    central.says(&["backup", backup.to_str().unwrap()]);
    copy(&central.dir.path().join("repository"), &central.dir.path().join("repository-backup"));
    for (site, number) in [("deux.example", 2), ("trois.example", 3)] {
        desk.release(site, &Plan::at_once()).await;
        until_all("rules after the backup are in force", &early, |school| school.policy() == number).await;
    }
    become_box(&tokens[1], &late_dir, &[address(1)]).await.unwrap();
    let late = [School::start(&late_dir, &[address(1)])];
    until("the late box is heard", async || desk.policy_seen(&uai(1)).await == 3).await;

    drop((running, desk));
    restore(central.dir.path(), &backup, repository);
    let _running = central.start(1);
    let desk = Desk::at(&central).await;
    until("it is said how to mend it", async || central.checked().contains(SAID)).await;
    // The next version has the number of one that boxes have, with other rules.
    desk.release("quatre.example", &Plan::at_once()).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(early[0].policy(), 3, "what is in force stays: {}", early[0].state());
    assert!(rules(&early_dir, 3).contains("trois.example"));

    let mended = central.says(&["channel", "mend"]);
    assert!(mended.contains("were set above what was seen"), "{mended}");
    until_all("the rules of now are in force", &early, |school| school.policy() > 3).await;
    assert!(rules(&early_dir, early[0].policy()).contains("quatre.example"));
    until("central knows it", async || desk.policy_seen(&uai(0)).await == early[0].policy()).await;
    assert!(!central.checked().contains(SAID));

    // A box that was enrolled since the backup goes on with the certificate it has, and its school can be given a token.
    until_all("the late box has the rules of now", &late, |school| school.policy() > 3).await;
    drop(late);
    let (token, again_dir) = (desk.token(&uai(1)).await, dir.path().join("again"));
    become_box(&token, &again_dir, &[address(1)]).await.unwrap();
    let again = [School::start(&again_dir, &[address(1)])];
    until_all("the box that was enrolled again has its rules", &again, |school| school.policy() > 3).await;
}

/// As somebody does who has read what `backup` says of it.
fn restore(dir: &Path, backup: &Path, repository: Repository) {
    for name in ["central.sqlite-wal", "central.sqlite-shm"] {
        // They are there only where somebody was killed.
        let _ = fs::remove_file(dir.join(name));
    }
    fs::copy(backup, dir.join("central.sqlite")).unwrap();
    if repository == Repository::Restored {
        fs::remove_dir_all(dir.join("repository")).unwrap();
        fs::rename(dir.join("repository-backup"), dir.join("repository")).unwrap();
    }
}

/// The rules that lie in the box's directory under that number.
fn rules(state_dir: &Path, number: u64) -> String {
    fs::read_to_string(in_force::policy_dir(state_dir, number).join("00.toml")).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
