//! The headers of whatever came in a package.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};

/// Marks an answer with something of a package: it has its own headers, and gets none of the portal's.
#[derive(Clone, Copy, Debug)]
pub(in crate::portal) struct OfPackage;

/// What a page in a cage may still do: run its script, send its own forms to its own package, open a window, play.
const SANDBOX: &str = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts";

/// Seconds a browser keeps what it read: a lesson. What changed has another tag.
const KEPT_SECONDS: &str = "private, max-age=3600";

/// Gives an answer the headers of something that came in a package: what a browser could run goes into the cage, and
/// reaches nothing but what is below `root`, the package's own address with its origin and a final `/`.
pub(super) fn cage(mut answer: Response, root: &str, is_inert: bool) -> Response {
    answer.extensions_mut().insert(OfPackage);
    let headers = answer.headers_mut();
    headers.remove(header::SET_COOKIE);
    // Viewers of PDF will not work in a cage, and nothing inert needs one.
    if !is_inert {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy(root));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // A page in a cage has the origin `null`; its own fonts, modules and texts are read across origins for that. There is
    // nothing in them that another site could not read elsewhere.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("null"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT_SECONDS));
    answer
}

/// Whether a media type is of something that no browser runs.
pub(super) fn is_inert(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let (kind, detail) = media.split_once('/').unwrap_or(("", ""));
    match kind {
        "image" => !detail.contains("svg") && !detail.contains("xml"),
        "audio" | "video" | "font" => true,
        _ => matches!(
            media.as_str(),
            "application/pdf" | "application/epub+zip" | "application/octet-stream" | "text/plain"
        ),
    }
}

fn policy(root: &str) -> HeaderValue {
    let policy = format!(
        "{SANDBOX}; default-src {root} data: blob: 'unsafe-inline' 'unsafe-eval'; form-action {root}; base-uri {root}"
    );
    HeaderValue::try_from(policy)
        .expect("the portal's name and port and a package's identifier are visible ASCII")
}
