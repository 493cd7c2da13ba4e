//! The moments when a filter changes its mind, starts, or is dead.

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};

use super::super::{
    Expected::{Closed, Open},
    Row, Scene, Seen,
    scene::{SECRET, shows},
};
use crate::{plan::FAR_ADDRESSES, process::wait_for};

/// A site that a rule closes to pupils while it is being read.
const CLOSING: &str = "ferme-bientot.example";
/// How long a connection may outlive its permission.
const CUT_WAIT_MAX: Duration = Duration::from_secs(5);

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "download-outlives-rule",
        lesson: 29,
        tools: &["curl"],
        attempt: "go on with a download that began before its site was closed",
        pupil: Closed,
        teacher: Open,
        play: |scene| outlive(scene, &format!("https://{CLOSING}/lent/60")),
    },
    Row {
        id: "download-outlives-rule-plain",
        lesson: 29,
        tools: &["curl"],
        attempt: "the same without TLS",
        pupil: Closed,
        teacher: Open,
        play: |scene| outlive(scene, &format!("http://{CLOSING}/lent/60")),
    },
    Row {
        id: "box-dead",
        lesson: 30,
        tools: &["curl", "socat"],
        attempt: "reach a bare address while the box is dead",
        pupil: Closed,
        teacher: Closed,
        play: dead_box,
    },
    Row {
        id: "box-starting",
        lesson: 30,
        tools: &["curl", "socat"],
        attempt: "reach a bare address ten times a second while the box starts",
        pupil: Closed,
        teacher: Closed,
        play: starting_box,
    },
];

fn outlive(scene: &mut Scene<'_>, url: &str) -> anyhow::Result<Seen> {
    let file = scene.lab.door().file_path(scene.subject.machine()).join("lent");
    fs::remove_file(&file).ok();
    let length = || fs::metadata(&file).map_or(0, |file| file.len());
    let mut download =
        scene.start("download", &["curl", "--silent", "--no-buffer", "--output", "lent", url])?;
    let begun = wait_for(CUT_WAIT_MAX, || (length() > 0).then_some(()));
    ensure!(begun.is_some(), "the download does not begin");
    let usual = match scene.subject.is_behind_the_box() {
        true => Some(scene.lab.read_box_file("etablissement.toml")?),
        false => None,
    };
    if let Some(usual) = &usual {
        let rule = format!(
            "[[rule]]\nid = \"bientot\"\neffect = \"block\"\nsites = [\"{CLOSING}\"]\nroles = [\"eleve\"]\n\
             reason = \"Fermé.\"\n"
        );
        scene.lab.write_box_file("etablissement.toml", &format!("{usual}\n{rule}"))?;
    }
    let cut = wait_for(CUT_WAIT_MAX, || (!download.is_running()).then_some(()));
    let bytes = length();
    if let Some(usual) = &usual {
        scene.lab.write_box_file("etablissement.toml", usual)?;
    }
    Ok(match cut {
        Some(()) => Seen::Stopped(format!("cut after {bytes} bytes")),
        None => Seen::Reached(format!("still running, {bytes} bytes")),
    })
}

/// Asks for the page in the background, ten times a second, until killed; what comes is in `page`.
const ASK_ALWAYS: &str = "while :; do curl --silent --max-time 1 --output - \"$0\" >> page; sleep 0.1; done";

fn dead_box(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page(8000)?;
    let url = format!("http://{}:8000/", FAR_ADDRESSES[0]);
    if scene.subject.is_behind_the_box() {
        scene.lab.kill_box()?;
    }
    let page = scene.get(&url, &["--max-time", "3"]);
    if scene.subject.is_behind_the_box() {
        scene.lab.restart_box()?;
    }
    Ok(shows(&page?, SECRET))
}

fn starting_box(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page(8000)?;
    let url = format!("http://{}:8000/", FAR_ADDRESSES[0]);
    let path = scene.lab.door().file_path(scene.subject.machine()).join("page");
    fs::write(&path, "").context("cannot write inside the lab")?;
    let asking = scene.start("asking", &["bash", "-c", ASK_ALWAYS, &url])?;
    if scene.subject.is_behind_the_box() {
        scene.lab.kill_box()?;
        scene.lab.restart_box()?;
    }
    std::thread::sleep(Duration::from_secs(1));
    drop(asking);
    let page = fs::read_to_string(&path).context("cannot read inside the lab")?;
    Ok(match page.contains(SECRET) {
        true => Seen::Reached(format!("« {SECRET} »")),
        false => Seen::Stopped("no page came".to_owned()),
    })
}
