//! A central whose database is gone for a while, or whose disk is full: it goes on with what it knows, confirms nothing, and
//! makes good everything once the trouble is over.

use std::{fs, path::Path, process::Command, time::Duration};

use preau::sync::EnrolError;
use preau_central::{audit, fleet::policy::Plan};
use tokio::time::sleep;

use crate::{
    boxes::{School, become_box},
    central::{Central, address},
    desk::Desk,
    support::postgresql::Server,
    until_all,
};

/// How long the database is gone. Central counts nothing by it that would be otherwise after an hour: schools fall silent
/// only once the database has been back for longer than boxes wait.
const GONE: Duration = Duration::from_secs(20);

/// Boxes of these schools.
const BOXES: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_gone_boxes_come_and_go_and_then_all_is_made_good() {
    let server = Server::start();
    let central = Central::on_folder(server.create_database().await);
    let mut running = central.start(1);
    let desk = Desk::at(&central).await;
    let mut tokens = desk.enter(0..BOXES + 1).await;
    let late = tokens.pop().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut boxes = Vec::new();
    for token in &tokens {
        let state_dir = dir.path().join(&token.school);
        become_box(token, &state_dir, &[address(1)]).await.unwrap();
        boxes.push(School::start(&state_dir, &[address(1)]));
    }
    desk.release("un.example", &Plan::at_once()).await;
    until_all("the first rules are in force", &boxes, |school| school.policy() == 1).await;

    server.stop();
    boxes.iter().for_each(|school| school.pass_on(1));
    // One box starts anew meanwhile: its certificate is known, and so is what it is to have.
    let state_dir = dir.path().join(boxes[0].uai.as_str());
    boxes.remove(0);
    let started = School::start(&state_dir, &[address(1)]);
    started.pass_on(1);
    boxes.push(started);
    let late_dir = dir.path().join(&late.school);
    let refused = become_box(&late, &late_dir, &[address(1)]).await.unwrap_err();
    assert!(matches!(refused, EnrolError::Refused(_)), "{refused:?}");
    sleep(GONE).await;
    assert!(running.runs(), "central ended");
    for school in &boxes {
        assert!(school.state().contains("reached true"), "{}", school.state());
        assert_eq!((school.policy(), school.confirmed()), (1, Vec::new()), "nothing is confirmed");
    }

    server.start_again();
    until_all("what was passed on is confirmed", &boxes, |school| school.confirmed() == [1]).await;
    become_box(&late, &late_dir, &[address(1)]).await.unwrap();
    boxes.push(School::start(&late_dir, &[address(1)]));
    let desk = Desk::at(&central).await;
    desk.release("deux.example", &Plan::at_once()).await;
    until_all("the next rules are in force", &boxes, |school| school.policy() == 2).await;
    audit::verify(&desk.database, &[]).await.unwrap();
}

/// The disk is one of 24 MB in a mount namespace, which this test starts itself again in.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_nothing_is_confirmed_and_then_all_is_made_good() {
    const DIR: &str = "PREAU_TEST_SMALL_DISK";
    const NAME: &str =
        "without_database::while_the_disk_is_full_nothing_is_confirmed_and_then_all_is_made_good";
    if let Some(dir) = std::env::var_os(DIR) {
        return fill_the_disk(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=24m none "$0" && exec "$@""#;
    let done = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", NAME])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "a small disk in a mount namespace: {said}");
}

async fn fill_the_disk(disk: &Path) {
    let central = Central::on_files_in(disk);
    let mut running = central.start(1);
    let desk = Desk::at(&central).await;
    let tokens = desk.enter(0..1).await;
    // The box has a disk of its own.
    let dir = tempfile::tempdir().unwrap();
    become_box(&tokens[0], dir.path(), &[address(1)]).await.unwrap();
    let boxes = [School::start(dir.path(), &[address(1)])];
    desk.release("un.example", &Plan::at_once()).await;
    until_all("the first rules are in force", &boxes, |school| school.policy() == 1).await;

    let filler_path = disk.join("filler");
    fill(&filler_path);
    boxes[0].pass_on(1);
    sleep(Duration::from_secs(10)).await;
    assert!(running.runs(), "central ended");
    assert!(boxes[0].state().contains("reached true"), "{}", boxes[0].state());
    assert!(boxes[0].confirmed().is_empty(), "it was confirmed though it could not be kept");
    fs::remove_file(&filler_path).unwrap();
    until_all("what was passed on is confirmed", &boxes, |school| school.confirmed() == [1]).await;
    desk.release("deux.example", &Plan::at_once()).await;
    until_all("the next rules are in force", &boxes, |school| school.policy() == 2).await;
    audit::verify(&desk.database, &[]).await.unwrap();
    assert!(running.runs());
}

/// Writes zeros until there is no room at all.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).unwrap();
    let zeros = vec![0; 4096];
    while file.write_all(&zeros).is_ok() {}
}
