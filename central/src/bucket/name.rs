//! Names of what lies in the bucket: the same in a folder, in a bucket of S3 and in an URL, without any escaping.

use anyhow::ensure;
use object_store::path::Path;

/// The longest name, in bytes: S3's bound is 1024, its prefix included.
const NAME_BYTES_MAX: usize = 700;

/// The longest step between two slashes, in bytes: file systems take 255, a few of which a file being written needs.
const STEP_BYTES_MAX: usize = 240;

/// The place of `name` below `prefix`.
///
/// # Errors
/// When `name` has other steps than letters, digits, `.`, `_` and `-`, or one that begins with a dot.
pub(super) fn place(prefix: &Path, name: &str) -> anyhow::Result<Path> {
    let fits = name.len() <= NAME_BYTES_MAX && name.split('/').all(is_step);
    ensure!(fits, "`{name}` is no name for the repository");
    // Nothing that is a step needs escaping, so the place has the name as it is.
    Ok(prefix.parts().chain(Path::from(name).parts()).collect())
}

/// Whether `step` may stand between two slashes.
pub(super) fn is_step(step: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=STEP_BYTES_MAX).contains(&step.len()) && !step.starts_with('.') && step.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_to_its_place() {
        let prefix = Path::from("a/b");
        assert_eq!(
            place(&prefix, "metadata/0809999Z/1.root.json").unwrap().as_ref(),
            "a/b/metadata/0809999Z/1.root.json"
        );
        assert_eq!(place(&Path::default(), "x").unwrap().as_ref(), "x");
        let long = "x".repeat(STEP_BYTES_MAX + 1);
        for name in [
            "", "/", "/x", "x/", "x//y", "..", "x/../y", ".", ".lock", "x/.y", "x y", "x#1", "é", "x%2Fy",
            "x\\y", "x\0", &long,
        ] {
            assert!(place(&prefix, name).is_err(), "{name}");
        }
    }
}
