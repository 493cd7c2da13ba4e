//! A delivery as large as a département's: it takes the disk's room, little of the memory's. Measured in a child of its own.

use std::{
    env, fs,
    process::{Command, Stdio},
};

use super::*;

/// Tells the child how many persons to take; without it the test of the child does nothing.
const PERSONS: &str = "PREAU_TEST_PERSONS";

/// What a hundred thousand persons may cost more than a thousand, in KiB: some 300 bytes each, for the plan and the
/// counting of classes. A person in memory is three times that.
const MORE_KIB_MAX: u64 = 40 * 1024;

#[test]
fn as_a_child_it_takes_many_persons() {
    let Ok(count) = env::var(PERSONS) else { return };
    let count: u64 = count.parse().unwrap();
    let office = Office::new();
    let Delivery { head, here, .. } = Delivery::complete(20);
    let (today, intent) = (office.today, Intent::Keep);
    let handover =
        Handover { head: &head, here: &here, now: moment(), today, due: None, intent, sequence: None };
    let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
        for number in 0..count {
            // Each name occurs many times.
            let mut record = pupil(&format!("N{number}"), &format!("6{}", number % 40));
            record.person.given_name = format!("Prénom{}", number % 997);
            take(Item::Person(Box::new(record)))?;
        }
        Ok(Totals::default())
    };
    let staged = office.register.stage(handover, read, None).unwrap();
    assert!(matches!(staged, Staged::Waiting { .. }));
    assert_eq!(office.apply().feeds.len(), 1);
    assert_eq!(office.register.standing(office.today).unwrap().persons, count);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
}

/// The most memory a child had that took `count` persons, in KiB.
fn peak_kib(count: u64) -> u64 {
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "identity::register::tests::large::as_a_child_it_takes_many_persons",
            "--nocapture",
        ])
        .env(PERSONS, count.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    let (_, peak) = printed.split_once("VmHWM:").unwrap();
    peak.trim().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_hundred_thousand_persons_take_little_more_memory_than_a_thousand() {
    let (few, many) = (peak_kib(1000), peak_kib(100_000));
    assert!(many < few + MORE_KIB_MAX, "{many} KiB beside {few} KiB");
}
