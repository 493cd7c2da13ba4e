//! Single values of the file, read into types that cannot be wrong.

use std::{str::FromStr, sync::Arc};

use toml::Spanned;

use super::problem::Collector;

/// The longest name the kernel gives an interface (IFNAMSIZ less its final zero).
const INTERFACE_NAME_BYTES_MAX: usize = 15;

/// The longest text shown to people, in bytes: it stands in one line of a page.
const TEXT_BYTES_MAX: usize = 200;

/// Reads a value by its own parser, whose error says what the value should look like.
pub(super) fn parsed<T>(field: &str, text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.get_ref()
        .parse()
        .map_err(|error: T::Err| problems.at(&text.span(), format!("{field}: {error}")))
        .ok()
}

/// Reads one word out of a few.
pub(super) fn word<T: Copy>(
    field: &str,
    text: &Spanned<String>,
    choices: &[(&str, T)],
    problems: &mut Collector<'_>,
) -> Option<T> {
    let found = choices.iter().find(|(word, _)| word == text.get_ref());
    if found.is_none() {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        let what = format!("{field}: `{}` is not one of {}", text.get_ref(), words.join(", "));
        problems.at(&text.span(), what);
    }
    found.map(|(_, value)| *value)
}

/// Reads a text that people are shown; spaces around it do not count.
pub(super) fn shown(field: &str, text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<String> {
    let shown = text.get_ref().trim();
    let what = if shown.is_empty() {
        format!("{field}: empty; write what people should read")
    } else if shown.len() > TEXT_BYTES_MAX {
        format!("{field}: longer than {TEXT_BYTES_MAX} bytes; shorten it")
    } else if shown.chars().any(char::is_control) {
        format!("{field}: holds a control character; write it on one line")
    } else {
        return Some(shown.to_owned());
    };
    problems.at(&text.span(), what);
    None
}

/// Reads the name of a network interface.
pub(super) fn interface(
    field: &str,
    text: &Spanned<String>,
    problems: &mut Collector<'_>,
) -> Option<Arc<str>> {
    let name = text.get_ref();
    let fits = (1..=INTERFACE_NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ![".", ".."].contains(&name.as_str());
    let what = if !fits {
        format!(
            "{field}: `{name}` cannot name an interface; use 1 to {INTERFACE_NAME_BYTES_MAX} letters, digits, `-`, `_`, `.`"
        )
    } else if name == "lo" {
        format!("{field}: `lo` is the machine's way to itself; name a network interface, see `ip link`")
    } else {
        return Some(Arc::from(name.as_str()));
    };
    problems.at(&text.span(), what);
    None
}
