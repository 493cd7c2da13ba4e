//! Deliveries as schools send them, with every trap that importers met: invented people in files of a moment.

mod builder;
mod composites;
mod csv;
mod deliveries;
mod hostile;
mod xml;

use super::Reason;

#[test]
fn the_page_on_the_directory_has_every_reason_of_refusal() {
    let page = include_str!("../../../docs/directory.md");
    let name = || "…".to_owned();
    for reason in [
        Reason::NoIdentifier,
        Reason::Missing(name()),
        Reason::TooLong(name()),
        Reason::TooLarge,
        Reason::Invisible(name()),
        Reason::Contradiction(name()),
        Reason::SeenBefore,
        Reason::NoSchool,
        Reason::SchoolUnknown(name()),
        Reason::NotUai,
        Reason::NoRole(name()),
        Reason::NotADate(name()),
        Reason::TwoAlike,
        Reason::Entity(name()),
        Reason::Operation(name()),
        Reason::NotInComplete,
        Reason::Fields(3, 5),
        Reason::NoColumn(name()),
        Reason::Declarations,
        Reason::TooDeep,
        Reason::Malformed,
        Reason::Cut,
        Reason::Unreadable,
    ] {
        assert!(page.contains(&format!("| {reason} |")), "{reason}");
    }
}
