//! Folders of lists as they come, whole and broken.

mod folders;
mod guards;
mod tables;

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::*;

/// A folder of lists, and a place for its table.
struct Lists(TempDir);

impl Lists {
    fn new() -> Self {
        let lists = Self(tempfile::tempdir().unwrap());
        fs::create_dir(lists.folder()).unwrap();
        lists
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("lists")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("categories.table")
    }

    /// Writes `folder/below`, with the directories above it.
    fn write(&self, below: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.folder().join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A list of `count` names, numbered.
    fn write_names(&self, below: &str, count: usize) -> &Self {
        self.write(below, (0..count).map(|number| format!("jeu-{number}.example\n")).collect::<String>())
    }

    fn build(&self) -> Report {
        self.build_with(&Options::default())
    }

    fn build_with(&self, options: &Options) -> Report {
        build(&self.folder(), &self.out(), options).unwrap()
    }

    /// The error of a build that fails.
    fn failure(&self) -> String {
        format!("{:#}", build(&self.folder(), &self.out(), &Options::default()).unwrap_err())
    }

    fn categories_of(&self, site: &str) -> Vec<String> {
        let table = open(&self.out()).unwrap();
        let set = table.categories_of_site(&site.parse().unwrap());
        set.iter().map(|id| table.category_name(id).to_string()).collect()
    }

    fn show(&self, site: &str) -> Shown {
        show(&self.out(), &site.parse().unwrap(), None).unwrap()
    }
}

/// Where each fault stands, and its cause.
fn faults(report: &Report) -> Vec<(&str, Option<u64>, Reason)> {
    report.faults.iter().map(|fault| (fault.file.to_str().unwrap(), fault.line, fault.reason)).collect()
}
