//! What a browser sends for a form with a file (RFC 7578), in memory: the forms here are small and have few parts.

use axum::http::{HeaderMap, header};

/// A field of such a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    /// What the file is called where it comes from; none for what is no file. Nothing says that it can be a file's name here.
    pub(super) file: Option<String>,
    pub(super) content: &'a [u8],
}

/// The fields of a request's body; none where it is not such a form.
pub(super) fn fields<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or("");
    parts(kind, body)
}

/// The fields of `body`, as `content_type` cuts it.
fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let boundary = content_type.strip_prefix("multipart/form-data")?.split("boundary=").nth(1)?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let mark = format!("--{boundary}");
    let mut rest = body.strip_prefix(mark.as_bytes())?;
    let end = format!("\r\n{mark}");
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let head_end = find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let content = &part[head_end + 4..];
        let content_end = find(content, end.as_bytes())?;
        let (name, file) = names_of(head)?;
        parts.push(Part { name, file, content: &content[..content_end] });
        rest = &content[content_end + end.len()..];
    }
    rest.starts_with(b"--").then_some(parts)
}

/// The name that the head of a part gives it, and its file's.
fn names_of(head: &str) -> Option<(String, Option<String>)> {
    let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let disposition = head.split("\r\n").find(is_disposition)?;
    let field = |sought: &str| {
        let field = disposition.split(';').map(str::trim).find_map(|field| field.strip_prefix(sought));
        field.map(|field| field.trim_matches('"').to_owned())
    };
    Some((field("name=")?, field("filename=")))
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=----x1";

    #[test]
    fn a_form_with_a_file_is_cut_as_browsers_write_it_and_every_prefix_of_it_is_refused() {
        let body = b"------x1\r\nContent-Disposition: form-data; name=\"colonne\"\r\n\r\nppe\r\n------x1\r\n\
            Content-Disposition: form-data; name=\"liste\"; filename=\"a;b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
            uai,nom\r\n--1\r\n\r\n------x1--\r\n";
        let read = parts(KIND, body).unwrap();
        let (name, file) = (String::from("colonne"), None);
        assert_eq!(read[0], Part { name, file, content: b"ppe" });
        assert_eq!((read[1].name.as_str(), read[1].content), ("liste", &b"uai,nom\r\n--1\r\n"[..]));
        assert!(read[1].file.is_some());
        for end in 0..body.len() - 2 {
            assert_eq!(parts(KIND, &body[..end]), None, "{end}");
        }
    }

    #[test]
    fn what_is_no_such_form_is_none() {
        for kind in [
            "text/plain",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
        ] {
            assert_eq!(parts(kind, b"----\r\n"), None, "{kind}");
        }
    }
}
