//! What the web of the lab looks like: a few sites worth looking at, one plain page for all others, the answers that
//! operating systems expect of a free line, and bodies of any length or slowness.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{
    Response, StatusCode,
    body::{Body as HttpBody, Frame, SizeHint},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// A body of any kind.
pub(super) type Body = BoxBody<Bytes, Infallible>;

/// One piece of a long body.
static PIECE: [u8; 64 * 1024] = [b'.'; 64 * 1024];

/// The answer that the operating system or browser behind a probe takes for "no portal here".
pub(super) fn probe(host: &str, path: &str) -> Option<(StatusCode, &'static str)> {
    Some(match (host, path) {
        (_, "/generate_204" | "/gen_204") => (StatusCode::NO_CONTENT, ""),
        ("captive.apple.com", _) | (_, "/hotspot-detect.html") => {
            (StatusCode::OK, "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>")
        }
        ("detectportal.firefox.com", "/success.txt") => (StatusCode::OK, "success\n"),
        ("detectportal.firefox.com", "/canonical.html") => (
            StatusCode::OK,
            "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>",
        ),
        ("www.msftconnecttest.com", "/connecttest.txt") => (StatusCode::OK, "Microsoft Connect Test"),
        ("www.msftncsi.com", "/ncsi.txt") => (StatusCode::OK, "Microsoft NCSI"),
        ("nmcheck.gnome.org", "/check_network_status.txt") => (StatusCode::OK, "NetworkManager is online\n"),
        _ => return None,
    })
}

/// The home page of `host`.
pub(super) fn of_host(host: &str) -> String {
    let (title, colour, text) = match host {
        "fr.vikidia.example" => (
            "Vikidia, l’encyclopédie des 8-13 ans",
            "#2b6cb0",
            "<h2>Le préau</h2><p>Un <b>préau</b> est la partie couverte d’une cour d’école. On s’y met à l’abri de la \
             pluie, on y joue, on y attend la cloche.</p><h2>Voir aussi</h2><ul><li>La cour de récréation</li>\
             <li>Le collège</li><li>L’internet</li></ul>",
        ),
        "jeux-en-ligne.example" => (
            "Jeux en ligne",
            "#c05621",
            "<p>Cent jeux gratuits, tout de suite, sans fin.</p><ul><li>Les billes</li><li>La marelle</li>\
             <li>Le saute-mouton</li></ul>",
        ),
        "videos.example" => {
            ("Vidéos", "#97266d", "<p>Des vidéos de chats, de volcans et de chats sur des volcans.</p>")
        }
        "www.ac-exemple.fr" => (
            "Académie d’Exemple",
            "#1a365d",
            "<p>Bienvenue sur le site de l’académie : calendrier, établissements, services aux personnels.</p>",
        ),
        "tableau.exemple.fr" => ("Tableau interactif", "#276749", "<p>Les mises à jour du tableau.</p>"),
        _ => (
            "Un site de l’Internet du labo",
            "#4a5568",
            "<p>Ce site répond, comme tous les noms du labo.</p>",
        ),
    };
    let host = host.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html><html lang=fr><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><link rel=icon href=\"data:,\"><style>body{{margin:0;font:1.1em/1.5 system-ui,sans-serif;\
         color:#1a202c}}header{{background:{colour};color:#fff;padding:2rem}}main,footer{{padding:1rem 2rem;\
         max-width:40rem}}footer{{color:#4a5568}}</style><header><h1>{title}</h1></header><main>{text}</main>\
         <footer>{host}</footer></html>\n"
    )
}

/// A body of `count` bytes.
pub(super) fn bytes(count: u64) -> Response<Body> {
    Response::new(BodyExt::boxed(Long { left: count, wait: None }))
}

/// A body of `seconds` bytes, one a second.
pub(super) fn slow(seconds: u64) -> Response<Body> {
    Response::new(BodyExt::boxed(Long { left: seconds, wait: Some(Box::pin(sleep_until(Instant::now()))) }))
}

/// A body made while it is sent: as fast as it goes, or a byte a second.
struct Long {
    left: u64,
    wait: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Long {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let fast = Bytes::from_static(&PIECE);
        let length = match &mut self.wait {
            None => usize::try_from(self.left).unwrap_or(fast.len()).min(fast.len()),
            Some(wait) => {
                ready!(wait.as_mut().poll(context));
                wait.as_mut().reset(Instant::now() + Duration::from_secs(1));
                1
            }
        };
        self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(Frame::data(fast.slice(..length)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_body_has_the_length_asked() {
        let body = bytes(200_000).into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), 200_000);
    }

    #[test]
    fn a_page_names_its_host_and_nothing_of_it_is_markup() {
        let page = of_host("<script>.example");
        assert!(page.contains("&lt;script>.example") && !page.contains("<script>"));
        assert!(of_host("fr.vikidia.example").contains("préau"));
    }

    #[test]
    fn operating_systems_find_a_free_line() {
        let android = probe("connectivitycheck.gstatic.com", "/generate_204").unwrap();
        assert_eq!(android.0, StatusCode::NO_CONTENT);
        assert_eq!(probe("fr.vikidia.example", "/"), None);
    }
}
