//! A folder of lists in a directory of its own, to be built and asked.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::lists::{Options, Reason, Report, Shown, build, open, show};

/// A folder of lists, and a place for its table.
pub(super) struct Lists(pub(super) TempDir);

impl Lists {
    pub(super) fn new() -> Self {
        let lists = Self(tempfile::tempdir().unwrap());
        fs::create_dir(lists.folder()).unwrap();
        lists
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.0.path().join("lists")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.0.path().join("categories.table")
    }

    /// Writes `folder/below`, with the directories above it.
    pub(super) fn write(&self, below: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.folder().join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A list of `count` names, numbered.
    pub(super) fn write_names(&self, below: &str, count: usize) -> &Self {
        self.write(below, (0..count).map(|number| format!("jeu-{number}.example\n")).collect::<String>())
    }

    pub(super) fn build(&self) -> Report {
        self.build_with(&Options::default())
    }

    pub(super) fn build_with(&self, options: &Options) -> Report {
        build(&self.folder(), &self.out(), options).unwrap()
    }

    /// The error of a build that fails.
    pub(super) fn failure(&self) -> String {
        format!("{:#}", build(&self.folder(), &self.out(), &Options::default()).unwrap_err())
    }

    pub(super) fn categories_of(&self, site: &str) -> Vec<String> {
        let table = open(&self.out()).unwrap();
        let set = table.categories_of_site(&site.parse().unwrap());
        set.iter().map(|id| table.category_name(id).to_string()).collect()
    }

    pub(super) fn show(&self, site: &str) -> Shown {
        show(&self.out(), &site.parse().unwrap(), None).unwrap()
    }
}

/// Where each fault stands, and its cause.
pub(super) fn faults(report: &Report) -> Vec<(&str, Option<u64>, Reason)> {
    report.faults.iter().map(|fault| (fault.file.to_str().unwrap(), fault.line, fault.reason)).collect()
}
