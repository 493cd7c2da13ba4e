//! The room on a disk.

use std::{io, path::Path};

/// The room on the disk that holds a directory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// All of it.
    pub total_bytes: u64,
    /// What processes without privileges can still write.
    pub free_bytes: u64,
}

/// The room on the disk that holds `path`.
///
/// # Errors
/// When the kernel does not say.
pub fn room(path: &Path) -> io::Result<Room> {
    let said = rustix::fs::statvfs(path)?;
    Ok(Room {
        total_bytes: said.f_blocks.saturating_mul(said.f_frsize),
        free_bytes: said.f_bavail.saturating_mul(said.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_no_more_room_left_than_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let room = room(dir.path()).unwrap();
        assert!(room.free_bytes <= room.total_bytes && room.total_bytes > 0, "{room:?}");
        assert!(super::room(&dir.path().join("nothing")).is_err());
    }
}
