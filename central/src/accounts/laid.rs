//! Files of a feed that came by a page: laid down where nobody else can read them, for as long as the feed is read.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::give::Accounts;

/// The longest name of a file, in characters.
const NAME_CHARS_MAX: usize = 120;

/// Files that are there until this is dropped.
#[derive(Debug)]
pub struct Laid(PathBuf);

impl Laid {
    /// The folder they lie in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::error!(cause = error.to_string(), "cannot remove the files of a feed");
        }
    }
}

impl Accounts {
    /// Lays down files, each with what it is called and its content. Of the names only what a file's name can have is kept.
    ///
    /// # Errors
    /// When the disk refuses; nothing of them then stays.
    pub fn lay<'a>(&self, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> io::Result<Laid> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(io::Error::other)?;
        let dir = self.work_dir().join(format!("{:016x}", u64::from_be_bytes(name)));
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let laid = Laid(dir);
        for (place, (name, content)) in files.into_iter().enumerate() {
            // Each in a folder of its own: two may be called the same.
            let dir = laid.0.join(place.to_string());
            DirBuilder::new().mode(0o700).create(&dir)?;
            let path = dir.join(plain(name));
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(content)?;
        }
        Ok(laid)
    }
}

/// The last part of a name, of letters, digits and the marks that names of feeds have.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    let plain = last.chars().map(|letter| if is_plain(letter) { letter } else { '_' });
    let plain: String = plain.take(NAME_CHARS_MAX).collect();
    // What begins with a dot is passed over.
    format!("{}{plain}", if plain.is_empty() || plain.starts_with('.') { "fichier" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for (name, expected) in [
            ("ENT_0800000A_Complet_20261120_Eleve_0000.xml", "ENT_0800000A_Complet_20261120_Eleve_0000.xml"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Bureau\\élèves 6A.csv", "élèves_6A.csv"),
            ("..", "fichier.."),
            ("", "fichier"),
            ("<b>\u{0}", "_b__"),
        ] {
            assert_eq!(plain(name), expected);
        }
    }
}
