//! What the functions of staff make of them here.

use super::Format;
use crate::model::Role;

/// Functions that stand before pupils or look after them: teachers, documentation, and school life, who hold the same
/// keys to a class's web because the pupils sit with them when the teacher does not.
const WITH_PUPILS: &[&str] = &["ENS", "DOC", "EDU", "AED", "ADE", "SUR"];

/// Functions of direction, offices, care, workshops and kitchens.
const OTHERS: &[&str] = &[
    "ACP", "ADF", "AES", "ALB", "ASE", "ASH", "CFC", "CTR", "DIR", "LAB", "MDS", "ORI", "OUV", "PSY", "TEC",
];

/// What somebody with the function `code` is; none where it is in no list. The head of a primary school teaches.
pub(super) fn role(code: &str, format: Format) -> Option<Role> {
    let teaches = WITH_PUPILS.contains(&code) || (code == "DIR" && format == Format::Aaf1d);
    if teaches { Some(Role::Enseignant) } else { OTHERS.contains(&code).then_some(Role::Administratif) }
}

/// What somebody with all these functions is: a teacher if one of them is with pupils, then by the known ones. Where none
/// is known, those who stand before pupils or have classes of their own are teachers.
pub(super) fn role_of_all<'a>(
    codes: impl IntoIterator<Item = &'a str>,
    format: Format,
    stands_before_pupils: bool,
) -> Role {
    let by_function =
        codes.into_iter().filter_map(|code| role(code, format)).min_by_key(|role| *role != Role::Enseignant);
    by_function.unwrap_or(if stands_before_pupils { Role::Enseignant } else { Role::Administratif })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_decide_and_standing_before_pupils_where_they_do_not() {
        for (codes, stands, expected) in [
            (&["ENS"][..], false, Role::Enseignant),
            (&["DOC"], false, Role::Enseignant),
            (&["AED"], false, Role::Enseignant),
            (&["DIR"], true, Role::Administratif),
            (&["ADF", "ENS"], false, Role::Enseignant),
            (&["ADF", "XYZ"], true, Role::Administratif),
            (&["-"], true, Role::Enseignant),
            (&["-"], false, Role::Administratif),
            (&[], true, Role::Enseignant),
            (&[], false, Role::Administratif),
        ] {
            assert_eq!(role_of_all(codes.iter().copied(), Format::Aaf, stands), expected, "{codes:?}");
        }
        assert_eq!(role("DIR", Format::Aaf1d), Some(Role::Enseignant));
    }
}
