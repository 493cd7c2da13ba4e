//! Chromium as people set it up to get round a filter: its own resolver, QUIC, hellos that pretend to be encrypted.

use anyhow::ensure;

use super::super::{
    Expected::{Closed, Open},
    Row, Scene, Seen,
    scene::{ALLOWED, ALLOWED_SECRET, FORBIDDEN, SECRET},
};
use crate::browser::{Browser, Habits};

const TOOLS: &[&str] = &["chromium", "chromedriver"];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "doh-chromium-listed",
        lesson: 5,
        tools: TOOLS,
        attempt: "read a forbidden page in Chromium with secure DNS of a known resolver",
        pupil: Closed,
        teacher: Closed,
        play: |scene| secure_dns(scene, "https://doh.exemple.net/dns-query"),
    },
    Row {
        id: "doh-chromium-unlisted",
        lesson: 7,
        tools: TOOLS,
        attempt: "read a forbidden page in Chromium with secure DNS of a resolver that no list knows",
        pupil: Closed,
        teacher: Open,
        play: |scene| secure_dns(scene, "https://resolveur-d-un-ami.example/dns-query"),
    },
    Row {
        id: "chromium-allowed",
        lesson: 10,
        tools: TOOLS,
        attempt: "read an allowed page in Chromium as it comes: QUIC on, hellos that pretend to be encrypted",
        pupil: Open,
        teacher: Open,
        play: |scene| page(scene, ALLOWED, ALLOWED_SECRET, Habits { quic: true, ..Habits::default() }),
    },
    Row {
        id: "quic-chromium",
        lesson: 11,
        tools: TOOLS,
        attempt: "read a forbidden page in Chromium with QUIC on",
        pupil: Closed,
        teacher: Open,
        play: |scene| page(scene, FORBIDDEN, SECRET, Habits { quic: true, ..Habits::default() }),
    },
];

fn secure_dns(scene: &mut Scene<'_>, resolver: &str) -> anyhow::Result<Seen> {
    let asked_before = asked_over_https(scene)?;
    let seen = page(scene, FORBIDDEN, SECRET, Habits { own_resolver: Some(resolver), ..Habits::default() })?;
    if let Seen::Reached(_) = seen {
        ensure!(asked_over_https(scene)? > asked_before, "Chromium did not ask over HTTPS");
    }
    Ok(seen)
}

/// How often the forbidden name was asked for over HTTPS.
fn asked_over_https(scene: &Scene<'_>) -> anyhow::Result<usize> {
    let line = format!("https {FORBIDDEN} ");
    Ok(scene.lab.upstream_questions()?.iter().filter(|question| question.starts_with(&line)).count())
}

fn page(scene: &mut Scene<'_>, name: &str, secret: &str, habits: Habits<'_>) -> anyhow::Result<Seen> {
    let browser = Browser::open_with(scene.lab, scene.subject.machine(), (800, 600), habits)?;
    if let Err(cause) = browser.go(&format!("https://{name}/")) {
        return Ok(Seen::Stopped(format!("{cause:#}")));
    }
    let text = browser.text()?;
    Ok(match text.contains(secret) {
        true => Seen::Reached(format!("« {secret} »")),
        false => Seen::Stopped(text.lines().next().unwrap_or_default().to_owned()),
    })
}
