//! A line of URLs: `host/path`, for everything on that host whose path begins so.

use super::names;
use crate::{
    lists::Reason,
    model::{Site, UrlPath},
};

/// The host and the beginning of paths that a line lists; none where it is empty or a comment.
///
/// A scheme in front and a port behind the host are left away, as is what follows `#`.
pub(in crate::lists) fn read(line: &str) -> Result<Option<(Site, UrlPath)>, Reason> {
    let text = line.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let Some(host_end) = text.find(['/', '?', '#']) else { return Err(Reason::UrlWithoutPath) };
    let (host, rest) = text.split_at(host_end);
    let (path, place) = rest.split_once('#').map_or((rest, None), |(path, place)| (path, Some(place)));
    // Without its place in the page, the line would list the whole site.
    if place.is_some() && matches!(path, "" | "/") {
        return Err(Reason::PlaceInPage);
    }
    let path = if path.starts_with('/') { UrlPath::from(path) } else { UrlPath::from(&*format!("/{path}")) };
    Ok(Some((names::site(without_port(host))?, path)))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_the_beginning_of_a_path() {
        for (line, host, path) in [
            ("jeux.example/echecs", "jeux.example", "/echecs"),
            ("http://jeux.example:8080/a?b=1\r\n", "jeux.example", "/a?b=1"),
            ("jeux.example?b=1", "jeux.example", "/?b=1"),
            ("jeux.example/", "jeux.example", "/"),
            ("jeux.example/a.html#place", "jeux.example", "/a.html"),
            ("203.0.113.9/~alice", "203.0.113.9", "/~alice"),
            ("[2001:db8::7]:8080/a", "2001:db8::7", "/a"),
        ] {
            let (site, read_path) = read(line).unwrap().unwrap();
            assert_eq!((site.to_string().as_str(), read_path.as_str()), (host, path), "{line}");
        }
    }

    #[test]
    fn a_line_without_host_or_path_lists_nothing() {
        assert_eq!(read("# jeux.example/a"), Ok(None));
        assert_eq!(read(" "), Ok(None));
        assert_eq!(read("jeux.example"), Err(Reason::UrlWithoutPath));
        assert_eq!(read("jeux.example/#place"), Err(Reason::PlaceInPage));
        assert_eq!(read("jeux.example#place"), Err(Reason::PlaceInPage));
        assert!(matches!(read("/chemin"), Err(Reason::NotAName(_))));
        assert_eq!(read("com/a"), Err(Reason::TopLevel));
    }
}
