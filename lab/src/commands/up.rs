//! `preau-lab up`: a school that stays until somebody ends it.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use preau_lab::{
    Gateway, Lab,
    announce::Announcer,
    plan::{PASSWORD, POSTS},
    portal_door,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::spawn_blocking,
    time::interval,
};

/// How often the box is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks without a box after which it is started again, as systemd would.
const LOOKS_MAX: u32 = 3;

/// Starts the school, without its box or with central where that is wished, says what to try, and ends it at Ctrl-C, at
/// `down`, or when it is asked to end.
pub(crate) fn up(name: &str, port: u16, wishes: (bool, bool)) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(stay(name.to_owned(), port, wishes));
    // A start that was interrupted is still at work: the school ends with this process.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn stay(name: String, port: u16, (without_box, with_central): (bool, bool)) -> anyhow::Result<()> {
    let announcer = Announcer::take(&name)?;
    let (end, mut ended) = mpsc::channel(1);
    let mut interrupts = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()
        .context("cannot listen for signals")?;
    let gateway = if without_box { Gateway::PlainRouter } else { Gateway::Box };
    println!("Starting a school on this machine:");
    let start = spawn_blocking(move || {
        let mut lab = Lab::start_with(gateway, &mut |step| {
            println!("  ✓ {:<12}{} ({:.1} s)", step.what, step.detail, step.elapsed.as_secs_f32());
        })?;
        if with_central {
            lab.start_central()?;
            lab.enrol_box()?;
            println!("  ✓ {:<12}the box is enrolled; `run dsi -- sh` is its host", "central");
        }
        anyhow::Ok(lab)
    });
    let mut lab = tokio::select! {
        lab = start => lab.context("the start was cut short")?.inspect_err(|_| println!("  ✗ the school does not start"))?,
        () = any(&mut interrupts) => {
            println!("\nInterrupted while starting. Nothing is left behind.");
            return Ok(());
        }
    };
    let door = lab.door().clone();
    // Whoever asks for the end is kept on the line until this process, and with it the school, has ended.
    spawn_blocking(move || announcer.serve(&door).map(|asker| end.blocking_send(asker).ok()));
    let portal = lab.spawn(portal_door::MACHINE, "door", &[&own_path()?, "serve", "door"])?;
    let listener = portal_door::listen(port).await.context("no loopback port for the portal")?;
    let port = listener.local_addr().context("the loopback port has no number")?.port();
    invite(&name, port, without_box);
    let lab_dir = lab.door().file_path("");
    let mut asked_by = None;
    let mut looks = interval(LOOK_EVERY);
    let mut looks_without_box = 0;
    let carried = portal_door::carry(listener, &lab_dir);
    tokio::pin!(carried);
    loop {
        tokio::select! {
            () = any(&mut interrupts) => break,
            asker = ended.recv() => {
                asked_by = asker;
                break;
            }
            () = &mut carried => {}
            _ = looks.tick(), if !without_box => {
                looks_without_box = if lab.box_pid().is_some() { 0 } else { looks_without_box + 1 };
                if looks_without_box == LOOKS_MAX {
                    revive(&mut lab);
                }
            }
        }
    }
    println!("\nEnding the school…");
    if !without_box && let Err(cause) = lab.stop_box() {
        println!("  ✗ the box did not end in order: {cause:#}");
    }
    drop(portal);
    drop(lab);
    drop(asked_by);
    println!("The school has ended. Nothing is left behind.");
    Ok(())
}

/// Starts the box again; a box that will not start is tried again at the next round of looks.
fn revive(lab: &mut Lab) {
    match lab.restart_box() {
        Ok(elapsed) => println!("  The box had died and is back after {:.1} s.", elapsed.as_secs_f32()),
        Err(cause) => println!("  ✗ the box had died and does not come back: {cause:#}"),
    }
}

/// Waits for any of the signals.
async fn any(signals: &mut [tokio::signal::unix::Signal]) {
    let waits = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures_util::future::select_all(waits).await;
}

fn own_path() -> anyhow::Result<String> {
    let path = std::env::current_exe().context("cannot tell where this program is")?;
    path.into_os_string().into_string().ok().context("the path of this program is not UTF-8")
}

/// What to try.
fn invite(name: &str, port: u16, without_box: bool) {
    let program = own_path().unwrap_or_else(|_| "preau-lab".to_owned());
    let here = std::env::current_dir().ok().and_then(|dir| dir.to_str().map(|dir| format!("{dir}/")));
    let program = here.and_then(|dir| program.strip_prefix(&dir).map(str::to_owned)).unwrap_or(program);
    let own = if name == "lab" { program } else { format!("{program} --name {name}") };
    println!("\nThe school is up. Try, from another terminal (with `sudo` if you used it here):\n");
    if !without_box {
        println!("  The portal as a pupil sees it:  http://127.0.0.1:{port}/\n");
        println!("  Accounts, all with the password {PASSWORD}:");
        for post in POSTS.iter().filter(|post| post.login.is_some()) {
            println!("    {:<18} {}, on `{}`", post.login.unwrap_or_default(), post.user, post.name);
        }
        println!();
    }
    for (command, meaning) in [
        ("status", "who is where, and how the box is"),
        ("run eleve -- curl -I http://fr.vikidia.example/", "what a pupil gets"),
        ("run eleve -- dig jeux-en-ligne.example", "why a site is closed, in DNS"),
        ("browse eleve http://fr.vikidia.example/ --screenshot page.png", "what a pupil sees"),
        ("shell enseignant", "be a teacher"),
        ("cut line", "a day without Internet (`restore line`)"),
        ("tour", "eighteen things people try"),
        ("bypass", "every known way round the filter, with real programs, in schools of its own"),
    ] {
        println!("    {own} {command}\n        {meaning}");
    }
    println!("\nCtrl-C ends everything.");
}
