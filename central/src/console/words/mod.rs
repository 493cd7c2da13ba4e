//! All text of the console. The macro `words!` makes a struct of sentences from lines that hold French and English side by
//! side: a sentence that lacks a language does not compile, and whoever changes one sees the other.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($word:ident: $french:literal, $english:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::console) struct $name { $(pub(in crate::console) $word: &'static str,)* }

        impl $name {
            /// The sentences in `language`.
            pub(in crate::console) const fn of(language: crate::console::language::Language) -> &'static Self {
                match language {
                    crate::console::language::Language::French => &Self { $($word: $french,)* },
                    crate::console::language::Language::English => &Self { $($word: $english,)* },
                }
            }

            /// Each sentence in both languages.
            #[cfg(test)]
            pub(in crate::console) const ALL: &'static [[&'static str; 3]] =
                &[$([stringify!($word), $french, $english],)*];
        }
    };
}

mod fleet;
mod frame;
mod rights;
mod sign_in;

pub(super) use fleet::FleetWords;
pub(super) use frame::{FrameWords, PlaceWords, RefusalWords};
pub(super) use rights::right_name;
pub(super) use sign_in::{InvitationWords, SignInWords, password_refused};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_is_missing_in_either_language() {
        let all = [
            FrameWords::ALL,
            PlaceWords::ALL,
            RefusalWords::ALL,
            SignInWords::ALL,
            InvitationWords::ALL,
            FleetWords::ALL,
        ];
        for [name, french, english] in all.into_iter().flatten() {
            assert!(!french.trim().is_empty() && !english.trim().is_empty(), "{name}");
            let long = french.chars().count() > 25;
            assert!(!long || french != english, "{name} is not translated");
            assert!(!french.contains('\''), "{name}: the French apostrophe is ’");
        }
    }
}
