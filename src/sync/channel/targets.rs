//! What a proved view offers to whoever takes lists, accounts and packages.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{
    downloads::Downloads,
    refusal::{Refusal, Why},
    source::Source,
    view::View,
};
use crate::{
    model::{Moment, Uai},
    protocol::{
        chunks::Chunk,
        content::{self, Catalogue},
        index,
        names::{self, Role},
    },
};

/// The longest index, in bytes.
const INDEX_BYTES_MAX: u64 = 1 << 20;

/// The targets of one view. Cloning is cheap. It stays what it is when a newer view comes: take that one then.
#[derive(Clone)]
pub struct Targets {
    view: Arc<View>,
    sources: Arc<[Source]>,
    downloads: Downloads,
    school: Uai,
    /// The time as of which the view was proved.
    now: Moment,
}

impl Targets {
    pub(super) fn new(
        view: Arc<View>,
        sources: Vec<Source>,
        downloads: Downloads,
        school: Uai,
        now: Moment,
    ) -> Self {
        Self { view, sources: sources.into(), downloads, school, now }
    }

    /// The version of the view.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.view.version()
    }

    /// The index of the lists.
    ///
    /// # Errors
    /// When the view has none, or it cannot be fetched or read.
    pub async fn lists(&self) -> Result<index::Lists, Refusal> {
        let lists: index::Lists = self.index(Role::Lists, names::LISTS_INDEX).await?;
        known_version(lists.version)?;
        Ok(lists)
    }

    /// The index of our deliveries of accounts.
    ///
    /// # Errors
    /// When the view has none, it is another school's, or it cannot be fetched or read.
    pub async fn accounts(&self) -> Result<index::Accounts, Refusal> {
        let accounts: index::Accounts =
            self.index(Role::Accounts, &names::accounts_index(&self.school)).await?;
        known_version(accounts.version)?;
        if accounts.school != self.school.as_str() {
            return Err(Refusal::new(Why::NotForUs, "the index of the accounts is another school's"));
        }
        Ok(accounts)
    }

    /// The catalogue of the library.
    ///
    /// # Errors
    /// When the view has none, or it cannot be fetched or read.
    pub async fn content(&self) -> Result<Catalogue, Refusal> {
        let catalogue: Catalogue = self.index(Role::Content, content::CATALOGUE).await?;
        known_version(catalogue.version)?;
        if catalogue.packages.len() > content::PACKAGES_MAX {
            return Err(Refusal::new(Why::TooLarge, "the catalogue of the library names too many packages"));
        }
        Ok(catalogue)
    }

    /// How many of the sources cost nothing of the line: folders and sticks.
    #[must_use]
    pub fn near(&self) -> usize {
        self.sources.iter().filter(|source| !source.is_line()).count()
    }

    /// What is sent of a piece of a package. It waits for its window and the day's budget as what is large does: a package
    /// is, and has thousands of pieces.
    ///
    /// # Errors
    /// When no source gives it as the list of pieces says.
    pub async fn chunk(&self, chunk: &Chunk) -> Result<Bytes, Refusal> {
        self.downloads.chunk(&self.sources, chunk).await
    }

    /// The target `name`, for which `role` must have signed, as a file of its exact length and digest below
    /// `central/parts/`. What is large waits for its window and the day's budget, perhaps for days: drop the future when a
    /// newer view comes; what came so far is kept, and the next call goes on from there. The file stays until no view names
    /// it.
    ///
    /// # Errors
    /// When the role does not name it, no source gives it, or the disk is too full.
    pub async fn fetch(&self, role: Role, name: &str) -> Result<PathBuf, Refusal> {
        let wanted = self.view.wanted(role, name, self.now)?;
        self.downloads.fetch(&self.sources, &wanted).await
    }

    /// How long the target `name` is, in bytes, as `role` signed for it.
    ///
    /// # Errors
    /// When the role does not name it.
    pub fn length(&self, role: Role, name: &str) -> Result<u64, Refusal> {
        Ok(self.view.wanted(role, name, self.now)?.length)
    }

    async fn index<T: DeserializeOwned>(&self, role: Role, name: &str) -> Result<T, Refusal> {
        let wanted = self.view.wanted(role, name, self.now)?;
        let bytes = self.downloads.read(&self.sources, &wanted, INDEX_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Refusal::new(
                Why::Unreadable,
                format!("an index of the role {} cannot be read: {error}", role.word()),
            )
        })
    }
}

/// Refuses an index that another version of the program made.
pub(super) fn known_version(version: u32) -> Result<(), Refusal> {
    if version == index::VERSION {
        return Ok(());
    }
    Err(Refusal::new(
        Why::Unreadable,
        format!("an index is of version {version}, unknown here; update the box"),
    ))
}
