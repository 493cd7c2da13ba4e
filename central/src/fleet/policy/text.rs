//! The text of a rules document: always the same for the same fields, so that versions can be kept in files and compared
//! line by line.

use std::fmt::Write as _;

use super::document::{Document, Rule, Search};

/// Writes the document. `head` becomes comment lines above it.
pub(super) fn write(document: &Document, level: &str, head: &str) -> String {
    let Document { name, timetables, rules, search } = document;
    let mut out = Text(String::new());
    for line in head.lines() {
        out.line(format_args!("# {}", line.replace(char::is_control, " ")));
    }
    out.line(format_args!("version = 1"));
    out.line(format_args!("level = {}", quoted(level)));
    out.line(format_args!("name = {}", quoted(name)));
    for (name, week) in timetables {
        out.line(format_args!("\n[timetables.{}]", quoted(name)));
        for (day, slots) in week.days() {
            out.list(day, slots);
        }
    }
    for rule in rules {
        out.rule(rule);
    }
    for search in search {
        out.search(search);
    }
    out.0
}

struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule {
            id,
            effect,
            locked,
            sites,
            categories,
            everything,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = rule;
        self.line(format_args!("\n[[rule]]"));
        self.line(format_args!("id = {}", quoted(id)));
        self.line(format_args!("effect = {}", quoted(effect.word())));
        self.truth("locked", *locked);
        self.list("sites", sites);
        self.list("categories", categories);
        self.truth("everything", *everything);
        self.list("roles", roles);
        self.list("classes", classes);
        self.list("devices", devices);
        self.list("machines", machines);
        self.list("zones", zones);
        self.word("during", during.as_deref());
        self.word("outside", outside.as_deref());
        self.word("reason", reason.as_deref());
    }

    fn search(&mut self, search: &Search) {
        let Search {
            id,
            safe_search,
            youtube,
            locked,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = search;
        self.line(format_args!("\n[[search]]"));
        self.line(format_args!("id = {}", quoted(id)));
        if let Some(on) = safe_search {
            self.line(format_args!("safe_search = {on}"));
        }
        self.word("youtube", youtube.as_deref());
        self.truth("locked", *locked);
        self.list("roles", roles);
        self.list("classes", classes);
        self.list("devices", devices);
        self.list("machines", machines);
        self.list("zones", zones);
        self.word("during", during.as_deref());
        self.word("outside", outside.as_deref());
        self.word("reason", reason.as_deref());
    }

    fn truth(&mut self, field: &str, truth: bool) {
        if truth {
            self.line(format_args!("{field} = true"));
        }
    }

    fn word(&mut self, field: &str, word: Option<&str>) {
        if let Some(word) = word {
            self.line(format_args!("{field} = {}", quoted(word)));
        }
    }

    /// A list of one line, or of a line for each word where it would be long.
    fn list(&mut self, field: &str, words: &[String]) {
        const ONE_LINE_MAX: usize = 100;
        if words.is_empty() {
            return;
        }
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        let joined = words.join(", ");
        if joined.len() <= ONE_LINE_MAX {
            return self.line(format_args!("{field} = [{joined}]"));
        }
        self.line(format_args!("{field} = ["));
        for word in words {
            self.line(format_args!("    {word},"));
        }
        self.line(format_args!("]"));
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
