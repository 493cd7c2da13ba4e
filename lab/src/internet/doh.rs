//! DNS over HTTPS (RFC 8484) as the lab's other resolver offers it, at `https://doh.exemple.net/dns-query`.

use super::dns::{Record, Transport, reply};

/// The path of the resolver.
pub(super) const PATH: &str = "/dns-query";
/// The type of its messages.
pub(super) const MEDIA_TYPE: &str = "application/dns-message";

/// The answer to a question in the body (POST) or in the parameter `dns` of `query` (GET).
pub(super) async fn answer(query: Option<&str>, body: &[u8], record: &Record) -> Option<Vec<u8>> {
    let parameter = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix("dns=")));
    match parameter {
        Some(text) => reply(&decode(text)?, Transport::Https, record).await,
        None => reply(body, Transport::Https, record).await,
    }
}

/// Decodes base64url without padding (RFC 4648 section 5).
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., low] = (bits >> count).to_be_bytes();
            bytes.push(low);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_in_a_url_decode() {
        // RFC 8484 section 4.1.1, the first bytes of its example.
        assert_eq!(decode("AAABAAABAAAAAAAAA3d3dw").unwrap(), b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www");
        assert_eq!(decode("_-8").unwrap(), [0xff, 0xef]);
        assert_eq!(decode("a b"), None);
    }
}
