//! What kind of file a name stands for, by a fixed table: what a package says of itself is not asked.
//!
//! A browser that is told a kind and `nosniff` keeps to it. What no line of the table names is handed out as bytes to save.

/// The kind of a file, as a browser is told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The media type.
    pub word: &'static str,
    /// Whether a browser runs nothing of it: such a file needs no cage, and viewers of PDF will not work in one.
    pub is_inert: bool,
}

/// What is not in the table.
const OTHER: Media = Media { word: "application/octet-stream", is_inert: true };

/// Endings and what they stand for. Whatever can hold script is not inert, style sheets and scripts themselves included.
const TABLE: &[(&[&str], &str, bool)] = &[
    (&["html", "htm"], "text/html; charset=utf-8", false),
    (&["xhtml"], "application/xhtml+xml", false),
    (&["css"], "text/css; charset=utf-8", false),
    (&["js", "mjs"], "text/javascript; charset=utf-8", false),
    (&["json", "map"], "application/json", false),
    (&["webmanifest"], "application/manifest+json", false),
    (&["xml"], "application/xml", false),
    (&["svg"], "image/svg+xml", false),
    (&["wasm"], "application/wasm", false),
    (&["txt", "md", "csv"], "text/plain; charset=utf-8", true),
    (&["vtt"], "text/vtt; charset=utf-8", true),
    (&["png"], "image/png", true),
    (&["jpg", "jpeg"], "image/jpeg", true),
    (&["gif"], "image/gif", true),
    (&["webp"], "image/webp", true),
    (&["avif"], "image/avif", true),
    (&["ico"], "image/x-icon", true),
    (&["woff2"], "font/woff2", true),
    (&["woff"], "font/woff", true),
    (&["ttf"], "font/ttf", true),
    (&["otf"], "font/otf", true),
    (&["mp3"], "audio/mpeg", true),
    (&["m4a"], "audio/mp4", true),
    (&["ogg", "oga", "opus"], "audio/ogg", true),
    (&["wav"], "audio/wav", true),
    (&["mp4", "m4v"], "video/mp4", true),
    (&["webm"], "video/webm", true),
    (&["ogv"], "video/ogg", true),
    (&["pdf"], "application/pdf", true),
    (&["epub"], "application/epub+zip", true),
    (&["zip"], "application/zip", true),
    (&["odt"], "application/vnd.oasis.opendocument.text", true),
    (&["ods"], "application/vnd.oasis.opendocument.spreadsheet", true),
    (&["odp"], "application/vnd.oasis.opendocument.presentation", true),
];

impl Media {
    /// What a file of that name or path is.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let last = name.rsplit('/').next().unwrap_or(name);
        let Some((_, ending)) = last.rsplit_once('.') else { return OTHER };
        let ending = ending.to_ascii_lowercase();
        TABLE
            .iter()
            .find(|(endings, ..)| endings.contains(&ending.as_str()))
            .map_or(OTHER, |(_, word, is_inert)| Self { word, is_inert: *is_inert })
    }

    /// Whether it is a page: what counts as one use of a package.
    #[must_use]
    pub fn is_page(self) -> bool {
        self.word.starts_with("text/html") || self.word.starts_with("application/xhtml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_by_its_last_ending() {
        for (name, word) in [
            ("cours/index.HTML", "text/html; charset=utf-8"),
            ("a.pdf.html", "text/html; charset=utf-8"),
            ("atlas.pdf", "application/pdf"),
            ("html", "application/octet-stream"),
            ("a.html/b", "application/octet-stream"),
            ("a.exe", "application/octet-stream"),
        ] {
            assert_eq!(Media::of(name).word, word, "{name}");
        }
    }

    #[test]
    fn whatever_a_browser_could_run_is_not_inert() {
        for name in ["a.html", "a.htm", "a.xhtml", "a.svg", "a.xml", "a.js", "a.mjs", "a.wasm", "a.css"] {
            assert!(!Media::of(name).is_inert, "{name}");
        }
    }
}
