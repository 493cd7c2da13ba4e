//! A disk with its write cache on: what it holds for certain, what is on its way, and what a power cut can leave of that.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use crate::trace::Act;

/// What of a write is left whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What the file system promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Laws {
    /// As little as POSIX: a name is at rest once its directory was synced; before that, any change of names may be there
    /// or not, in any order.
    Loose,
    /// As ext4, XFS and btrfs do: names change in order, and a sync of any file takes all earlier changes of names with it.
    Journaled,
}

impl Laws {
    /// Whether a response is kept for certain once a later commit was synced: one in the index is, and one in a file of its
    /// own where syncs take names with them.
    pub(crate) fn keeps(self, is_small: bool) -> bool {
        is_small || self == Self::Journaled
    }
}

/// Numbers that look like chance and are always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        // splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// The disk.
#[derive(Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    dirs: HashSet<PathBuf>,
    /// The names as programs see them, and as they are at rest.
    names: BTreeMap<PathBuf, usize>,
    names_at_rest: BTreeMap<PathBuf, usize>,
    names_on_the_way: Vec<Naming>,
}

#[derive(Default)]
struct File {
    at_rest: Vec<u8>,
    on_the_way: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone)]
enum Naming {
    Set(PathBuf, usize),
    Remove(PathBuf),
    Move(PathBuf, PathBuf, usize),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Set(path, file) => drop(names.insert(path.clone(), *file)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Move(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path.parent() == Some(dir),
            Self::Move(from, to, _) => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

impl Disk {
    pub(crate) fn act(&mut self, act: &Act, laws: Laws) {
        match act {
            Act::Create(path) => {
                self.files.push(File::default());
                self.name(Naming::Set(path.clone(), self.files.len() - 1));
            }
            Act::MakeDir(path) => drop(self.dirs.insert(path.clone())),
            Act::Write(path, at, bytes) => {
                self.change(path, Change::Write(usize::try_from(*at).unwrap(), bytes.clone()));
            }
            Act::Truncate(path, length) => {
                self.change(path, Change::Truncate(usize::try_from(*length).unwrap()))
            }
            Act::Sync(path) => self.sync(path, laws),
            Act::Rename(from, to) => {
                let file = self.names[from];
                self.name(Naming::Move(from.clone(), to.clone(), file));
            }
            Act::Unlink(path) => self.name(Naming::Remove(path.clone())),
            Act::Say(_) => {}
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.names_on_the_way.push(naming);
    }

    fn change(&mut self, path: &Path, change: Change) {
        // A file without a name any more is of no use to anybody after a cut.
        if let Some(file) = self.names.get(path) {
            self.files[*file].on_the_way.push(change);
        }
    }

    fn sync(&mut self, path: &Path, laws: Laws) {
        if let Some(file) = self.names.get(path) {
            let file = &mut self.files[*file];
            for change in std::mem::take(&mut file.on_the_way) {
                change.apply(&mut file.at_rest);
            }
        }
        let is_dir = path.as_os_str().is_empty() || self.dirs.contains(path);
        let comes_to_rest = |naming: &Naming| laws == Laws::Journaled || (is_dir && naming.is_in(path));
        for naming in std::mem::take(&mut self.names_on_the_way) {
            if comes_to_rest(&naming) {
                naming.apply(&mut self.names_at_rest);
            } else {
                self.names_on_the_way.push(naming);
            }
        }
    }

    /// One state in which a cut can leave it: each file's bytes by its name. In one case of four nothing that was on its way
    /// has arrived, in another everything.
    pub(crate) fn after_a_cut(&self, laws: Laws, dice: &mut Dice) -> BTreeMap<PathBuf, Vec<u8>> {
        let luck = dice.roll(4);
        let arrives = |dice: &mut Dice| match luck {
            0 => false,
            1 => true,
            _ => dice.roll(2) == 0,
        };
        let mut names = self.names_at_rest.clone();
        for naming in &self.names_on_the_way {
            if arrives(dice) {
                naming.apply(&mut names);
            } else if laws == Laws::Journaled {
                break;
            }
        }
        let mut state = BTreeMap::new();
        for (path, file) in names {
            let file = &self.files[file];
            let mut bytes = file.at_rest.clone();
            for change in &file.on_the_way {
                if arrives(dice) {
                    // What arrives by chance may arrive in part.
                    let is_torn = luck > 1 && dice.roll(2) == 0;
                    if is_torn { change.tear(&mut bytes, dice) } else { change.apply(&mut bytes) }
                }
            }
            state.insert(path, bytes);
        }
        // The index's shared memory is no file that is synced: it is made anew after a cut.
        state.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
        state
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, written) => {
                let end = at + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(written);
            }
            Self::Truncate(length) => bytes.resize(*length, 0),
        }
    }

    /// Applies some of its sectors; the file is as long as if it had all arrived.
    fn tear(&self, bytes: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Write(at, written) = self else { return self.apply(bytes) };
        let end = at + written.len();
        bytes.resize(bytes.len().max(end), 0);
        let mut from = *at;
        while from < end {
            let to = ((from / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
            if dice.roll(2) == 0 {
                bytes[from..to].copy_from_slice(&written[from - at..to - at]);
            }
            from = to;
        }
    }
}
