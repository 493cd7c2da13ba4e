//! What stops a configuration from being read into its fields, said with the field and what to write instead.
//!
//! The TOML reader names a place and a type; a technician needs the field and an example.

use std::path::Path;

use super::problem::{Problem, line_at};

/// Every field, with an example of what it holds.
const EXAMPLES: [(&str, &str); 45] = [
    ("version", "1"),
    ("state_dir", "\"/var/lib/preau\""),
    ("school.name", "\"Collège d'Exemple\""),
    ("school.uai", "\"0809999Z\""),
    ("line.interface", "\"wan0\""),
    ("line.resolvers", "[\"192.0.2.53\", \"[2001:db8::53]:53\"]"),
    ("portal.name", "\"portail.college.exemple\""),
    ("portal.certificate", "\"portal.pem\""),
    ("portal.key", "\"portal.key\""),
    ("accounts.file", "\"accounts.csv\""),
    ("accounts.session_hours", "12"),
    ("accounts.session_hours_shared", "2"),
    ("accounts.machines.eleve", "3"),
    ("accounts.machines.enseignant", "5"),
    ("accounts.machines.administratif", "5"),
    ("accounts.machines.referent", "5"),
    ("accounts.machines.invite", "5"),
    ("accounts.calendar_zone", "\"B\""),
    ("accounts.calendar", "\"calendrier-scolaire.csv\""),
    ("policy.rules", "[\"academie.toml\", \"etablissement.toml\"]"),
    ("policy.categories", "\"categories.table\""),
    ("zone.name", "\"pedagogique\""),
    ("zone.kind", "\"pedagogique\""),
    ("zone.interface", "\"ped0\""),
    ("zone.bridge", "[\"port1\", \"port2\"]"),
    ("zone.ipv4", "\"10.10.0.1/22\""),
    ("zone.ipv6", "\"fd00:10::1/64\""),
    ("zone.sign_in", "\"required\""),
    ("zone.default", "\"allow\""),
    ("zone.services", "[\"mail\", \"tcp/5222\"]"),
    ("service.name", "\"messagerie\""),
    ("service.ports", "[\"tcp/5222\"]"),
    ("service.sites", "[\"messagerie.exemple.fr\"]"),
    ("service.speaks", "\"tls\""),
    ("device.mac", "\"02:00:5e:10:00:01\""),
    ("device.name", "\"TBI salle 12\""),
    ("device.kind", "\"tableau\""),
    ("application.name", "\"Moodle\""),
    ("application.service", "[\"https://moodle.college.exemple/login/index.php\"]"),
    ("application.at", "\"10.40.0.20:443\""),
    ("application.authorities", "\"etablissement.pem\""),
    ("application.user", "\"login\""),
    ("application.roles", "[\"eleve\", \"enseignant\"]"),
    ("application.proxies", "true"),
    ("application.attributes", "\"dialects/simple.toml\""),
];

/// How each table begins.
const TABLES: [(&str, &str); 10] = [
    ("school", "[school]"),
    ("line", "[line]"),
    ("portal", "[portal]"),
    ("accounts", "[accounts]"),
    ("accounts.machines", "[accounts.machines]"),
    ("policy", "[policy]"),
    ("zone", "[[zone]]"),
    ("service", "[[service]]"),
    ("device", "[[device]]"),
    ("application", "[[application]]"),
];

/// The problem of the file `text`, which the TOML reader could not read.
pub(super) fn unreadable(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let offset = error.span().map_or(0, |span| span.start);
    let (table, key) = field_at(text, offset);
    let message = error.message();
    let what = if let Some(missing) = quoted_after(message, "missing field ") {
        let field = joined(table, missing);
        format!("{field}: missing; {}", remedy(&field))
    } else if let Some(unknown) = quoted_after(message, "unknown field ") {
        // A misspelt table is its own header.
        let parent = if table == unknown { "" } else { table };
        format!("{}: unknown key; {}", joined(parent, unknown), home_of(unknown, message))
    } else {
        let field = joined(table, key);
        let wrong = message.replace('\n', ", ");
        match wrong.strip_prefix("invalid type: ").or_else(|| wrong.strip_prefix("invalid value: ")) {
            Some(types) => {
                let found = types.split(", expected ").next().unwrap_or(types);
                format!("{field}: {found} is not what belongs here; {}", remedy(&field))
            }
            None if field.is_empty() => wrong,
            None if wrong == "duplicate key" => format!("{field}: written twice; remove one"),
            None => format!("{field}: {wrong}"),
        }
    };
    Problem { file: path.display().to_string(), line: Some(line_at(text, offset)), what }
}

/// What to write for `field`, by an example.
fn remedy(field: &str) -> String {
    let example = EXAMPLES.iter().find(|(known, _)| *known == field);
    let table = TABLES.iter().find(|(known, _)| *known == field);
    match (example, table) {
        (Some((_, example)), _) => {
            let key = field.rsplit('.').next().unwrap_or(field);
            format!("write it such as `{key} = {example}`")
        }
        (None, Some((_, header))) => format!("write it as a table that begins with `{header}`"),
        (None, None) => "see the documentation of the configuration file".to_owned(),
    }
}

/// Where an unknown key belongs, or the keys that the reader would have taken in its place.
fn home_of(key: &str, message: &str) -> String {
    let holds_it =
        |table: &str| EXAMPLES.iter().any(|(field, _)| field.rsplit_once('.') == Some((table, key)));
    let homes: Vec<_> =
        TABLES.iter().filter(|(table, _)| holds_it(table)).map(|(_, header)| format!("`{header}`")).collect();
    let keys: Vec<_> = message.split('`').skip(3).step_by(2).collect();
    if homes.is_empty() {
        format!("the keys here are {}", keys.join(", "))
    } else {
        format!("it belongs to {}", homes.join(" or "))
    }
}

fn quoted_after<'a>(message: &'a str, words: &str) -> Option<&'a str> {
    message.strip_prefix(words)?.split('`').nth(1)
}

fn joined(table: &str, key: &str) -> String {
    let point = if table.is_empty() || key.is_empty() { "" } else { "." };
    format!("{table}{point}{key}")
}

/// The table and the key that hold byte `offset`, as far as the lines up to it tell; both may be empty.
fn field_at(text: &str, offset: usize) -> (&str, &str) {
    let end =
        text.get(offset..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| offset + length);
    let mut key = "";
    for line in text.get(..end).unwrap_or("").lines().rev() {
        let line = line.trim();
        if let Some(table) = header(line) {
            return (table, key);
        }
        if key.is_empty() {
            key = line.split_once('=').map(|(key, _)| key.trim()).filter(|key| is_bare(key)).unwrap_or("");
        }
    }
    ("", key)
}

/// The table a line begins, such as `zone` for `[[zone]]` and `accounts.machines` for `[accounts.machines]`.
fn header(line: &str) -> Option<&str> {
    let name = line.strip_prefix("[[").or_else(|| line.strip_prefix('['))?;
    let name = name.split(']').next().unwrap_or(name).trim();
    name.split('.').all(is_bare).then_some(name)
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
