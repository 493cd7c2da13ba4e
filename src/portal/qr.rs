//! QR codes as SVG, drawn by the browser and by its printer alike.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The quiet zone around a code, in modules (ISO/IEC 18004, 6.3.8).
const QUIET: i32 = 4;

/// `text` as a square SVG without size, called `name` to those who do not see it; none where it is too long for a code.
#[must_use]
pub fn svg(text: &str, name: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut dark = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                // Writing to a string cannot fail.
                let _ = write!(dark, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    let side = code.size() + 2 * QUIET;
    Some(format!(
        "<svg class=\"qr\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{dark}\"/></svg>",
        escaped(name)
    ))
}

/// `text` as the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_of_its_modules_with_a_quiet_zone() {
        let svg = svg("https://portail.college.exemple/", "QR \"<code>\"").unwrap();
        // 32 bytes at error correction M need version 3: 29 modules a side.
        assert!(svg.contains("viewBox=\"0 0 37 37\""), "{svg}");
        assert!(svg.contains("aria-label=\"QR &quot;&lt;code>&quot;\""), "{svg}");
        // The finder pattern's corner, and nothing in the quiet zone.
        assert!(svg.contains("M4 4h1") && !svg.contains("M3 ") && !svg.contains(" 3h1"), "{svg}");
    }

    #[test]
    fn a_text_too_long_for_a_code_gives_none() {
        assert!(svg(&"a".repeat(3000), "x").is_none());
    }
}
