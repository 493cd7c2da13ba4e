//! What an answer costs: the pure part by itself, and a running resolver beside a bare UDP echo in the same run.
//!
//! `cargo bench --bench dns` measures the pure part and the echo. With a resolver running, also:
//!
//! ```text
//! PREAU_DNS_SERVER=10.10.0.1:53 PREAU_DNS_PID=4711 PREAU_DNS_NAMES=www.exemple.fr,jeux.example \
//!     cargo bench --bench dns
//! ```
//!
//! Names are asked in turn, 64 questions outstanding; ask one blocked or one cached name for one figure. The echo reads
//! and sends one datagram at a time, and does nothing else: it is the floor of what UDP costs on the machine.

use std::{
    env, fs, io,
    net::{SocketAddr, UdpSocket},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use preau::enforce::dns::exercise;
use tokio::time::Instant;

/// Questions outstanding.
const WINDOW: usize = 64;

/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(3);

/// Clock ticks a second in `/proc` (USER_HZ, fixed by the kernel's interface).
const TICKS_A_SECOND: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    // `cargo test` runs benches without this argument: it only wants to know that they build.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    measure_reading()?;
    let echo = measure_echo()?;
    if let Ok(server) = env::var("PREAU_DNS_SERVER") {
        let server = server.parse().context("cannot read PREAU_DNS_SERVER")?;
        let pid = env::var("PREAU_DNS_PID").context("PREAU_DNS_PID is missing")?;
        let names = env::var("PREAU_DNS_NAMES").context("PREAU_DNS_NAMES is missing")?;
        let questions: Vec<_> = names.split(',').map(question).collect();
        load(server, &questions, Duration::from_millis(300))?;
        let resolver = figures("resolver", server, &questions, &format!("/proc/{pid}/stat"))?;
        println!("resolver / echo, CPU per answer: {:.2}", resolver / echo);
    }
    Ok(())
}

/// Reading a captured message as question and as answer, and composing all replies to it.
fn measure_reading() -> anyhow::Result<()> {
    let corpus_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/dns_message");
    for name in ["dnsmasq-a.query", "dnsmasq-a.answer", "dnsmasq-alias.answer", "https-ech-signed.answer"] {
        let message = fs::read(corpus_dir.join(name)).with_context(|| format!("cannot read `{name}`"))?;
        let rounds = 100_000;
        let begun = Instant::now();
        for _ in 0..rounds {
            exercise(std::hint::black_box(&message));
        }
        println!(
            "{name}: {:.0} ns for reading it both ways and all replies",
            per(begun.elapsed(), rounds) * 1e9
        );
    }
    Ok(())
}

/// CPU seconds per datagram of a bare echo.
fn measure_echo() -> anyhow::Result<f64> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let address = socket.local_addr()?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (socket, stop) = (&socket, &stop);
        scope.spawn(move || {
            let told = sender.send(rustix::thread::gettid().as_raw_nonzero());
            let mut datagram = [0; 1500];
            while told.is_ok() && !stop.load(Ordering::Relaxed) {
                if let Ok((length, peer)) = socket.recv_from(&mut datagram) {
                    drop(socket.send_to(&datagram[..length], peer));
                }
            }
        });
        let stat = format!("/proc/self/task/{}/stat", receiver.recv()?);
        let figures = figures("bare echo", address, &[question("www.exemple.fr")], &stat);
        stop.store(true, Ordering::Relaxed);
        figures
    })
}

/// Loads `server` and prints answers a second and CPU per answer; gives the latter, in seconds.
fn figures(label: &str, server: SocketAddr, questions: &[Vec<u8>], stat: &str) -> anyhow::Result<f64> {
    let before = cpu_seconds(stat)?;
    let answers = load(server, questions, LOAD)?;
    let cpu = (cpu_seconds(stat)? - before) / f64::from(answers.max(1));
    let rate = f64::from(answers) / LOAD.as_secs_f64();
    println!("{label}: {rate:.0} answers/s, {:.2} µs CPU per answer", cpu * 1e6);
    Ok(cpu)
}

/// Asks for as long as told, with [`WINDOW`] questions outstanding, and counts the answers. Questions lost are not asked
/// again: after a silence the window is filled anew.
fn load(server: SocketAddr, questions: &[Vec<u8>], length: Duration) -> anyhow::Result<u32> {
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut next = questions.iter().cycle();
    let mut ask = |count| next.by_ref().take(count).try_for_each(|question| socket.send(question).map(drop));
    let mut answer = [0; 4096];
    let mut answers = 0;
    let end = Instant::now() + length;
    ask(WINDOW)?;
    while Instant::now() < end {
        match socket.recv(&mut answer) {
            Ok(_) => {
                answers += 1;
                ask(1)?;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                ask(WINDOW)?
            }
            Err(error) => return Err(error).context("cannot reach the server"),
        }
    }
    Ok(answers)
}

/// User and system time in a `stat` file of `/proc`, its 14th and 15th field.
fn cpu_seconds(stat: &str) -> anyhow::Result<f64> {
    let text = fs::read_to_string(stat).with_context(|| format!("cannot read `{stat}`"))?;
    let behind_name = text.rsplit_once(')').context("no name in stat")?.1;
    let ticks: Result<Vec<u32>, _> =
        behind_name.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.into_iter().map(f64::from).sum::<f64>() / TICKS_A_SECOND)
}

/// A query for the A record of `name`, with EDNS.
fn question(name: &str) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        query.extend(u8::try_from(label.len()));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}

fn per(time: Duration, rounds: u32) -> f64 {
    time.as_secs_f64() / f64::from(rounds)
}
