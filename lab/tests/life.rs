//! The life of a lab: it is found, it is alone, and it leaves nothing behind.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use preau_lab::{announce, wait_for};

const PROGRAM: &str = env!("CARGO_BIN_EXE_preau-lab");

/// A name that no other test and no other run takes.
fn name(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

/// `preau-lab up`, once it says that the school is up.
fn up(mut command: Command, name: &str) -> Child {
    command.args(["--name", name, "up", "--without-box", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program must start");
    let lines = BufReader::new(child.stdout.as_mut().expect("its output is piped")).lines();
    let seen: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.contains("The school is up")).collect();
    assert!(matches!(child.try_wait(), Ok(None)), "the school is not up: {seen:?}");
    child
}

/// The processes of the room whose first process's parent is `pid`.
fn processes_in(pid: u32) -> Vec<String> {
    let room = fs::read_link(format!("/proc/{pid}/ns/pid_for_children")).expect("the room must exist");
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|process| fs::read_link(process.path().join("ns/pid")).is_ok_and(|own| own == room))
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

fn are_gone(processes: &[String]) -> bool {
    // A process that ended but was not waited for has no file of memory any more.
    let lives = |pid: &String| fs::read_link(Path::new("/proc").join(pid).join("exe")).is_ok();
    wait_for(Duration::from_secs(10), || (!processes.iter().any(lives)).then_some(())).is_some()
}

#[test]
fn a_killed_lab_leaves_no_process_and_no_name() {
    let name = name("tue");
    let mut lab = up(Command::new(PROGRAM), &name);
    let door = announce::find(&name).unwrap().unwrap();
    let processes = processes_in(door.pid);
    assert!(processes.len() > 8, "the room holds {processes:?}");
    lab.kill().unwrap();
    lab.wait().unwrap();
    assert!(are_gone(&processes));
    assert_eq!(announce::find(&name).unwrap(), None);
}

#[test]
fn two_labs_live_side_by_side_and_end_on_request() {
    let (first, second) = (name("un"), name("deux"));
    let mut labs = [up(Command::new(PROGRAM), &first), up(Command::new(PROGRAM), &second)];
    for name in [&first, &second] {
        let run = |arguments: &[&str]| {
            Command::new(PROGRAM).args(["--name", name]).args(arguments).output().unwrap()
        };
        let page = run(&["run", "eleve", "--", "curl", "--silent", "--fail", "https://fr.vikidia.example/"]);
        assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
        assert!(run(&["down"]).status.success());
    }
    for lab in &mut labs {
        assert!(lab.wait().unwrap().success());
    }
}

#[test]
fn an_ordinary_user_has_a_lab_where_the_kernel_allows() {
    if !rustix::process::geteuid().is_root() {
        println!("every test here already runs as an ordinary user");
        return;
    }
    let name = name("simple");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM]).current_dir("/");
    let mut lab = up(command, &name);
    rustix::process::kill_process(rustix::process::Pid::from_child(&lab), rustix::process::Signal::INT)
        .unwrap();
    assert!(lab.wait().unwrap().success());
}
