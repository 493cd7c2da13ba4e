//! What a process did to the files below one directory, read from the record of `strace -f -xx`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The calls that are recorded: all that change files, and those that say which file is meant.
pub(crate) const CALLS: &str = "trace=open,openat,close,lseek,write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,fallocate,\
                                rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,dup,dup2,dup3,fcntl";

/// One thing done. Paths are within the directory.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A name that was not there is made, of an empty file.
    Create(PathBuf),
    MakeDir(PathBuf),
    Write(PathBuf, u64, Vec<u8>),
    Truncate(PathBuf, u64),
    /// What was written to a file is brought to rest, or the names in a directory.
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
    /// A line on standard output.
    Say(String),
}

/// All of it, in order.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) acts: Vec<Act>,
}

/// An open file: its name when it was opened, and where the next byte goes.
struct Open {
    path: PathBuf,
    at: u64,
}

impl Trace {
    /// The acts below `dir` in `record`.
    pub(crate) fn read(record: &str, dir: &Path) -> Self {
        let mut reader = Reader { dir, open: HashMap::new(), names: Vec::new(), acts: Vec::new() };
        let mut unfinished: HashMap<&str, String> = HashMap::new();
        for line in record.lines() {
            let Some((process, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
                unfinished.insert(process, begun.to_owned());
            } else if let Some((_, rest)) = call.split_once(" resumed>").filter(|_| call.starts_with("<... "))
            {
                let whole = unfinished.remove(process).unwrap() + rest;
                reader.call(&whole);
            } else {
                reader.call(call);
            }
        }
        Self { acts: reader.acts }
    }

    /// The same without the syncs of files with `part` in their path.
    pub(crate) fn without_syncs_of(&self, part: &str) -> Self {
        let is_left_out = |act: &Act| matches!(act, Act::Sync(path) if path.to_string_lossy().contains(part));
        let acts: Vec<Act> = self.acts.iter().filter(|act| !is_left_out(act)).cloned().collect();
        assert!(acts.len() < self.acts.len(), "no sync of `{part}` was recorded");
        Self { acts }
    }
}

struct Reader<'a> {
    dir: &'a Path,
    open: HashMap<i64, Open>,
    names: Vec<PathBuf>,
    acts: Vec<Act>,
}

impl Reader<'_> {
    /// Takes in one call such as `write(5, "\x61", 1) = 1`; one that failed did nothing.
    fn call(&mut self, call: &str) {
        let Some((call, result)) = call.rsplit_once(" = ") else { return };
        let Some(result) = result.split(' ').next().and_then(|result| result.parse::<i64>().ok()) else {
            return;
        };
        let Some((name, arguments)) = call.trim_end().split_once('(') else { return };
        if result < 0 {
            return;
        }
        let strings: Vec<Vec<u8>> = quoted(arguments);
        let numbers: Vec<i64> =
            arguments.trim_end_matches(')').split(", ").filter_map(|word| word.parse().ok()).collect();
        let path = |index: usize| {
            let text = String::from_utf8(strings.get(index)?.clone()).ok()?;
            Path::new(&text).strip_prefix(self.dir).ok().map(Path::to_owned)
        };
        match name {
            "open" | "openat" => {
                let Some(path) = path(0) else { return };
                self.opened(result, path, arguments.contains("O_CREAT"), arguments.contains("O_TRUNC"));
            }
            "close" => drop(numbers.first().and_then(|fd| self.open.remove(fd))),
            "lseek" => {
                if let Some(open) = numbers.first().and_then(|fd| self.open.get_mut(fd)) {
                    open.at = u64::try_from(result).unwrap();
                }
            }
            "write" | "writev" if numbers.first() == Some(&1) => {
                let text = String::from_utf8_lossy(&strings.concat()).into_owned();
                self.acts.extend(text.lines().map(|line| Act::Say(line.to_owned())));
            }
            "write" | "writev" => self.written(&numbers, strings.concat(), result, None),
            "pwrite64" | "pwritev" => {
                let at = numbers.last().and_then(|at| u64::try_from(*at).ok());
                self.written(&numbers, strings.concat(), result, at);
            }
            "fsync" | "fdatasync" => {
                if let Some(open) = numbers.first().and_then(|fd| self.open.get(fd)) {
                    self.acts.push(Act::Sync(open.path.clone()));
                }
            }
            "ftruncate" => {
                if let Some(open) = numbers.first().and_then(|fd| self.open.get(fd)) {
                    self.acts.push(Act::Truncate(open.path.clone(), u64::try_from(numbers[1]).unwrap()));
                }
            }
            "rename" | "renameat" | "renameat2" => {
                let (Some(from), Some(to)) = (path(0), path(1)) else { return };
                self.names.retain(|name| *name != from && *name != to);
                self.names.push(to.clone());
                // Who has it open writes to it under its new name.
                for open in self.open.values_mut().filter(|open| open.path == from) {
                    open.path.clone_from(&to);
                }
                self.acts.push(Act::Rename(from, to));
            }
            "unlink" | "unlinkat" => {
                let Some(path) = path(0) else { return };
                self.names.retain(|name| *name != path);
                self.acts.push(Act::Unlink(path));
            }
            "mkdir" | "mkdirat" => self.acts.extend(path(0).map(Act::MakeDir)),
            "fallocate" | "dup" | "dup2" | "dup3" => {
                let is_of_the_store = numbers.first().is_some_and(|fd| self.open.contains_key(fd));
                assert!(!is_of_the_store, "this record cannot tell what `{call}` does");
            }
            _ => {}
        }
    }

    fn opened(&mut self, fd: i64, path: PathBuf, creates: bool, truncates: bool) {
        if creates && !self.names.contains(&path) {
            self.names.push(path.clone());
            self.acts.push(Act::Create(path.clone()));
        } else if truncates {
            self.acts.push(Act::Truncate(path.clone(), 0));
        }
        self.open.insert(fd, Open { path, at: 0 });
    }

    fn written(&mut self, numbers: &[i64], mut bytes: Vec<u8>, count: i64, at: Option<u64>) {
        let Some(open) = numbers.first().and_then(|fd| self.open.get_mut(fd)) else { return };
        let count = usize::try_from(count).unwrap();
        assert!(bytes.len() >= count, "the record is cut short");
        bytes.truncate(count);
        let place = at.unwrap_or(open.at);
        if at.is_none() {
            open.at += u64::try_from(count).unwrap();
        }
        self.acts.push(Act::Write(open.path.clone(), place, bytes));
    }
}

/// The strings of a call's arguments, each written as `"\x61\x62"`.
fn quoted(arguments: &str) -> Vec<Vec<u8>> {
    let strings = arguments.split('"').skip(1).step_by(2);
    strings
        .map(|text| text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect())
        .collect()
}
