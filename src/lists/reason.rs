//! Why something in a folder of lists was left out, in words that say what to do.

use std::fmt;

use crate::model::DomainError;

/// Why a line or a file was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A line that is not UTF-8.
    NotText,
    /// A line longer than its format can have.
    TooLong,
    /// A word that is no host name.
    NotAName(DomainError),
    /// Several words in a line that is not of a hosts file.
    SeveralWords,
    /// A whole top-level domain.
    TopLevel,
    /// A URL among names.
    UrlAmongNames,
    /// A network among names.
    Network,
    /// A line of a hosts file that sends a name to some other machine.
    Mapping,
    /// A name every hosts file has for the machine itself.
    OwnName,
    /// An AdGuard rule that takes names out of a list.
    Exception,
    /// An AdGuard rule that holds under conditions the box cannot see.
    Options,
    /// An AdGuard rule for addresses of a certain form.
    Pattern,
    /// An AdGuard rule that hides parts of pages.
    Cosmetic,
    /// A URL without a path.
    UrlWithoutPath,
    /// A URL that differs from its host only behind `#`.
    PlaceInPage,
    /// A URL the table cannot hold.
    UrlTooDeep,
    /// An expression that is refused.
    Expression,
    /// A protected name, left out as asked.
    Protected,
    /// A directory whose name no rule could write.
    CategoryName,
    /// A directory without any list.
    NoList,
    /// A link to nothing, out of the folder, or to something that is no category.
    Link,
    /// A link in place of a list.
    LinkedFile,
    /// A pipe, a device or a socket in place of a list.
    NotAFile,
    /// A directory inside a category.
    Nested,
    /// A compressed file or an archive.
    Packed,
    /// A list that lies outside every category.
    OutsideCategory,
    /// A file whose name says nothing about its format.
    UnknownFile,
    /// The very restrictive expressions of the Toulouse lists.
    VeryRestrictive,
}

impl Reason {
    /// Whether sound lists hold such things too, so that only their count is worth a line.
    #[must_use]
    pub fn is_usual(self) -> bool {
        matches!(self, Self::OwnName | Self::Cosmetic | Self::VeryRestrictive)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotText => "not UTF-8 text",
            Self::TooLong => "the line is too long for its format",
            Self::NotAName(error) => return error.fmt(f),
            Self::SeveralWords => "several words; write one name a line",
            Self::TopLevel => "a whole top-level domain; write it in the `sites` of a rule",
            Self::UrlAmongNames => "a URL; write it in a file `urls`",
            Self::Network => "a network; write it in the `sites` of a rule",
            Self::Mapping => {
                "a line that sends a name to another machine; only 0.0.0.0, 127.0.0.1, :: and ::1 list it"
            }
            Self::OwnName => "names of the machine itself, as every hosts file has them",
            Self::Exception => "an exception, and a list can only add; write a rule with effect = \"allow\"",
            Self::Options => "options narrow the rule to what a filter of names cannot see",
            Self::Pattern => "a rule for parts of sites or for patterns of addresses; only ||name^ is read",
            Self::Cosmetic => "rules that hide parts of pages",
            Self::UrlWithoutPath => "no path; a whole site belongs in a file `domains`",
            Self::PlaceInPage => "a place inside a page (#), which no request names",
            Self::UrlTooDeep => "the URL has too many parts",
            Self::Expression => "the expression is refused",
            Self::Protected => "a protected name, left out as asked",
            Self::CategoryName => "not a category's name (a-z, 0-9, _ and -, at most 64)",
            Self::NoList => "a directory without a list; name the list `domains`, `urls` or `expressions`",
            Self::Link => "a link that leads to no category of this folder",
            Self::LinkedFile => "a link in place of a list; only a whole category may be a link to another",
            Self::NotAFile => "no plain file",
            Self::Nested => "a directory inside a category; nothing in it is read",
            Self::Packed => "a compressed file; unpack it first",
            Self::OutsideCategory => {
                "a list outside every category; move it into a directory named as the category"
            }
            Self::UnknownFile => {
                "its name tells no format; end it in .txt, .hosts, .domains, .urls or .expressions"
            }
            Self::VeryRestrictive => {
                "very restrictive expressions, which block far more than the category says"
            }
        })
    }
}
