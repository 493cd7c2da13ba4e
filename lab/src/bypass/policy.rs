//! The rules of the battery's school: what differs between a pupil and a teacher.
//!
//! | category | pupil | teacher |
//! |---|---|---|
//! | `games` | closed | open |
//! | `doh`: resolvers over HTTPS and TLS | closed | closed, locked by the académie |
//! | `vpn`, `redirector`: tunnels and web proxies | closed | open |

use std::{fs, time::Duration};

use anyhow::Context as _;

use crate::{enclosure::LAB_DIR, gateway::program_path, lab::Lab, plan::BOX, process::wait_for};

/// How long the box may take to take the rules.
const TAKE_WAIT_MAX: Duration = Duration::from_secs(15);

/// The categories the lab's usual lists lack, with their names.
const LISTS: [(&str, &str); 3] = [
    ("doh", include_str!("../../data/bypass/doh")),
    ("vpn", include_str!("../../data/bypass/vpn")),
    ("redirector", include_str!("../../data/bypass/redirector")),
];

/// Rules added to the usual ones of the académie, and of the school.
const RULES: [(&str, &str); 2] = [
    ("academie.toml", include_str!("../../data/bypass/academie.toml")),
    ("etablissement.toml", include_str!("../../data/bypass/etablissement.toml")),
];

/// The modes of pupils' searches, with a rule that shows when they are in force.
const SEARCH_MODES: &str = include_str!("../../data/bypass/search.toml");
/// The name that this rule closes.
const SEARCH_WITNESS: &str = "temoin-recherche.example";

/// A name of `doh` and of no other list: it is closed as soon as the rules are in force.
const WITNESS: &str = "temoin.doh.example";

/// Adds the battery's lists and rules to the box's own and waits until they are in force.
pub(super) fn put_in_force(lab: &Lab, who: &str) -> anyhow::Result<()> {
    let lists_dir = lab.door().file_path(BOX).join("lists");
    for (category, names) in LISTS {
        let dir = lists_dir.join(category);
        fs::create_dir_all(&dir).context("cannot make a directory inside the lab")?;
        fs::write(dir.join("domains"), names).context("cannot write a list")?;
    }
    let program = program_path("preau")?;
    let program = program.to_str().context("the path of `preau` is not UTF-8")?;
    let (lists, table) = (format!("{LAB_DIR}/{BOX}/lists"), format!("{LAB_DIR}/{BOX}/categories.table"));
    lab.run(BOX, &[program, "lists", "build", &lists, "--out", &table])?.checked()?;
    for (name, more) in RULES {
        let usual = lab.read_box_file(name)?;
        lab.write_box_file(name, &format!("{usual}\n{more}"))?;
    }
    lab.reload_box()?;
    let closed = wait_for(TAKE_WAIT_MAX, || {
        let answer = lab.run(who, &["dig", "+short", "+time=2", "+tries=1", WITNESS, "TXT"]).ok()?;
        (answer.succeeded() && answer.stdout.trim().is_empty()).then_some(())
    });
    closed.with_context(|| format!("the box does not take the battery's rules; it says:\n{}", lab.box_log()))
}

/// Sets the search modes of pupils, unless they are set; whether the box knows such modes.
pub(super) fn set_search_modes(lab: &Lab, who: &str) -> anyhow::Result<bool> {
    let name = "etablissement.toml";
    let usual = lab.read_box_file(name)?;
    if usual.contains(SEARCH_MODES) {
        return Ok(true);
    }
    lab.write_box_file(name, &format!("{usual}\n{SEARCH_MODES}"))?;
    if !lab.preau(&["check"])?.succeeded() {
        lab.write_box_file(name, &usual)?;
        return Ok(false);
    }
    lab.reload_box()?;
    // Only a pupil can see the modes; a teacher sees that the rule beside them is in force.
    let closed = wait_for(TAKE_WAIT_MAX, || {
        let answer = lab.run(who, &["dig", "+short", "+time=2", "+tries=1", SEARCH_WITNESS, "TXT"]).ok()?;
        (answer.succeeded() && answer.stdout.trim().is_empty()).then_some(())
    });
    closed.context("the box does not take the search modes")?;
    Ok(true)
}
