//! Why a delivery as a whole cannot be read. For the technician who gave the files.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::Format;

/// Why a delivery cannot be opened.
#[derive(Debug, Error)]
pub enum FeedError {
    /// Nothing was given, or nothing in it is a delivery's file.
    #[error("nothing to read in {0}; give the XML or CSV files of a delivery, or their folder")]
    Nothing(String),
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An archive, which is not opened here.
    #[error("`{}` is an archive; unpack it and give the folder it makes", .0.display())]
    Archive(PathBuf),
    /// More files than a delivery has.
    #[error("more than {0} files; give the folder of one delivery")]
    TooManyFiles(usize),
    /// A file that was given by its name is of no format known.
    #[error("`{}` is no file of AAF, GPEI or ONDE; describe a CSV with --described-by", .0.display())]
    UnknownFile(PathBuf),
    /// Files of several formats.
    #[error("the files are of several formats ({0}); give one delivery at a time")]
    SeveralFormats(String),
    /// The files are of another format than the one that was asked for.
    #[error("the files are {found}, not {wanted}")]
    OtherFormat {
        /// The one asked for.
        wanted: Format,
        /// What they are.
        found: Format,
    },
    /// Files of several days, or complete ones and deltas.
    #[error(
        "the files are of several deliveries ({0}); give one at a time, the complete one first, then by date"
    )]
    SeveralDeliveries(String),
    /// CSV files and no description.
    #[error("a CSV needs the description of its columns; give it with --described-by")]
    NotDescribed,
}
