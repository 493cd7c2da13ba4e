//! The process killed in the middle: all of a delivery or nothing. The killed one is this test again, as a child.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::*;

/// Tells the child where to work; without it the test of the child does nothing.
const DIR: &str = "PREAU_TEST_REGISTER";

/// How many persons the killed delivery has.
const PERSONS: usize = 3000;

fn large() -> Delivery {
    let delivery = Delivery::complete(20).refused("R1");
    (0..PERSONS).fold(delivery, |delivery, number| delivery.pupil(&format!("N{number}"), "6A"))
}

/// What the child does: it takes a delivery and lets it take effect, over and over, until it is killed.
#[test]
fn as_a_child_it_stages_and_applies() {
    let Ok(dir) = env::var(DIR) else { return };
    let register = Register::open(Path::new(&dir)).unwrap();
    let today = Office::new().today;
    println!("begun");
    large().stage_in(&register, today, None);
    println!("staged");
    register.apply_due(moment(), today, &|_| false).unwrap();
    println!("applied");
    loop {
        thread::park();
    }
}

/// Runs the child in `dir` and kills it `after` the line `word` came from it.
fn kill(dir: &Path, word: &str, after: Duration) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "identity::register::tests::kills::as_a_child_it_stages_and_applies",
            "--nocapture",
        ])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Open until the child is dead: it must not die of what it prints.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.by_ref().map_while(Result::ok).any(|line| line.ends_with(word)),
        "the child never came to {word}"
    );
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
}

#[test]
fn killed_at_any_moment_a_delivery_is_there_whole_or_not_at_all() {
    let mut seen = [0; 3];
    for (word, step) in [("begun", 37), ("staged", 23)] {
        for millis in (0..6).map(|turn| turn * step) {
            let office = Office::new();
            office.in_force(&Delivery::complete(1).pupil("P1", "6A"));
            kill(office.dir.path(), word, Duration::from_millis(millis));
            // Whoever opens the file next finds it sound.
            let register = Register::open(office.dir.path()).unwrap();
            let standing = register.standing(office.today).unwrap();
            let persons = usize::try_from(standing.persons).unwrap();
            let stage = match (persons, standing.waiting.first()) {
                (1, None) => 0,
                (1, Some(feed)) => {
                    let preview = register.preview(feed.number, office.today).unwrap().unwrap();
                    assert_eq!(usize::try_from(preview.counts.added).unwrap(), PERSONS);
                    assert_eq!(preview.refused, 1);
                    1
                }
                (PERSONS, None) => {
                    assert_eq!(standing.quarantined, 1);
                    assert_eq!(standing.in_trash, 1);
                    2
                }
                other => panic!("half of it: {other:?}"),
            };
            seen[stage] += 1;
        }
    }
    assert!(seen[0] + seen[1] > 0, "never killed in the middle: {seen:?}");
}
