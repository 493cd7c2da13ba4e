//! Why the store could not do something: its index is damaged, or the disk fails. Each has one cure.

use std::io;

use rusqlite::ErrorCode;
use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The index is not what was written: it is set aside and begun anew.
    #[error("the index is damaged")]
    Damaged(#[source] anyhow::Error),
    /// The disk is full, read-only, broken or gone: the store is plain until it is not.
    #[error("the disk fails")]
    Disk(#[source] anyhow::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error.into())
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let is_disk = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::OutOfMemory
            )
        );
        // Everything else the statements here can meet only where the file is not what they made of it.
        if is_disk { Self::Disk(error.into()) } else { Self::Damaged(error.into()) }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<rusqlite::Error>() {
            Ok(error) => Self::from(error),
            Err(error) => Self::Damaged(error),
        }
    }
}
