//! Figures as people read them.

use super::language::Language;

/// The space that keeps a number together: narrow and without a break.
const NARROW: char = '\u{202f}';

/// A whole number in groups of three digits.
pub(super) fn count(language: Language, number: u64) -> String {
    let digits = number.to_string();
    let separator = match language {
        Language::French => NARROW,
        Language::English => ',',
    };
    let mut written = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(separator);
        }
        written.push(digit);
    }
    written
}

/// So many bytes, in the greatest unit of a thousand that says something.
pub(super) fn bytes(language: Language, bytes: u64) -> String {
    let (number, french, english) = match bytes {
        0..1_000_000 => (bytes / 1_000, "ko", "kB"),
        1_000_000..1_000_000_000 => (bytes / 1_000_000, "Mo", "MB"),
        _ => (bytes / 1_000_000_000, "Go", "GB"),
    };
    let unit = match language {
        Language::French => french,
        Language::English => english,
    };
    format!("{}{NARROW}{unit}", count(language, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_sized_for_the_eye() {
        assert_eq!(count(Language::French, 412_000), "412\u{202f}000");
        assert_eq!(count(Language::English, 1_412_000), "1,412,000");
        assert_eq!(count(Language::English, 12), "12");
        assert_eq!(bytes(Language::French, 240_000_000_000), "240\u{202f}Go");
        assert_eq!(bytes(Language::English, 61_500_000), "61\u{202f}MB");
    }
}
