//! A school on the command line.

use preau::model::Uai;

/// The school's code that somebody typed.
pub(super) fn uai(text: &str) -> Result<Uai, String> {
    Uai::new(text)
        .ok_or_else(|| format!("`{text}` is not seven digits and a capital letter, such as `0809999Z`"))
}
