//! Private pages of two persons never cross, whatever the headers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use preau::ent::Keep;
use proptest::{
    prelude::*,
    sample::subsequence,
    test_runner::{Config, TestRunner},
};

use crate::stage::{Stage, body, is_hit, rule};

/// What an origin may say of a page that it made for one person.
const PRIVATE: &[&str] = &[
    "Cache-Control: private",
    "Cache-Control: private, max-age=600",
    "Cache-Control: no-store",
    "Cache-Control: no-store, public, max-age=600",
    "Cache-Control: max-age=600, private, stale-while-revalidate=60",
    "CDN-Cache-Control: no-store",
    "CDN-Cache-Control: private",
    "Surrogate-Control: no-store",
    "Vary: *",
    "Cache-Control: no-cache",
    "Cache-Control: max-age=0",
];

/// What else may stand beside it.
const BESIDE: &[&str] = &[
    "ETag: \"a\"",
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
    "Expires: Thu, 18 Aug 2050 02:01:18 GMT",
    "Vary: Accept-Language",
    "Vary: Cookie",
    "Set-Cookie: s=0",
    "Content-Language: fr",
    "Age: 1",
    "Pragma: cache",
    "Content-Type: text/html",
];

/// What a client may send with its request.
const ASKED: &[&str] = &[
    "Cache-Control: max-stale",
    "Cache-Control: only-if-cached",
    "Accept-Language: fr",
    "Range: bytes=0-",
    "Range: bytes=0-3",
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    "Authorization: Basic eDp5",
];

fn lines(fields: &[&str]) -> String {
    fields.iter().map(|field| format!("{field}\r\n")).collect()
}

/// A stage whose origin writes the name of who asks into each page.
async fn stage(keep: Keep, says: String) -> Stage {
    Stage::answering(vec![rule(keep)], move |head| {
        let cookie = head.lines().find_map(|line| line.strip_prefix("cookie: ")).unwrap_or("nobody");
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{says}\r\npage of {cookie}", 8 + cookie.len())
            .into_bytes()
    })
    .await
}

/// Two persons ask for one page at once and one after the other, with the line and without; neither ever gets the other's.
async fn check(keep: Keep, says: &[&str], asks: &[&str]) {
    let stage = stage(keep, lines(says)).await;
    let asks = lines(asks);
    let [anna, basile] = ["anna", "basile"].map(|name| format!("Person: {name}\r\nCookie: {name}\r\n"));
    let (with_anna, with_basile) = (format!("{anna}{asks}"), format!("{basile}{asks}"));
    let mut answers = Vec::new();
    let (one, other) = tokio::join!(stage.get("/moi", &with_anna), stage.get("/moi", &with_basile));
    answers.extend([(one, "basile"), (other, "anna")]);
    answers.push((stage.get("/moi", &anna).await, "basile"));
    stage.cut_line().await;
    stage.wait(4000);
    answers.push((stage.get("/moi", &with_basile).await, "anna"));
    answers.push((stage.get("/moi", &with_anna).await, "basile"));
    answers.push((stage.get("/moi", "").await, "anna"));
    answers.push((stage.get("/moi", "").await, "basile"));
    for (answer, stranger) in answers {
        assert!(!answer.contains(stranger), "{keep:?} {says:?} {asks:?}: {stranger}'s page in {answer}");
        assert!(!(is_hit(&answer) && answer.to_lowercase().contains("set-cookie")), "{answer}");
    }
}

#[test]
fn whatever_the_headers_no_page_reaches_another_person() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = Arc::new(AtomicUsize::new(0));
    let strategy = (
        prop_oneof![Just(Keep::AsTold), Just(Keep::Person), Just(Keep::Never)],
        prop::sample::select(PRIVATE),
        subsequence(BESIDE, 0..5),
        subsequence(ASKED, 0..3),
    );
    let counted = Arc::clone(&cases);
    TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() })
        .run(&strategy, |(keep, private, mut beside, asks)| {
            counted.fetch_add(1, Ordering::SeqCst);
            // A later Vary would join the first; a page for one that says how long it is fresh is the origin's own word.
            if private.starts_with("Cache-Control: no-cache")
                || private.starts_with("Cache-Control: max-age=0")
            {
                beside.retain(|field| !field.starts_with("CDN"));
            }
            let says: Vec<&str> = std::iter::once(private).chain(beside).collect();
            runtime.block_on(check(keep, &says, &asks));
            Ok(())
        })
        .unwrap();
    assert!(cases.load(Ordering::SeqCst) >= 150);
}

#[tokio::test]
async fn a_persons_page_is_there_for_that_person_when_the_line_is_not() {
    let stage = stage(Keep::Person, lines(&["Cache-Control: private", "Content-Type: text/plain"])).await;
    let anna = "Person: anna\r\nCookie: anna\r\n";
    assert_eq!(body(&stage.get("/moi", anna).await), "page of anna");
    assert!(!is_hit(&stage.get("/moi", anna).await), "with the line, the origin is asked");
    stage.cut_line().await;
    let kept = stage.until_hit("/moi", anna).await;
    assert!(is_hit(&kept) && body(&kept) == "page of anna", "{kept}");
    assert!(stage.get("/moi", "Person: basile\r\n").await.starts_with("HTTP/1.1 504"));
    assert!(stage.get("/moi", "").await.starts_with("HTTP/1.1 504"));
}

#[tokio::test]
async fn what_is_declared_for_everyone_is_shared_without_anybodys_cookies() {
    let stage = stage(
        Keep::Everyone,
        lines(&["Cache-Control: private", "Set-Cookie: s=anna", "Content-Type: text/plain"]),
    )
    .await;
    assert!(stage.get("/aide", "Cookie: anna\r\n").await.contains("set-cookie: s=anna"));
    stage.cut_line().await;
    let kept = stage.until_hit("/aide", "Cookie: basile\r\n").await;
    assert!(is_hit(&kept) && !kept.to_lowercase().contains("set-cookie"), "{kept}");
}

#[tokio::test]
async fn in_place_of_a_page_that_cannot_be_had_each_is_offered_what_is_kept_for_them() {
    let stage =
        stage(Keep::Person, lines(&["Cache-Control: private, max-age=600", "Content-Type: text/html"])).await;
    let asks = |name: &str| format!("Person: {name}\r\nCookie: {name}\r\nAccept: text/html\r\n");
    let (anna, basile) = (asks("anna"), asks("basile"));
    for path in ["/", "/moi?a=1&b=2"] {
        assert!(stage.get(path, &anna).await.contains("page of anna"));
    }
    stage.cut_line().await;
    let from = "Referer: https://ent.exemple.fr/moi?a=1&b=2\r\n";
    let mut told = String::new();
    for _ in 0..100 {
        told = stage.get("/absente", &format!("{anna}{from}")).await;
        if told.contains("href=\"/\"") && told.contains("href=\"/moi?a=1&amp;b=2\"") {
            break;
        }
        // An answer's last byte goes out before the disk has it for certain.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(told.starts_with("HTTP/1.1 504 ") && told.contains("href=\"/\""), "{told}");
    assert!(told.contains("href=\"/moi?a=1&amp;b=2\""), "{told}");
    let others = stage.get("/absente", &format!("{basile}{from}")).await;
    assert!(!others.contains("href=\"/\"") && !others.contains("/moi"), "{others}");
    for link in ["https://portail.exemple/bibliotheque", "https://portail.exemple/"] {
        assert!(told.contains(&format!("href=\"{link}\"")) && others.contains(&format!("href=\"{link}\"")));
    }
    // What is no site's own page is no link of ours, and programs read no links.
    let foreign = "Referer: https://ailleurs.exemple/moi?a=1&b=2\r\n";
    assert!(!stage.get("/absente", &format!("{anna}{foreign}")).await.contains("/moi"));
    let program = stage.get("/absente", "Person: anna\r\nCookie: anna\r\n").await;
    assert!(program.starts_with("HTTP/1.1 504 ") && !program.contains("href"), "{program}");
}
