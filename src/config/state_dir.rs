//! Where a box keeps its state, found in a configuration that may otherwise be wrong: whoever asks a running box why it
//! refused a file must reach it while that file is still wrong.

use std::path::{Path, PathBuf};

use super::{Problem, Problems, check::text};

/// The state directory that the configuration file at `path` names. Only what stands before the first table is read,
/// and of that only `state_dir`.
///
/// # Errors
/// When the file cannot be read, or its head names no state directory.
pub fn state_dir(path: &Path) -> Result<PathBuf, Problems> {
    let text = text(path)?;
    let dir = written(&text).ok_or_else(|| Problem {
        file: path.display().to_string(),
        line: None,
        what: "state_dir: not found before the first table; write it there, such as `state_dir = \"/var/lib/preau\"`".to_owned(),
    })?;
    Ok(path.parent().unwrap_or(Path::new(".")).join(dir))
}

/// The value of the top-level key `state_dir`.
fn written(text: &str) -> Option<String> {
    // The first line of a table ends the top level; a wrong line below does not matter.
    let head_end = if text.starts_with('[') { 0 } else { text.find("\n[").unwrap_or(text.len()) };
    let head: toml::Table = text.get(..head_end)?.parse().ok()?;
    Some(head.get("state_dir")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_is_found_in_a_file_that_is_wrong_or_cut_below() {
        for rest in ["", "[school]\nname = \"Col", "[portal]\nunknown = 1\n[portal]\n", "other = 3\n"] {
            let text = format!("version = 1\nstate_dir = \"/var/lib/preau\"  # here\n{rest}");
            assert_eq!(written(&text).as_deref(), Some("/var/lib/preau"), "{rest}");
        }
    }

    #[test]
    fn a_file_without_a_state_directory_has_none() {
        for text in
            ["", "version = 1\n", "[line]\nstate_dir = \"/a\"\n", "state_dir = 1\n", "state_dir = \"/v"]
        {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
