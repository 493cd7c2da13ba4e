//! Holds the building to its plan: floors, purity, sizes, heads, and a line in ARCHITECTURE.md for every module.
//!
//! Each rule is one test; what it finds is listed with file and line, all at once.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Floors from the ground up, each with its modules.
type Floors = &'static [(u8, &'static [&'static str])];

/// The floors of the box. A module uses strictly lower floors only.
const FLOORS: Floors = &[
    (0, &["model"]),
    (1, &["policy", "protocol", "system"]),
    (2, &["counts", "identity", "journal"]),
    (3, &["ent", "library", "lists"]),
    (4, &["admin", "enforce", "lan", "sync", "vpn"]),
    (5, &["portal"]),
    (6, &["config"]),
    (7, &["daemon"]),
];

/// The floors of the académie's side.
const FLOORS_CENTRAL: Floors = &[
    (0, &["words"]),
    (1, &["bucket", "database"]),
    (2, &["audit"]),
    (3, &["authority", "channel", "people"]),
    (4, &["accounts", "content", "editions", "fleet"]),
    (5, &["boxes", "concentrator", "console", "metrics"]),
    (6, &["config"]),
    (7, &["service"]),
];

/// Each building: where it stands, and its floors.
const BUILDINGS: [(&str, Floors); 2] = [("src", FLOORS), ("central/src", FLOORS_CENTRAL)];

/// What the pure floors must not touch: files, sockets, clocks, tasks, the environment.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "SystemTime",
    "Instant",
    "tokio",
    "socket2",
    "rustix",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "Timestamp::now",
    "Zoned::now",
    "getrandom",
    "tracing",
];

/// Lines a file may have before its tests.
const LINES_MAX: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "util", "utils", "helper", "helpers", "misc", "manager", "info", "data", "base", "core",
    "lib2", "types",
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The lines before the tests, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .take_while(|(_, line)| *line != "#[cfg(test)]")
    }

    /// The module of the building at `dir` the file belongs to; none for `lib.rs` and `main.rs`.
    fn module_of(&self, dir: &str) -> Option<&str> {
        let inside = self.path.strip_prefix(root().join(dir)).ok()?;
        let first = inside.components().next()?.as_os_str().to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!["lib", "main"].contains(&name)).then_some(name)
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.strip_prefix(root()).unwrap().display())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `dir` of the project.
fn sources(dir: &str) -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source { text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(dir), &mut found);
    assert!(!found.is_empty(), "no Rust files below {dir}");
    found
}

fn all_sources() -> Vec<Source> {
    ["src", "central/src", "central/tests", "lab/src", "lab/tests", "tests", "benches", "fuzz/fuzz_targets"]
        .into_iter()
        .flat_map(sources)
        .collect()
}

fn floor(floors: Floors, module: &str) -> Option<u8> {
    floors.iter().find(|(_, modules)| modules.contains(&module)).map(|(floor, _)| *floor)
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The modules of the box that a line names after `crate::`, alone or in a list `crate::{a, b::C}`.
fn modules_named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_list = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        if in_list {
            if line.starts_with('}') {
                in_list = false;
            } else if let Some(name) = first_word(code.trim_start())
                .filter(|_| line.starts_with("    ") && !line.starts_with("     "))
            {
                found.push((index + 1, name));
            }
        }
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            if let Some(list) = rest.strip_prefix('{') {
                in_list = !list.contains('}');
                found.extend(
                    list.split(',').filter_map(|part| Some((index + 1, first_word(part.trim_start())?))),
                );
            } else if let Some(name) = first_word(rest) {
                found.push((index + 1, name));
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String =
        text.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn a_module_uses_lower_floors_only() {
    let mut found = Vec::new();
    for (dir, floors) in BUILDINGS {
        for source in sources(dir) {
            let Some(module) = source.module_of(dir) else { continue };
            let Some(own) = floor(floors, module) else { continue };
            for (line, used) in modules_named(&source.text) {
                if used != module && floor(floors, &used).is_some_and(|used_floor| used_floor >= own) {
                    found.push(format!("{}: {module} (floor {own}) uses {used}", source.place(line)));
                }
            }
        }
    }
    none("modules that reach up or sideways", found);
}

#[test]
fn every_module_has_a_floor_and_a_line_in_the_architecture() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut found = Vec::new();
    for (dir, floors) in BUILDINGS {
        let library = fs::read_to_string(root().join(dir).join("lib.rs")).unwrap();
        let modules: Vec<&str> = library
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
            .filter_map(|line| line.strip_suffix(';'))
            .collect();
        for module in &modules {
            if floor(floors, module).is_none() {
                found.push(format!("{dir}: {module} has no floor in tests/tidy.rs"));
            }
            if !architecture.contains(&format!("`{module}`")) {
                found.push(format!("{dir}: {module} has no line in ARCHITECTURE.md"));
            }
        }
        for (_, named) in floors {
            found.extend(
                named
                    .iter()
                    .filter(|name| !modules.contains(name))
                    .map(|name| format!("{dir}: {name} has a floor but does not exist")),
            );
        }
    }
    none("modules and papers that disagree", found);
}

#[test]
fn the_words_and_the_judge_touch_nothing_outside() {
    let mut found = Vec::new();
    for source in sources("src") {
        if !matches!(source.module_of("src"), Some("model" | "policy" | "protocol")) {
            continue;
        }
        for (line, text) in source.lines() {
            let code = text.split("//").next().unwrap_or("");
            found.extend(
                IMPURE
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{}: {word}", source.place(line))),
            );
        }
    }
    none("impure lines in pure modules", found);
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let headless = |source: &Source| !source.text.starts_with("//! ");
    none(
        "files without a `//!` head",
        all_sources().iter().filter(|s| headless(s)).map(|s| s.place(1)).collect(),
    );
}

#[test]
fn no_file_is_longer_than_one_sitting() {
    let mut found = Vec::new();
    for source in all_sources() {
        let lines = source.lines().count();
        if lines > LINES_MAX {
            found.push(format!("{}: {lines} lines", source.place(1)));
        }
    }
    none("files past their wall", found);
}

#[test]
fn no_name_is_empty_of_meaning() {
    let empty = |source: &Source| {
        let stem = source.path.file_stem().unwrap().to_str().unwrap().to_owned();
        let dir = source.path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        EMPTY_NAMES.contains(&stem.as_str()) || EMPTY_NAMES.contains(&dir.as_str())
    };
    none("names that say nothing", all_sources().iter().filter(|s| empty(s)).map(|s| s.place(1)).collect());
}

#[test]
fn title_pages_hold_no_logic() {
    let mut found = Vec::new();
    let pages = BUILDINGS.into_iter().flat_map(|(dir, _)| sources(dir));
    for source in pages.filter(|source| source.path.ends_with("mod.rs")) {
        found.extend(
            source
                .lines()
                .filter(|(_, line)| line.trim_start().contains("fn "))
                .filter(|(_, line)| !line.trim_start().starts_with("//"))
                .map(|(line, _)| source.place(line)),
        );
    }
    none("functions in title pages", found);
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let code: String = all_sources().into_iter().map(|source| source.text).collect();
    let is_test = |word: &&str| {
        word.len() > 20 && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 20, "the page names {} tests only", named.len());
    let missing =
        named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).map(String::from).collect();
    none("tests that SECURITY.md names and nobody wrote", missing);
}

#[test]
fn lints_are_expected_with_a_reason_and_ignored_tests_name_an_issue() {
    let mut found = Vec::new();
    for source in all_sources().into_iter().filter(|source| !source.path.ends_with("tidy.rs")) {
        for (index, line) in source.text.lines().enumerate() {
            let trimmed = line.trim_start();
            if trimmed.starts_with("#[allow(")
                || (trimmed.starts_with("#[ignore") && !trimmed.contains("issue"))
            {
                found.push(source.place(index + 1));
            }
        }
    }
    none("silenced lints or tests", found);
}
