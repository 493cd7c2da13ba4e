//! Fetching: over HTTP on a connection that is kept, from sticks, and large things on bad lines.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    machine::{Machine, why},
    repository::{NOW, RULES, Repository, copy, hex_digest},
    web::{Manner, Server, client},
};
use crate::{
    protocol::names::Role,
    sync::{
        Returns,
        channel::{Awaited, Refreshed, Targets, Why},
        in_force,
    },
    system::ratchet::Doubt,
};

const LIST: &str = "lists/edition-1.zst";

/// A repository on a web server, with a list of so many bytes, and a box that is enrolled with it.
async fn on_the_web(bytes: usize) -> (Repository, Server, Machine, Vec<u8>) {
    let mut repository = Repository::with_policy();
    let list: Vec<u8> = (0..bytes).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    repository.place(Role::Lists, LIST, &list);
    repository.publish();
    let server = Server::of(repository.dir()).await;
    let mut machine = Machine::enrolled(&repository);
    machine.repositories = vec![server.url.clone()];
    machine.client = Some(client());
    (repository, server, machine, list)
}

/// What the view of a box that has just been started offers.
async fn targets(machine: &Machine) -> Targets {
    let mut channel = machine.start();
    let _ = channel.refresh(None).await;
    channel.targets().borrow().clone().unwrap()
}

/// Where the list lies while it comes.
fn part_path(machine: &Machine, list: &[u8]) -> PathBuf {
    in_force::central_dir(machine.state()).join("parts").join(format!("{}.part", hex_digest(list)))
}

#[tokio::test]
async fn a_change_of_rules_costs_six_requests_on_one_connection_and_a_look_in_vain_two() {
    let (mut repository, server, machine, _) = on_the_web(10).await;
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    server.requests();
    assert_eq!(channel.refresh(None).await, Refreshed::Unchanged);
    assert_eq!(server.requests().len(), 2);
    repository.policy(2, &format!("{RULES}# 2\n"));
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    let requests = server.requests();
    assert_eq!((requests.len(), server.connections()), (6, 1), "{requests:?}");
    assert_eq!(machine.number(), Some(2));
}

#[tokio::test]
async fn a_large_target_that_is_cut_again_and_again_comes_whole_in_the_end() {
    let (_repository, server, machine, list) = on_the_web(3 << 20).await;
    let targets = targets(&machine).await;
    server.requests();
    server.behave(Manner::Cuts(600_000));
    let path = targets.fetch(Role::Lists, LIST).await.unwrap();
    assert!(fs::read(&path).unwrap() == list);
    let requests = server.requests();
    assert_eq!(requests.len(), 6, "{requests:?}");
    assert!(requests[5].ends_with(" from 3000000"), "{requests:?}");
    assert_eq!(targets.fetch(Role::Lists, LIST).await.unwrap(), path);
    assert!(server.requests().is_empty(), "it is there");
}

#[tokio::test]
async fn a_download_goes_on_after_the_box_was_killed_at_any_byte() {
    let (_repository, server, machine, list) = on_the_web(2 << 20).await;
    let targets = targets(&machine).await;
    let part_path = part_path(&machine, &list);
    fs::create_dir_all(part_path.parent().unwrap()).unwrap();
    for left in [0, 1, 65_536, 1_500_000, list.len() - 1, list.len()] {
        fs::write(&part_path, &list[..left]).unwrap();
        server.requests();
        let path = targets.fetch(Role::Lists, LIST).await.unwrap();
        assert!(fs::read(&path).unwrap() == list, "{left}");
        let range = if left == 0 { String::new() } else { format!(" from {left}") };
        let requests = server.requests();
        assert_eq!(requests.len(), usize::from(left < list.len()), "{left}: {requests:?}");
        assert!(
            requests.iter().all(|request| request.ends_with(&format!(".edition-1.zst{range}"))),
            "{requests:?}"
        );
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn a_part_that_decayed_or_is_too_long_is_fetched_anew() {
    let (_repository, _server, machine, list) = on_the_web(2 << 20).await;
    let targets = targets(&machine).await;
    let part_path = part_path(&machine, &list);
    fs::create_dir_all(part_path.parent().unwrap()).unwrap();
    let mut damaged = list[..1_000_000].to_vec();
    damaged[77] ^= 1;
    let mut long = list.clone();
    long.extend_from_slice(&list);
    for part in [damaged, long] {
        fs::write(&part_path, part).unwrap();
        let path = targets.fetch(Role::Lists, LIST).await.unwrap();
        assert!(fs::read(&path).unwrap() == list);
        fs::write(&path, b"decayed").unwrap();
        let path = targets.fetch(Role::Lists, LIST).await.unwrap();
        assert!(fs::read(&path).unwrap() == list);
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn a_server_without_ranges_begins_again_and_one_without_progress_is_given_up() {
    let (_repository, server, machine, list) = on_the_web(2 << 20).await;
    let targets = targets(&machine).await;
    let part_path = part_path(&machine, &list);
    fs::create_dir_all(part_path.parent().unwrap()).unwrap();
    fs::write(&part_path, &list[..1000]).unwrap();
    server.behave(Manner::Cuts(100));
    assert_eq!(targets.fetch(Role::Lists, LIST).await.unwrap_err().why, Why::Unreachable);
    assert_eq!(fs::metadata(&part_path).unwrap().len(), 1100, "what came is kept");
    server.behave(Manner::CutsWithoutRanges(usize::MAX));
    let path = targets.fetch(Role::Lists, LIST).await.unwrap();
    assert!(fs::read(path).unwrap() == list);
}

#[tokio::test]
async fn endless_data_is_read_to_the_length_that_was_signed_for_and_no_further() {
    let (_repository, server, machine, list) = on_the_web(2 << 20).await;
    let targets = targets(&machine).await;
    server.behave(Manner::Endless);
    let path = targets.fetch(Role::Lists, LIST).await.unwrap();
    assert!(fs::read(path).unwrap() == list);
}

#[tokio::test]
async fn a_server_that_stalls_is_left() {
    let (mut repository, server, machine, _) = on_the_web(2 << 20).await;
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    server.behave(Manner::Stalls(20));
    repository.policy(2, RULES);
    repository.publish();
    let began = Instant::now();
    assert_eq!(why(&channel.refresh(None).await), "unreachable");
    let targets = channel.targets().borrow().clone().unwrap();
    assert_eq!(targets.fetch(Role::Lists, LIST).await.unwrap_err().why, Why::Unreachable);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_rate_holds_what_is_large_and_not_what_is_small() {
    let (mut repository, _server, mut machine, _) = on_the_web(2 << 20).await;
    machine.settings.rate_bytes = std::num::NonZeroU64::new(1 << 20);
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    let targets = channel.targets().borrow().clone().unwrap();
    let began = Instant::now();
    let large = targets.fetch(Role::Lists, LIST);
    let small = async {
        repository.policy(2, RULES);
        repository.publish();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(channel.refresh(None).await, Refreshed::Taken);
        began.elapsed()
    };
    let (path, small_after) = tokio::join!(large, small);
    path.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
    assert!(small_after < began.elapsed(), "{small_after:?}");
}

#[tokio::test]
async fn what_is_large_comes_in_pieces_between_which_it_makes_way_for_others() {
    let (_repository, server, mut machine, list) = on_the_web(2 << 20).await;
    let others = Arc::new(AtomicU64::new(0));
    let line_bytes = Arc::clone(&others);
    machine.line_bytes = Arc::new(move || Some(line_bytes.load(Ordering::Relaxed)));
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    let targets = channel.targets().borrow().clone().unwrap();
    server.requests();
    let path = targets.fetch(Role::Lists, LIST).await.unwrap();
    assert!(fs::read(&path).unwrap() == list);
    let requests = server.requests();
    assert!(requests.len() >= 4, "{requests:?}");
    fs::remove_file(path).unwrap();
    // Others take more of the line meanwhile.
    let others_take = async {
        loop {
            others.fetch_add(4 << 20, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut waits = channel.waits();
    let told = async {
        waits.wait_for(|waits| waits.is_some_and(|waits| waits.awaited == Awaited::Line)).await.unwrap();
    };
    tokio::select! {
        () = told => {}
        () = others_take => {}
        _ = targets.fetch(Role::Lists, LIST) => panic!("it came as if nobody else used the line"),
    }
    let path = targets.fetch(Role::Lists, LIST).await.unwrap();
    assert!(fs::read(path).unwrap() == list);
}

#[tokio::test]
async fn what_is_large_waits_for_its_window_and_for_the_day_s_budget_and_for_a_clock_to_go_by() {
    let (_repository, _server, mut machine, _) = on_the_web(2 << 20).await;
    machine.settings.windows = vec!["18:00-07:00".parse().unwrap()];
    machine.settings.budget_bytes = std::num::NonZeroU64::new(3 << 20);
    let targets = targets(&machine).await;
    let comes = async |targets: &Targets| {
        let came = timeout(Duration::from_millis(1500), targets.fetch(Role::Lists, LIST)).await;
        came.is_ok_and(|fetched| fs::remove_file(fetched.unwrap()).is_ok())
    };
    // It is eight in the morning.
    assert!(!comes(&targets).await);
    machine.set_clock(NOW + 12 * 3600);
    machine.clock.set_doubt(Some(Doubt::BeforeProgram));
    assert!(!comes(&targets).await, "the hour is not known");
    machine.clock.set_doubt(None);
    assert!(comes(&targets).await);
    assert!(!comes(&targets).await || !comes(&targets).await, "the budget is spent");
    let budget = fs::read_to_string(in_force::central_dir(machine.state()).join("budget")).unwrap();
    assert!(budget.starts_with("2026-11-23 "), "{budget}");
    let again = self::targets(&machine).await;
    assert!(!comes(&again).await, "also after a restart");
    machine.set_clock(NOW + 36 * 3600);
    let _ = fs::remove_dir_all(in_force::central_dir(machine.state()).join("parts"));
    assert!(comes(&again).await, "another day");
}

#[tokio::test]
async fn a_stick_brings_what_the_line_does_not_and_only_by_plain_files() {
    let (mut repository, server, machine, list) = on_the_web(2 << 20).await;
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    drop(server);
    repository.policy(2, &format!("{RULES}# 2\n"));
    repository.publish();
    assert_eq!(why(&channel.refresh(None).await), "unreachable");
    let mount = machine.settings.media_dir.join("root/CLE");
    fs::create_dir_all(&mount).unwrap();
    symlink(repository.dir(), mount.join("preau")).unwrap();
    assert_eq!(why(&channel.refresh(None).await), "unreachable", "a link to a folder");
    fs::remove_file(mount.join("preau")).unwrap();
    copy(repository.dir(), &mount.join("preau"));
    let timestamp = mount.join("preau/metadata/0809999Z/timestamp.json");
    fs::remove_file(&timestamp).unwrap();
    symlink(repository.metadata("timestamp.json"), &timestamp).unwrap();
    assert_eq!(why(&channel.refresh(None).await), "unreachable", "a link to a file");
    fs::remove_file(&timestamp).unwrap();
    fs::create_dir(&timestamp).unwrap();
    assert_eq!(why(&channel.refresh(None).await), "unreachable", "a directory for a file");
    fs::remove_dir(&timestamp).unwrap();
    fs::copy(repository.metadata("timestamp.json"), &timestamp).unwrap();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    assert_eq!(machine.number(), Some(2));
    let targets = channel.targets().borrow().clone().unwrap();
    assert!(fs::read(targets.fetch(Role::Lists, LIST).await.unwrap()).unwrap() == list);
}

#[tokio::test]
async fn a_full_disk_is_never_filled_further_and_the_next_call_goes_on() {
    let (repository, _server, machine, list) = on_the_web(2 << 20).await;
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    channel.leave_free(u64::MAX / 2);
    assert_eq!(channel.refresh(None).await, Refreshed::Unchanged);
    let targets = channel.targets().borrow().clone().unwrap();
    assert_eq!(targets.fetch(Role::Lists, LIST).await.unwrap_err().why, Why::NoRoom);
    channel.leave_free(0);
    assert_eq!(channel.refresh(None).await, Refreshed::Unchanged);
    let targets = channel.targets().borrow().clone().unwrap();
    assert!(fs::read(targets.fetch(Role::Lists, LIST).await.unwrap()).unwrap() == list);
    drop(repository);
}

#[tokio::test]
async fn what_no_view_names_any_more_is_removed() {
    let (mut repository, _server, machine, list) = on_the_web(2 << 20).await;
    let path = targets(&machine).await.fetch(Role::Lists, LIST).await.unwrap();
    fs::write(part_path(&machine, &list).with_file_name("00.part"), "old").unwrap();
    assert_eq!(targets(&machine).await.version(), 2);
    assert!(path.exists() && !path.with_file_name("00.part").exists());
    repository.place(Role::Lists, LIST, b"another");
    repository.publish();
    assert_eq!(targets(&machine).await.version(), 3);
    assert!(!path.exists());
}

#[tokio::test]
async fn the_service_takes_what_it_is_woken_for_and_ends_when_told() {
    let (mut repository, server, machine, _) = on_the_web(10).await;
    let channel = machine.start();
    let mut told = channel.in_force();
    let (wake, woken) = watch::channel(0);
    let stop = CancellationToken::new();
    let served = channel.serve(woken, stop.clone());
    let acts = async {
        told.wait_for(|in_force| in_force.policy == 1).await.unwrap();
        repository.policy(2, RULES);
        wake.send_replace(repository.publish());
        told.wait_for(|in_force| in_force.policy == 2).await.unwrap();
        server.requests();
        // Told of a view that is not there yet: it looks again by itself.
        repository.policy(3, RULES);
        wake.send_replace(4);
        told.wait_for(|in_force| in_force.refused.is_some()).await.unwrap();
        repository.publish();
        told.wait_for(|in_force| in_force.policy == 3 && in_force.refused.is_none()).await.unwrap();
        assert!(server.requests().len() < 20);
        stop.cancel();
    };
    let (served, ()) = timeout(Duration::from_secs(30), async { tokio::join!(served, acts) }).await.unwrap();
    served.unwrap();
}

#[tokio::test]
async fn a_stick_is_looked_into_at_once_though_the_line_is_still_being_waited_for() {
    let mut repository = Repository::with_policy();
    let mut machine = Machine::enrolled(&repository);
    // Whoever takes connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    machine.repositories = vec![url.parse().unwrap()];
    machine.client = Some(client());
    let channel = machine.start();
    let mut told = channel.in_force();
    let (_wake, woken) = watch::channel(0);
    let stop = CancellationToken::new();
    let served = channel.serve(woken, stop.clone());
    let acts = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        put_in(&machine, &repository, "first");
        // The line would be given up on after half a minute.
        let first = told.wait_for(|in_force| in_force.policy == 1);
        timeout(Duration::from_secs(25), first).await.unwrap().unwrap();
        repository.policy(2, RULES);
        repository.publish();
        put_in(&machine, &repository, "second");
        let second = told.wait_for(|in_force| in_force.policy == 2);
        timeout(Duration::from_secs(25), second).await.unwrap().unwrap();
        stop.cancel();
    };
    let (served, ()) = tokio::join!(served, acts);
    served.unwrap();
}

#[tokio::test]
async fn what_failed_is_tried_again_at_once_when_the_line_is_back() {
    let repository = Repository::with_policy();
    let machine = Machine::enrolled(&repository);
    let away = repository.dir().with_extension("away");
    fs::rename(repository.dir(), &away).unwrap();
    let (line, counted) = watch::channel(0);
    let channel = machine.start().with_returns(Returns::new(counted));
    let mut told = channel.in_force();
    let (_wake, woken) = watch::channel(0);
    let stop = CancellationToken::new();
    let served = channel.serve(woken, stop.clone());
    let acts = async {
        // After the tries of 1 and 5 seconds the next one is 15 s away at least.
        tokio::time::sleep(Duration::from_secs(8)).await;
        fs::rename(&away, repository.dir()).unwrap();
        line.send_replace(1);
        timeout(Duration::from_secs(5), told.wait_for(|in_force| in_force.policy == 1))
            .await
            .unwrap()
            .unwrap();
        stop.cancel();
    };
    let (served, ()) = tokio::join!(served, acts);
    served.unwrap();
}

/// Puts a stick with the repository in.
fn put_in(machine: &Machine, repository: &Repository, name: &str) {
    let stick = machine.settings.media_dir.join(name);
    fs::create_dir_all(&stick).unwrap();
    copy(repository.dir(), &stick.join("new"));
    fs::rename(stick.join("new"), stick.join("preau")).unwrap();
}
