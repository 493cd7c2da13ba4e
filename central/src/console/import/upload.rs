//! What a browser sends for a form with a file (RFC 7578), in memory: the forms here are small and have few parts.

/// The parts of `body` by their names, as `content_type` cuts it; none where it is not such a form.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<(String, &'a [u8])>> {
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
        parts.push((name_of(head)?, &content[..content_end]));
        rest = &content[content_end + end.len()..];
    }
    rest.starts_with(b"--").then_some(parts)
}

/// The name that the head of a part gives it.
fn name_of(head: &str) -> Option<String> {
    let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let disposition = head.split("\r\n").find(is_disposition)?;
    let field = disposition.split(';').map(str::trim).find_map(|field| field.strip_prefix("name="))?;
    Some(field.trim_matches('"').to_owned())
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
        assert_eq!(read[0], (String::from("colonne"), &b"ppe"[..]));
        assert_eq!(read[1], (String::from("liste"), &b"uai,nom\r\n--1\r\n"[..]));
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
