//! The macro that makes a struct of sentences from lines with French and English side by side.

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
