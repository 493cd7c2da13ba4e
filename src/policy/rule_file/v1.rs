//! The rules file as it is written, version 1.
//!
//! ```toml
//! version = 1
//! level = "academie"            # academie | departement | etablissement | groupe
//! name = "Académie d'Exemple"
//!
//! [timetables]                  # Europe/Paris; half-open [from, to); a day not written has none
//! cours = { monday = ["08:00-12:00", "13:30-17:00"], tuesday = ["08:00-12:00"] }
//!
//! [[rule]]
//! id = "jeux"
//! effect = "block"              # or "allow"
//! locked = true                 # default false
//! sites = ["jeux.example", "203.0.113.0/24"]   # names (with everything below), addresses, networks,
//!                               # pages such as "exemple.fr/jeux" (with everything below; plain HTTP only)
//! categories = ["games"]
//! everything = false            # true: every site (then no sites, no categories)
//! roles = ["eleve"]             # eleve enseignant administratif referent invite; empty = any subject
//! classes = ["6A"]
//! devices = ["tableau"]         # kinds of registered machine
//! machines = ["02:00:5e:10:00:01"]
//! zones = ["pedagogique"]
//! during = "cours"              # or outside = "cours"
//! reason = "Les jeux sont fermés pendant les cours."    # shown to people; required for block
//!
//! [[search]]
//! id = "recherche"              # no rule of the file has the same
//! safe_search = true            # force safe search, refuse engines that cannot; false: leave it free
//! youtube = "strict"            # or "moderate", "off"; at least one of the two is written
//! locked = true                 # and whom and when, as in a rule
//! reason = "…"                  # shown to people where an engine is refused; has a usual sentence
//! ```

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

/// What is written in a list: words with their places in the file.
pub(super) type Words = Vec<Spanned<String>>;

/// Only the version, so that a file of another version is told apart from a wrong file of this one.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) version: Spanned<i64>,
}

/// A whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "version")]
    pub(super) _version: i64,
    pub(super) level: Spanned<String>,
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) timetables: HashMap<Spanned<String>, Week>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<Rule>,
    #[serde(default)]
    pub(super) search: Vec<Search>,
}

/// A timetable.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Week {
    pub(super) monday: Words,
    pub(super) tuesday: Words,
    pub(super) wednesday: Words,
    pub(super) thursday: Words,
    pub(super) friday: Words,
    pub(super) saturday: Words,
    pub(super) sunday: Words,
}

/// A rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: Spanned<String>,
    pub(super) effect: Spanned<String>,
    #[serde(default)]
    pub(super) locked: bool,
    #[serde(default)]
    pub(super) sites: Words,
    #[serde(default)]
    pub(super) categories: Words,
    #[serde(default)]
    pub(super) everything: bool,
    #[serde(default)]
    pub(super) roles: Words,
    #[serde(default)]
    pub(super) classes: Words,
    #[serde(default)]
    pub(super) devices: Words,
    #[serde(default)]
    pub(super) machines: Words,
    #[serde(default)]
    pub(super) zones: Words,
    pub(super) during: Option<Spanned<String>>,
    pub(super) outside: Option<Spanned<String>>,
    pub(super) reason: Option<Spanned<String>>,
}

/// A rule about search modes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    pub(super) id: Spanned<String>,
    pub(super) safe_search: Option<bool>,
    pub(super) youtube: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) locked: bool,
    #[serde(default)]
    pub(super) roles: Words,
    #[serde(default)]
    pub(super) classes: Words,
    #[serde(default)]
    pub(super) devices: Words,
    #[serde(default)]
    pub(super) machines: Words,
    #[serde(default)]
    pub(super) zones: Words,
    pub(super) during: Option<Spanned<String>>,
    pub(super) outside: Option<Spanned<String>>,
    pub(super) reason: Option<Spanned<String>>,
}
