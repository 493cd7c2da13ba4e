//! `preau-lab pictures DIR`: takes the pictures of the documents again, in a school of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use preau_lab::{
    Browser, FleetDay, Lab, SchoolDay,
    plan::{CENTRAL, PORTAL},
    view::View,
    wait_for,
};

/// How long the box may take to notice that its line is cut.
const CUT_WAIT_MAX: Duration = Duration::from_secs(30);

/// A phone, a laptop, and an interactive whiteboard.
const PHONE: View = View::of(390, 844);
const LAPTOP: View = View::of(1280, 800);
const WHITEBOARD: View = View::of(1920, 1080);

/// Pictures taken while all is well: file, machine, path, view. A new one is one line.
const PICTURES: [(&str, &str, &str, View); 9] = [
    ("portal-sign-in", "invite", "/", LAPTOP),
    ("portal-home", "eleve", "/", LAPTOP),
    ("portal-home-whiteboard", "tableau", "/", View { is_dark: true, ..WHITEBOARD }),
    ("portal-blocked", "eleve", "/bloque?u=jeux-en-ligne.example", LAPTOP),
    ("portal-teacher-phone", "enseignant", "/enseignant", PHONE),
    ("portal-exam", "enseignant", "/enseignant/classe/6B", LAPTOP),
    ("portal-requests", "enseignant", "/enseignant/demandes", LAPTOP),
    ("portal-referent-dark", "poste", "/referent/connexions", View { is_dark: true, ..LAPTOP }),
    ("portal-codes", "poste", "{feuille}", LAPTOP),
];

/// Pictures of the académie's console on a working day: file, path, view. A new one is one line.
const CONSOLE_PICTURES: [(&str, &str, View); 6] = [
    ("console-fleet", "/?etat=panne", LAPTOP),
    ("console-map", "/?vue=carte", LAPTOP),
    ("console-school", "{etablissement:4}", LAPTOP),
    ("console-school-phone", "{etablissement:4}", View { is_dark: true, ..PHONE }),
    ("console-rules", "/filtrage/document/departement/80", LAPTOP),
    ("console-requests", "/demandes", LAPTOP),
];

/// Takes them.
pub(crate) fn pictures(dir: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    let mut lab = Lab::start()?;
    if !lab.has_browser()? {
        bail!("no Chromium and chromium-driver here (on Ubuntu they are snaps, which cannot enter the lab)");
    }
    let day = SchoolDay::begin(&mut lab)?;
    for (name, who, path, view) in PICTURES {
        take(&lab, dir, name, who, &day.path(path), view)?;
    }
    lab.cut_line()?;
    let home = format!("https://{PORTAL}/");
    let noticed = wait_for(CUT_WAIT_MAX, || {
        let page = lab.run("eleve", &["curl", "--silent", "--max-time", "5", &home]).ok()?.stdout;
        page.contains("ne répond plus").then_some(())
    });
    noticed.context("the portal does not notice that the line is cut")?;
    take(&lab, dir, "portal-home-line-down-phone", "eleve", "/", PHONE)?;
    take_of_console(&mut lab, dir)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes those of the console.
fn take_of_console(lab: &mut Lab, dir: &Path) -> anyhow::Result<()> {
    let day = FleetDay::begin(lab)?;
    let browser = Browser::open(lab, CENTRAL, (LAPTOP.width, LAPTOP.height))?;
    day.come_in(&browser, "fr")?;
    for (name, path, view) in CONSOLE_PICTURES {
        browser.look_as(view)?;
        browser.go(&day.page(path))?;
        keep(&browser, dir, name)?;
    }
    Ok(())
}

fn take(lab: &Lab, dir: &Path, name: &str, who: &str, path: &str, view: View) -> anyhow::Result<()> {
    let browser = Browser::open(lab, who, (view.width, view.height))?;
    browser.look_as(view)?;
    browser.go(&format!("https://{PORTAL}{path}"))?;
    keep(&browser, dir, name)
}

/// Writes a picture of the page that `browser` shows.
fn keep(browser: &Browser<'_>, dir: &Path, name: &str) -> anyhow::Result<()> {
    let picture_path: PathBuf = dir.join(format!("{name}.png"));
    fs::write(&picture_path, browser.picture()?)
        .with_context(|| format!("cannot write `{}`", picture_path.display()))?;
    println!("{}", picture_path.display());
    Ok(())
}
