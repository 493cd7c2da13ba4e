//! Floods and nonsense from one machine: bounded memory, and the others notice nothing.

use std::time::Duration;

use preau_lab::{Lab, plan::PEDAGOGIQUE};

use crate::asking::{OPEN, Stage, box_status, dig, get, on_the_box, page, run, until};

static STAGE: Stage = Stage::new();

/// Connections left half open at once.
const HALF_OPEN: u64 = 10_000;
/// What they may cost the box: 512 of each of their addresses are kept for three seconds, a few KiB each. Without
/// bounds, 10,000 tasks with 64 KiB buffers would take ten times that.
const MEMORY_KIB_MAX: u64 = 96 * 1024;

/// The box's resident memory in KiB.
fn memory(lab: &Lab) -> u64 {
    let pid = lab.box_pid().expect("the box runs");
    let shown = on_the_box(lab, &format!("grep VmRSS /proc/{pid}/status"));
    shown.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a size in KiB")
}

/// More IPv6 addresses for the machine, each of them the source of connections to a network of its own.
const MANY_ADDRESSES: &str = "for i in $(seq 20); do ip addr replace fd00:10::5:$i/64 dev eth0 nodad; \
                              ip -6 route replace 2001:db8:a:0:2:$i::/96 via fd00:10::1 src fd00:10::5:$i; done";

/// Opens `$1` connections from each of `$0` addresses, sends half a record on each, and holds them for two seconds.
const FLOOD: &str = r#"
ulimit -n 8192
for i in $(seq $0); do
  ( opened=0
    for j in $(seq $1); do
      if { exec {socket}<>/dev/tcp/2001:db8:a:0:2:$i::1/443; } 2>/dev/null; then
        opened=$((opened + 1))
        printf '\x16\x03\x01\x02\x00\x01' >&$socket
      fi
    done
    echo $opened
    sleep 2 ) 2>/dev/null &
done
wait
"#;

/// The pupil floods from so many addresses, this often from each, while the teacher reads.
struct Flooded {
    opened: u64,
    memory_before: u64,
    memory_most: u64,
    pages: u32,
    pages_missed: u32,
}

fn flood(lab: &Lab, addresses: u64, connections: u64) -> Flooded {
    lab.sign_in_user("enseignant").unwrap();
    page(lab, "enseignant", &format!("https://{OPEN}/"), &[]);
    run(lab, "eleve", &["bash", "-c", MANY_ADDRESSES]);
    let name = format!("flood-{addresses}");
    let words = [addresses.to_string(), connections.to_string()];
    let mut flood = lab.spawn("eleve", &name, &["bash", "-c", FLOOD, &words[0], &words[1]]).unwrap();
    let before = memory(lab);
    let mut seen =
        Flooded { opened: 0, memory_before: before, memory_most: before, pages: 0, pages_missed: 0 };
    while flood.is_running() {
        let came = get(lab, "enseignant", &format!("https://{OPEN}/"), &["--max-time", "5"]).succeeded();
        seen.pages += u32::from(came);
        seen.pages_missed += u32::from(!came);
        seen.memory_most = seen.memory_most.max(memory(lab));
    }
    seen.opened = flood.log().lines().filter_map(|line| line.parse::<u64>().ok()).sum();
    let Flooded { opened, memory_before, memory_most, pages, pages_missed } = &seen;
    println!(
        "{opened} half-open connections: {memory_before} KiB before, {memory_most} KiB at most; meanwhile {pages} pages \
         came and {pages_missed} did not"
    );
    seen
}

#[test]
fn ten_thousand_half_open_connections_cost_little_and_are_gone_in_seconds() {
    STAGE.play(|lab| {
        let seen = flood(lab, 20, HALF_OPEN / 20);
        // What one machine opens beyond its places is reset, some of it before the flood has counted it.
        assert!(seen.opened > HALF_OPEN * 9 / 10, "{} were opened", seen.opened);
        assert!(seen.memory_most < seen.memory_before + MEMORY_KIB_MAX);
        assert_eq!(seen.pages_missed, 0, "one machine took the places of another");
        for who in ["enseignant", "eleve"] {
            until(10, "the web is there for everybody", || {
                get(lab, who, &format!("https://{OPEN}/"), &[]).succeeded()
            });
        }
        assert_eq!(box_status(lab)["gate_open"], true);
    });
}

#[test]
fn half_open_connections_of_one_address_disturb_nobody_meanwhile() {
    STAGE.play(|lab| {
        let seen = flood(lab, 1, 4000);
        assert_eq!(seen.pages_missed, 0);
        assert!(seen.pages > 0, "nobody read meanwhile");
    });
}

/// Packets of random bytes, cut questions, answers instead of questions, and lengths that promise too much.
const GARBAGE: &str = r#"
exec 3<>/dev/udp/$0/53
for i in $(seq 200); do head -c $((i * 7 % 1400 + 1)) /dev/urandom >&3; done
printf '\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www' >&3
printf '\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01' >&3
printf '\x00\x01\x81\x80\xff\xff\xff\xff\xff\xff\xff\xff' >&3
for i in $(seq 40); do
  ( exec 4<>/dev/tcp/$0/53 || exit
    printf '\xff\xff' >&4; head -c $((i * 100)) /dev/urandom >&4; sleep 1 ) 2>/dev/null &
done
wait
"#;

#[test]
fn malformed_questions_over_udp_and_tcp_disturb_nobody() {
    STAGE.play(|lab| {
        let before = memory(lab);
        for server in PEDAGOGIQUE {
            let mut garbage = lab.spawn("eleve", "garbage", &["bash", "-c", GARBAGE, server]).unwrap();
            let mut number = 0;
            while garbage.is_running() {
                number += 1;
                let server = format!("@{server}");
                let name = format!("question{number}.exemple.fr");
                // A machine that nobody signed in on is answered at once too, with the box's address.
                assert_ne!(dig(lab, "eleve2", &[&server, &name, "A"]), "");
                assert_ne!(dig(lab, "eleve2", &["+tcp", &server, &name, "A"]), "");
            }
            assert!(number > 1, "nobody asked meanwhile");
            garbage.wait(Duration::from_secs(5)).unwrap();
            until(12, "who sent it is answered too", || {
                let question = ["dig", "+short", "+time=2", "+tries=1", "+tcp", OPEN, "A"];
                !lab.run("eleve", &question).unwrap().stdout.trim().is_empty()
            });
        }
        let after = memory(lab);
        assert!(after < before + MEMORY_KIB_MAX, "{before} KiB before, {after} KiB after");
        assert_eq!(box_status(lab)["gate_open"], true);
    });
}
