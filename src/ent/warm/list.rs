//! Lists of what is to be warmed: a sitemap (sitemaps.org, 0.9), an index of sitemaps, or a manifest in JSON.
//!
//! ```text
//! {"pages": ["/cours/6a/lecon-1", …], "media": ["https://ent.exemple.fr/media/film.mp4", …]}
//! ```
//!
//! Of a sitemap, `loc` of a `url` is a page; `loc` of an `image` and `content_loc` of a `video` are media. Either may come
//! packed (gzip). An address is a path, or a URL of the very site the list is of; others are left out and counted.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};
use serde::Deserialize;

use crate::model::Domain;

/// Bounds on a list, each with what it stops.
pub(super) struct Limits;

impl Limits {
    /// Longest list as it comes, and unpacked: sitemaps may have 50 MB, those of a school have a few hundred kB.
    pub(super) const BYTES: usize = 16 << 20;
    /// Addresses of a list: a night has time for no more.
    const ADDRESSES: usize = 20_000;
    /// Lists that an index names.
    const LISTS: usize = 64;
    /// Longest address in bytes, as sitemaps.org has it.
    const ADDRESS_BYTES: usize = 2048;
    /// Elements inside each other.
    const DEPTH: usize = 16;
}

/// Why bytes are no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list is malformed or too large")]
pub(super) struct Unreadable;

/// What a list names, each address a path and query on the list's own site.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) pages: Vec<String>,
    pub(super) media: Vec<String>,
    /// Further lists; a list that is named by another names none.
    pub(super) lists: Vec<String>,
    /// Addresses of other sites.
    pub(super) elsewhere: u64,
    /// Addresses that cannot be read, or are too many.
    pub(super) left_out: u64,
}

/// What an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Page,
    Media,
    List,
}

/// The manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default)]
    pages: Vec<String>,
    #[serde(default)]
    media: Vec<String>,
}

impl List {
    /// Reads the list in `bytes`, which the site `host` gave.
    pub(super) fn read(bytes: &[u8], host: &Domain) -> Result<Self, Unreadable> {
        let unpacked;
        let bytes = match bytes {
            [0x1f, 0x8b, ..] => {
                unpacked = unpack(bytes)?;
                &unpacked[..]
            }
            plain => plain,
        };
        if bytes.len() > Limits::BYTES {
            return Err(Unreadable);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
        if text.starts_with('{') { Self::of_manifest(text, host) } else { Self::of_sitemap(text, host) }
    }

    /// Takes in what a list names that this one names.
    pub(super) fn take_in(&mut self, other: Self) {
        let Self { pages, media, lists: _, elsewhere, left_out } = other;
        self.elsewhere += elsewhere;
        self.left_out += left_out;
        for (kind, paths) in [(Kind::Page, pages), (Kind::Media, media)] {
            for path in paths {
                self.enter(kind, path);
            }
        }
    }

    fn of_manifest(text: &str, host: &Domain) -> Result<Self, Unreadable> {
        let Manifest { pages, media } = serde_json::from_str(text).map_err(|_| Unreadable)?;
        let mut list = Self::default();
        for (kind, written) in [(Kind::Page, pages), (Kind::Media, media)] {
            for address in written {
                list.add(kind, &address, host);
            }
        }
        Ok(list)
    }

    fn of_sitemap(text: &str, host: &Domain) -> Result<Self, Unreadable> {
        let mut list = Self::default();
        let mut reader = Reader::from_str(text);
        // The elements that are open, the outermost first, and the text of the innermost.
        let mut open: Vec<String> = Vec::new();
        let mut written = String::new();
        let mut has_root = false;
        loop {
            match reader.read_event().map_err(|_| Unreadable)? {
                Event::Start(start) => {
                    if open.len() >= Limits::DEPTH {
                        return Err(Unreadable);
                    }
                    if open.is_empty() {
                        if has_root || !is_root(start.local_name().into_inner()) {
                            return Err(Unreadable);
                        }
                        has_root = true;
                    }
                    open.push(start.local_name().into_inner().to_owned());
                    written.clear();
                }
                Event::End(_) => {
                    let name = open.pop().ok_or(Unreadable)?;
                    if let Some(kind) = kind_of(open.last().map_or("", String::as_str), &name) {
                        list.add(kind, &written, host);
                    }
                    written.clear();
                }
                Event::Text(text) => push(&mut written, &text.xml10_content()),
                Event::CData(data) => push(&mut written, &data.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| Unreadable)? {
                    Some(character) => push(&mut written, character.encode_utf8(&mut [0; 4])),
                    None => {
                        let name = reference.into_inner();
                        push(&mut written, resolve_predefined_entity(&name).ok_or(Unreadable)?);
                    }
                },
                Event::DocType(_) => return Err(Unreadable),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() && has_root => return Ok(list),
                Event::Eof => return Err(Unreadable),
            }
        }
    }

    fn add(&mut self, kind: Kind, written: &str, host: &Domain) {
        match path_on(host, written) {
            Place::Here(path) => self.enter(kind, path),
            Place::Elsewhere => self.elsewhere += 1,
            Place::Unreadable => self.left_out += 1,
        }
    }

    fn enter(&mut self, kind: Kind, path: String) {
        let addresses = self.pages.len() + self.media.len();
        let has_room = match kind {
            Kind::Page | Kind::Media => addresses < Limits::ADDRESSES,
            Kind::List => self.lists.len() < Limits::LISTS,
        };
        if !has_room {
            self.left_out += 1;
            return;
        }
        match kind {
            Kind::Page => self.pages.push(path),
            Kind::Media => self.media.push(path),
            Kind::List => self.lists.push(path),
        }
    }
}

/// Unpacks gzip, as far as a list may be long: a bomb stays small.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let limit = u64::try_from(Limits::BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked);
    read.map_err(|_| Unreadable)?;
    if unpacked.len() > Limits::BYTES { Err(Unreadable) } else { Ok(unpacked) }
}

fn is_root(name: &str) -> bool {
    matches!(name, "urlset" | "sitemapindex")
}

/// What the text of an element `name` in an element `within` is the address of.
fn kind_of(within: &str, name: &str) -> Option<Kind> {
    match (within, name) {
        ("url", "loc") => Some(Kind::Page),
        ("image", "loc") | ("video", "content_loc") => Some(Kind::Media),
        ("sitemap", "loc") => Some(Kind::List),
        _ => None,
    }
}

/// Adds to an address as far as it can become one; a longer one is none.
fn push(written: &mut String, more: &str) {
    if written.len() <= Limits::ADDRESS_BYTES {
        written.push_str(more);
    }
}

/// Where an address leads.
enum Place {
    Here(String),
    Elsewhere,
    Unreadable,
}

/// The path and query of an address on `host`.
fn path_on(host: &Domain, written: &str) -> Place {
    let text = written.trim();
    let text = text.split('#').next().unwrap_or_default();
    if text.is_empty()
        || text.len() > Limits::ADDRESS_BYTES
        || !text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Place::Unreadable;
    }
    if text.starts_with('/') && !text.starts_with("//") {
        return Place::Here(text.to_owned());
    }
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    });
    let Some(rest) = rest.or_else(|| text.strip_prefix("//")) else { return Place::Unreadable };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let name = [":443", ":80"].iter().find_map(|port| authority.strip_suffix(port)).unwrap_or(authority);
    match name.parse::<Domain>() {
        Ok(name) if name == *host => {
            Place::Here(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
        }
        Ok(_) => Place::Elsewhere,
        Err(_) => Place::Unreadable,
    }
}

/// Reads `bytes` as a list; for fuzzing.
///
/// # Panics
/// Where what it names is no path, or more than a list may name.
pub fn exercise(bytes: &[u8]) {
    let host: Domain = "ent.exemple.fr".parse().expect("it is a name");
    if let Ok(list) = List::read(bytes, &host) {
        let named = [&list.pages, &list.media, &list.lists];
        assert!(named.iter().flat_map(|paths| paths.iter()).all(|path| path.starts_with('/')));
        assert!(list.pages.len() + list.media.len() <= Limits::ADDRESSES);
        assert!(list.lists.len() <= Limits::LISTS);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn host() -> Domain {
        "ent.exemple.fr".parse().unwrap()
    }

    fn read(text: &str) -> Result<List, Unreadable> {
        List::read(text.as_bytes(), &host())
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    const SITEMAP: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <!-- written by hand -->
        <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
          <url><loc>https://ent.exemple.fr/cours?a=1&amp;b=2</loc><lastmod>2026-11-20</lastmod>
            <image:image><image:loc>https://ent.exemple.fr/media/carte.png</image:loc></image:image></url>
          <url><loc><![CDATA[ https://ENT.exemple.fr:443/aide#haut ]]></loc></url>
          <url><loc>https://ent.exemple.fr</loc></url>
          <url><loc>https://ailleurs.exemple/x</loc></url>
          <url><loc>ftp://ent.exemple.fr/x</loc></url>
        </urlset>"#;

    #[test]
    fn a_sitemap_names_pages_and_media_of_its_own_site() {
        let list = read(SITEMAP).unwrap();
        assert_eq!(list.pages, ["/cours?a=1&b=2", "/aide", "/"]);
        assert_eq!(list.media, ["/media/carte.png"]);
        assert_eq!((list.elsewhere, list.left_out, list.lists.len()), (1, 1, 0));
        assert_eq!(List::read(&packed(SITEMAP.as_bytes()), &host()).unwrap(), list);
    }

    #[test]
    fn an_index_names_further_lists() {
        let text =
            "<sitemapindex><sitemap><loc>https://ent.exemple.fr/plan-1.xml.gz</loc></sitemap></sitemapindex>";
        assert_eq!(read(text).unwrap().lists, ["/plan-1.xml.gz"]);
    }

    #[test]
    fn a_manifest_names_pages_and_media() {
        let list =
            read(r#" {"pages": ["/a", "https://ent.exemple.fr/b?c"], "media": ["//ailleurs.exemple/x"]}"#)
                .unwrap();
        assert_eq!((list.pages, list.elsewhere), (vec!["/a".to_owned(), "/b?c".to_owned()], 1));
        assert_eq!(read(r#"{"pages": [], "films": []}"#), Err(Unreadable));
        assert_eq!(read(r#"{"pages": [1]}"#), Err(Unreadable));
    }

    #[test]
    fn what_is_no_list_is_refused_whole() {
        for text in [
            "",
            "bonjour",
            "<html><body/></html>",
            "<urlset><url><loc>/a</loc>",
            "<urlset></urlset><urlset></urlset>",
            "<urlset><url></loc></url></urlset>",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>",
            "<urlset><url><loc>&a;</loc></url></urlset>",
        ] {
            assert_eq!(read(text), Err(Unreadable), "{text}");
        }
        let deep = format!("<urlset>{}", "<a>".repeat(100));
        assert_eq!(read(&deep), Err(Unreadable));
        let cut = packed(SITEMAP.as_bytes());
        assert_eq!(List::read(&cut[..cut.len() / 2], &host()), Err(Unreadable));
    }

    #[test]
    fn a_bomb_stays_small() {
        let bomb = packed(&vec![b' '; Limits::BYTES + 1]);
        assert!(bomb.len() < 100_000);
        assert_eq!(List::read(&bomb, &host()), Err(Unreadable));
    }

    #[test]
    fn what_is_too_much_is_left_out_and_counted() {
        let mut text = String::from("<urlset>");
        for number in 0..Limits::ADDRESSES + 3 {
            text.push_str(&format!("<url><loc>/{number}</loc></url>"));
        }
        text.push_str(&format!("<url><loc>/{}</loc></url></urlset>", "x".repeat(3000)));
        let list = read(&text).unwrap();
        assert_eq!((list.pages.len(), list.left_out), (Limits::ADDRESSES, 4));
    }
}
