//! Single values of a delivery: names, identifiers, dates and composites, as they are after cleaning.

use jiff::civil::Date;

use super::{Reason, entity};

/// The longest name of a person or school, in characters.
pub(super) const NAME_CHARS_MAX: usize = 200;

/// The longest identifier, login or name of a class, in characters.
pub(super) const WORD_CHARS_MAX: usize = 100;

/// Years in which somebody in a school can be born or leave it.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

/// `text` as it was meant: references that a producer escaped twice resolved, spaces around it removed and every run of
/// spaces and line ends inside made one space.
pub(super) fn plain(text: &str) -> String {
    let unescaped = entity::unescape(text);
    let mut plain = String::with_capacity(unescaped.len());
    for word in unescaped.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    plain
}

/// The cleaned `text` of the attribute `name`.
///
/// # Errors
/// When it is longer than `chars_max` or holds a character that cannot be seen.
pub(super) fn word(name: &str, text: &str, chars_max: usize) -> Result<String, Reason> {
    let plain = plain(text);
    if plain.chars().count() > chars_max {
        return Err(Reason::TooLong(name.to_owned()));
    }
    if plain.chars().any(is_invisible) {
        return Err(Reason::Invisible(name.to_owned()));
    }
    Ok(plain)
}

/// Control characters, and those that turn the writing round or take no place: two names must not look alike and differ.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// The date written as `JJ/MM/AAAA` or `AAAA-MM-JJ`, between 1900 and 2100.
pub(super) fn date(text: &str) -> Option<Date> {
    let (year, month, day) = if let Some(parts) = split_three(text, '/') {
        (parts[2], parts[1], parts[0])
    } else {
        let parts = split_three(text, '-')?;
        (parts[0], parts[1], parts[2])
    };
    let fits = |part: &str, length: usize| {
        (1..=length).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if year.len() != 4 || !fits(year, 4) || !fits(month, 2) || !fits(day, 2) {
        return None;
    }
    let year = year.parse().ok().filter(|year| YEARS.contains(year))?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

fn split_three(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.trim().split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// The part at `index` of a composite value, its parts parted by `$`; empty parts at the end may be missing.
pub(super) fn part(composite: &str, index: usize) -> &str {
    composite.split('$').nth(index).unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_orders_are_read_and_impossible_ones_are_not() {
        for (text, expected) in [
            ("03/02/2013", Some((2013, 2, 3))),
            ("2013-02-03", Some((2013, 2, 3))),
            (" 3/2/2013 ", Some((2013, 2, 3))),
            ("29/02/2012", Some((2012, 2, 29))),
            ("29/02/2013", None),
            ("02/13/2013", None),
            ("03/02/13", None),
            ("2013-02-03T00:00", None),
            ("03-02-2013", None),
            ("+3/02/2013", None),
            ("03/02/0013", None),
            ("03/02/2013/1", None),
            ("", None),
        ] {
            let expected = expected.map(|(year, month, day)| Date::new(year, month, day).unwrap());
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_cleaned_of_what_producers_leave_in_them() {
        assert_eq!(plain("  EXEMPLE \n\t de  l&apos;ESSAI\u{a0} "), "EXEMPLE de l'ESSAI");
        assert_eq!(plain("D&eacute;sir&#233;e"), "Désirée");
    }

    #[test]
    fn characters_that_cannot_be_seen_are_refused() {
        for text in ["a\u{0}b", "a\u{7}b", "a\u{202e}b", "a\u{200b}b", "a&#8238;b"] {
            assert_eq!(word("sn", text, 10), Err(Reason::Invisible("sn".to_owned())), "{text:?}");
        }
        assert_eq!(word("sn", "œ’-é", 10), Ok("œ’-é".to_owned()));
        assert_eq!(word("sn", "aaaaaaaaaaa", 10), Err(Reason::TooLong("sn".to_owned())));
    }

    #[test]
    fn parts_of_composites_may_be_empty_or_missing() {
        assert_eq!(part("52006$6A", 1), "6A");
        assert_eq!(part("52006$$", 1), "");
        assert_eq!(part("52006", 1), "");
        assert_eq!(part("$6A", 0), "");
    }
}
