//! Acts on the library: the trace of them. What is done lies where packages are, in `library`.

use super::{Act, Granted, Store};
use crate::model::Moment;

/// What is done to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryAct<'a> {
    /// Nothing is fetched for now.
    Pause,
    /// Packages are fetched again.
    Resume,
    /// The package of that title is removed.
    Remove(&'a str),
    /// The package of that title is wanted again.
    Want(&'a str),
}

impl Store {
    /// Writes what whoever was granted it does to the library. It is written before it is done: a trace of something that a
    /// power cut kept from happening harms less than an act without a trace.
    ///
    /// # Errors
    /// When the disk refuses, or something else was granted: then it must not be done.
    pub async fn announce_library(
        &self,
        granted: &Granted,
        act: LibraryAct<'_>,
        now: Moment,
    ) -> anyhow::Result<()> {
        granted.is_for(Act::KeepLibrary)?;
        let what = match act {
            LibraryAct::Pause => "suspend les téléchargements de la bibliothèque".to_owned(),
            LibraryAct::Resume => "reprend les téléchargements de la bibliothèque".to_owned(),
            LibraryAct::Remove(title) => format!("retire « {title} » de la bibliothèque"),
            LibraryAct::Want(title) => format!("remet « {title} » dans la bibliothèque"),
        };
        self.act(granted, what, now, |_| Ok(())).await
    }
}
