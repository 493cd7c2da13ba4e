//! Which categories a name is in: the published lists, millions of names, as one table that is mapped and never loaded.
//!
//! A question walks its name from the top-level label down and looks every parent up by a 64-bit hash, so that a listed
//! `exemple.fr` also lists `www.exemple.fr`. [`Table`] reads, [`Builder`] writes, both over plain bytes: files are
//! somebody else's trade.
//!
//! # The table file
//!
//! All numbers are little-endian. Sections follow each other without gaps; the file ends with the last one.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `PREAUCAT` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | `B`, bits of a bucket's number, 0 to 31: the least that leave no more than 4 names a bucket on average |
//! | 16 | 8 | seed of the hashes |
//! | 24 | 8 | `N`, count of names, below 2^32 |
//! | 32 | 4 | `D`, bytes of the description |
//! | 36 | 4 | `C`, bytes of the categories |
//! | 40 | 4 | `S`, count of category sets, at most 65,536 |
//! | 44 | 4 | zero |
//! | 48 | 8 | head checksum: xxh3-64, seed 0, of bytes 0 to 47 and the three sections below |
//! | 56 | `D` | description, UTF-8, one `key: value` a line: `date`, `licence`, and a `source` for each source |
//! | | `C` | categories: u16 count, then for each u64 count of names, u8 length, name; then aliases: u16 count, then for each u16 number of the category, u8 length, name |
//! | | 32 `S` | category sets: 256 bits, the bit of category `i` is bit `i % 8` of byte `i / 8` |
//! | | 4 (2^`B` + 1) | buckets: u32 index of the first hash whose top `B` bits are the bucket's number or more; the last is `N` |
//! | | 8 `N` | hashes, u64, ascending, no two equal |
//! | | 2 `N` | for each hash the u16 number of its category set |
//! | | 8 | body checksum: xxh3-64, seed 0, of buckets, hashes and set numbers |
//!
//! The hash of a name is xxh3-64 label by label from the top: `h(fr) = xxh3("fr", seed)`, `h(exemple.fr) =
//! xxh3("exemple", h(fr))`. An address is hashed as one label that holds its usual text (`203.0.113.7`), which no name
//! can be. The seed is chosen anew for each build, so that nobody can prepare a name that hashes like a listed one.
//!
//! # The names file
//!
//! The table holds no names: a question brings its own, and its hashes find it. Only reading a list back needs them, so
//! they are a second file, which a box may leave away and which costs nothing until it is read. It belongs to one table.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `PREAUNAM` |
//! | 4 | version, 1 |
//! | `L` | names in the order they were given: u8 length, name |
//! | 4 `N` | for each hash of the table the u32 offset of its name in the section above |
//! | 8 | body checksum of the table |
//! | 8 | `N` |

mod builder;
mod hash;
mod layout;
mod names;
mod set;
mod table;
#[cfg(test)]
mod tests;

pub use builder::{BuildError, Builder, Totals};
pub use layout::{Category, Description, TableError};
pub use names::Names;
pub use set::{CategoryId, CategorySet};
pub use table::{Listed, Table};
