//! Logins for those to whom the source gives none: `prenom.nom`, without accents, homonyms numbered.
//!
//! A login is kept once it is given. One that the source gives goes before; a login the box made changes only for that.
//! The login of somebody in the trash is nobody else's.

use anyhow::bail;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::quarantine::{self, Place};

/// The longest of the two parts of a login in characters: people type it.
const PART_CHARS_MAX: usize = 30;

/// Persons whose logins are given between two looks at the table.
const BATCH: u32 = 500;

/// More people of one name than there can be.
const NUMBER_MAX: i64 = 1_000_000;

/// What the login of a person without a Latin letter in their name begins with.
const NAMELESS: &str = "compte";

/// The form in which logins are compared.
pub(super) fn compared(login: &str) -> String {
    login.trim().to_lowercase()
}

/// Gives a login to everybody in force who has none, after `feed` took effect. `taken` says which are other accounts'.
pub(super) fn give(
    transaction: &Transaction<'_>,
    feed: i64,
    taken: &dyn Fn(&str) -> bool,
) -> anyhow::Result<()> {
    // The source knows another login now, and it is free: the old one is given up.
    transaction.execute(
        "UPDATE person SET login = NULL, login_base = NULL, login_number = NULL
            WHERE left_on IS NULL AND source_login IS NOT NULL AND login IS NOT source_login
            AND id IN (SELECT id FROM record WHERE feed = ?1)
            AND NOT EXISTS (SELECT 1 FROM person AS other WHERE other.login = person.source_login)",
        [feed],
    )?;
    loop {
        let without = without_login(transaction)?;
        if without.is_empty() {
            return Ok(());
        }
        for Nameable { id, given_name, family_name, source_login } in without {
            if let Some(login) = source_login {
                if is_free(transaction, &login, &|_| false)? {
                    transaction.execute("UPDATE person SET login = ?2 WHERE id = ?1", [&id, &login])?;
                    continue;
                }
                let reason = "son identifiant de connexion est déjà celui d'une autre personne ; \
                    la boîte lui en a donné un autre";
                quarantine::keep(transaction, feed, &Place::NOWHERE, Some(&id), reason)?;
            }
            let base = base(&given_name, &family_name);
            let (login, number) = free(transaction, &base, taken)?;
            transaction.execute(
                "UPDATE person SET login = ?2, login_base = ?3, login_number = ?4 WHERE id = ?1",
                params![id, login, base, number],
            )?;
        }
    }
}

/// Somebody who is to have a login.
struct Nameable {
    id: String,
    given_name: String,
    family_name: String,
    source_login: Option<String>,
}

/// Those the source has a login for go first: a made one must not take theirs.
fn without_login(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Nameable>> {
    let mut query = transaction.prepare_cached(
        "SELECT id, given_name, family_name, source_login FROM person
            WHERE login IS NULL AND left_on IS NULL ORDER BY source_login IS NULL, id LIMIT ?1",
    )?;
    let rows = query.query_map([BATCH], |row| {
        Ok(Nameable {
            id: row.get(0)?,
            given_name: row.get(1)?,
            family_name: row.get(2)?,
            source_login: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// The first free login that begins with `base`, with its number. Numbers go on behind the highest one known.
fn free(
    transaction: &Transaction<'_>,
    base: &str,
    taken: &dyn Fn(&str) -> bool,
) -> anyhow::Result<(String, i64)> {
    let mut highest =
        transaction.prepare_cached("SELECT max(login_number) FROM person WHERE login_base = ?1")?;
    let highest: Option<i64> = highest.query_row([base], |row| row.get(0))?;
    for number in highest.unwrap_or(0) + 1..NUMBER_MAX {
        let login = if number == 1 { base.to_owned() } else { format!("{base}{number}") };
        if is_free(transaction, &login, taken)? {
            return Ok((login, number));
        }
    }
    bail!("more people of one name than there are numbers")
}

fn is_free(
    transaction: &Transaction<'_>,
    login: &str,
    taken: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<bool> {
    let mut query = transaction.prepare_cached("SELECT 1 FROM person WHERE login = ?1")?;
    let found: Option<i64> = query.query_row([login], |row| row.get(0)).optional()?;
    Ok(found.is_none() && !taken(login))
}

/// The login of the first person of that name.
fn base(given_name: &str, family_name: &str) -> String {
    let parts = [part(given_name), part(family_name)];
    match parts.each_ref().map(|part| part.is_empty()) {
        [false, false] => parts.join("."),
        [true, true] => NAMELESS.to_owned(),
        _ => parts.concat(),
    }
}

/// A name as people can type it anywhere: small letters, digits, and a hyphen between words.
fn part(name: &str) -> String {
    let mut typed = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        let plain = plain(letter);
        if matches!(letter, '-' | '‐' | '‑' | '–' | '_') || letter.is_whitespace() {
            if !typed.is_empty() && !typed.ends_with('-') {
                typed.push('-');
            }
        } else {
            typed.push_str(plain);
        }
        if typed.len() >= PART_CHARS_MAX {
            break;
        }
    }
    typed.trim_end_matches('-').to_owned()
}

/// A small letter without its accent; nothing for what is no Latin letter and no digit. Apostrophes and combining marks
/// vanish.
fn plain(letter: char) -> &'static str {
    const ASCII: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    if let Some(at) = ASCII.find(letter) {
        return &ASCII[at..=at];
    }
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' | 'ả' | 'ấ' | 'ầ' | 'ậ' | 'ắ' => {
            "a"
        }
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẽ' | 'ế' | 'ề' | 'ệ' | 'ể' | 'ə' => {
            "e"
        }
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ị' | 'ỉ' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ' | 'ỏ' | 'ố' | 'ồ' | 'ộ' | 'ớ' => {
            "o"
        }
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ' | 'ủ' | 'ứ' | 'ừ' => {
            "u"
        }
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_first_name_and_name_as_everybody_can_type_them() {
        for (given_name, family_name, expected) in [
            ("Alix", "EXEMPLE", "alix.exemple"),
            ("Zoé", "Noël-Açai", "zoe.noel-acai"),
            ("Jean  Marie", "D'Exemple", "jean-marie.dexemple"),
            ("Anne–Lou", "de l’Œuvre", "anne-lou.de-loeuvre"),
            ("E\u{301}lise", "STRAẞE", "elise.strasse"),
            ("Łucja", "Ångström", "lucja.angstrom"),
            ("", "EXEMPLE", "exemple"),
            ("李", "Exemple", "exemple"),
            ("李", "明", "compte"),
            ("- -", "'", "compte"),
        ] {
            assert_eq!(base(given_name, family_name), expected);
        }
        assert_eq!(base(&"a".repeat(1000), &"b".repeat(1000)).len(), 2 * PART_CHARS_MAX + 1);
    }
}
