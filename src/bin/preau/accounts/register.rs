//! What the directory of a box says: its feeds, its quarantine, one person.

use std::fs;

use anyhow::{Context as _, bail, ensure};
use preau::{
    config::Config,
    daemon,
    identity::register::{Found, Quarantined, Register, Today, When},
    model::{Attachment, ClassName},
    system::clock::Clock,
};

use crate::{
    Configured,
    output::{print, print_lines},
};

/// The directory of a configured box, and the day it is there.
pub(super) struct Office {
    pub(super) config: Config,
    pub(super) register: Register,
    pub(super) clock: Clock,
    pub(super) today: Today,
}

impl Office {
    pub(super) fn open(configured: &Configured) -> anyhow::Result<Self> {
        let config = Config::load(&configured.path)?;
        fs::create_dir_all(&config.state_dir)
            .with_context(|| format!("cannot make `{}`", config.state_dir.display()))?;
        let register = Register::open(&config.state_dir)?;
        let clock = Clock::of_the_machine();
        let is_sure = daemon::doubt_at_start(&config.state_dir, clock.now()).is_none();
        let today = config.terms.today(clock.now(), is_sure);
        Ok(Self { config, register, clock, today })
    }
}

pub(super) fn feeds(configured: &Configured) -> anyhow::Result<()> {
    let office = Office::open(configured)?;
    let feeds = office.register.feeds(office.today)?;
    if feeds.is_empty() {
        return print("no feed yet; import one with `preau accounts import`");
    }
    print_lines(feeds.iter().map(|feed| format!("{feed} ({})", feed.files)))
}

pub(super) fn release(feed: i64, effective: Option<When>, configured: &Configured) -> anyhow::Result<()> {
    let Office { config, register, today, .. } = Office::open(configured)?;
    if let Some(when) = effective {
        let due = config.terms.due(when, today, true)?;
        ensure!(register.postpone(feed, due)?, waits_not(feed));
    }
    if !register.release(feed)? {
        bail!(waits_not(feed));
    }
    let feeds = register.feeds(today)?;
    print_lines(feeds.iter().filter(|known| known.number == feed))
}

pub(super) fn drop_feed(feed: i64, configured: &Configured) -> anyhow::Result<()> {
    let office = Office::open(configured)?;
    ensure!(office.register.drop_feed(feed)?, waits_not(feed));
    print(format_args!("feed {feed} is dropped; what is in force stays"))
}

fn waits_not(feed: i64) -> String {
    format!("no feed {feed} waits; see `preau accounts feeds`")
}

pub(super) fn quarantine(configured: &Configured) -> anyhow::Result<()> {
    let office = Office::open(configured)?;
    let quarantine = office.register.quarantine()?;
    if quarantine.is_empty() {
        return print("every record was taken");
    }
    print_lines(quarantine.iter().map(quarantined))
}

pub(super) fn quarantined(record: &Quarantined) -> String {
    let Quarantined { number: _, feed, file, line, id, reason } = record;
    let place = file.as_ref().map_or(format!("livraison {feed}"), |file| format!("{file}:{line}"));
    let id = id.as_ref().map_or(String::new(), |id| format!(" {} :", id.as_str()));
    format!("{place} :{id} {reason}")
}

pub(super) fn show(who: &str, configured: &Configured) -> anyhow::Result<()> {
    let office = Office::open(configured)?;
    let found = office.register.find(who)?;
    let Some(found) = found else {
        bail!(
            "nobody in the directory has this login or identifier; the school's own accounts stand in `{}`",
            office.config.accounts_path.display()
        );
    };
    print_lines(lines(&found))
}

fn lines(found: &Found) -> Vec<String> {
    let Found { person, source, is_login_of_the_box, has_password, ends_on, left_on } = found;
    let entry = |about: &str, said: String| format!("{about:<10} {said}");
    let mut lines = vec![
        entry("id", format!("{} (from {source})", person.id.as_str())),
        entry("name", format!("{} {}", person.given_name, person.family_name)),
        entry("role", person.role.to_string()),
    ];
    lines.extend(person.birth_date.map(|date| entry("born", date.to_string())));
    lines.extend(person.login.as_ref().map(|login| {
        let by = if *is_login_of_the_box { "made by the box" } else { "of the source" };
        entry("login", format!("{login} ({by})"))
    }));
    let password = if *has_password { "delivered" } else { "none delivered; they sign in at the ENT" };
    lines.push(entry("password", password.to_owned()));
    for Attachment { school, classes, groups } in &person.schools {
        let names: Vec<_> = classes.iter().chain(groups).map(ClassName::as_str).collect();
        lines
            .push(entry("school", format!("{} {}", school.as_str(), names.join(", ")).trim_end().to_owned()));
    }
    lines.extend(ends_on.map(|date| entry("until", date.to_string())));
    if let (Some(left_on), Some(deleted_on)) = (left_on, found.deleted_on()) {
        lines.push(entry("left", format!("{left_on}; cannot sign in, deleted on {deleted_on}")));
    }
    lines
}
