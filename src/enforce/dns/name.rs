//! Names of DNS questions as the judge can read them.
//!
//! DNS allows any byte in a label; a [`Domain`] has only what host names have. A name with other labels, such as
//! `Salle 12._ipp._tcp.exemple.fr`, is judged by its longest end that is a host name, here `_ipp._tcp.exemple.fr`. No
//! rule is missed by that: rules and lists name hosts only, and what covers a name covers everything below it.

use domain::base::name::Label;

use crate::model::Domain;

/// What of a name the judge reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// The name, or its longest end that is a host name.
    pub(super) name: Domain,
    /// Whether that is the whole name.
    pub(super) whole: bool,
}

impl Judged {
    /// Reads a name's labels, its root included or not. None where even the last label is no host name's, such as in
    /// `192.0.2.1` or the root: nothing could be judged, so nothing is asked.
    pub(super) fn read<'a>(labels: impl Iterator<Item = &'a Label>) -> Option<Self> {
        let mut text = [0; Domain::BYTES_MAX + 1];
        let mut length = 0;
        let mut whole = true;
        for label in labels.filter(|label| !label.is_root()) {
            let label = label.as_slice();
            if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
                whole = false;
                length = 0;
                continue;
            }
            let end = length + label.len();
            text.get_mut(length..end)?.copy_from_slice(label);
            *text.get_mut(end)? = b'.';
            length = end + 1;
        }
        let name = std::str::from_utf8(text.get(..length)?).ok()?.parse().ok()?;
        Some(Self { name, whole })
    }
}

#[cfg(test)]
mod tests {
    use domain::base::Name;

    use super::*;

    fn check(wire: &[u8], expected: Option<(&str, bool)>) {
        let name = Name::from_slice(wire).unwrap();
        let read = Judged::read(name.iter());
        assert_eq!(read.as_ref().map(|judged| (judged.name.as_str(), judged.whole)), expected, "{wire:?}");
    }

    #[test]
    fn a_host_name_is_judged_whole_and_in_lower_case() {
        check(b"\x03WwW\x07exemple\x02fr\0", Some(("www.exemple.fr", true)));
    }

    #[test]
    fn a_name_with_other_bytes_is_judged_by_its_end() {
        check(b"\x08Salle 12\x04_ipp\x02fr\0", Some(("_ipp.fr", false)));
        check(b"\x03www\x05a\0b c\x07exemple\x02fr\0", Some(("exemple.fr", false)));
    }

    #[test]
    fn a_dot_inside_a_label_does_not_pass_for_two_labels() {
        check(b"\x0bwww.exemple\x02fr\0", Some(("fr", false)));
    }

    #[test]
    fn what_has_no_host_name_at_its_end_is_not_judged() {
        check(b"\0", None);
        check(b"\x03192\x010\x012\x011\0", None);
        check(b"\x07exemple\x03f r\0", None);
    }
}
