//! Which categories a name is in: the published lists, millions of names, as one table that is mapped and never loaded.
//!
//! A question walks its name from the top-level label down and looks every parent up by a 64-bit hash, so that a listed
//! `exemple.fr` also lists `www.exemple.fr`. Where the URL is known too, the beginnings of its path are looked up in the same
//! way, and the lists' regular expressions are matched with it. [`Table`] reads, [`Builder`] writes, both over plain bytes: files are
//! somebody else's trade.
//!
//! # The table file
//!
//! All numbers are little-endian. Sections follow each other without gaps; the file ends with the last one.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `PREAUCAT` |
//! | 8 | 4 | version, 3 |
//! | 12 | 4 | `L`, count of lines, 1 to 2^24: the least that leave no more than 7 entries a line on average |
//! | 16 | 8 | seed of the hashes |
//! | 24 | 4 | `N`, count of entries (names, addresses and URLs) |
//! | 28 | 4 | `O`, count of entries that their lines have no room for |
//! | 32 | 4 | `D`, bytes of the description |
//! | 36 | 4 | `C`, bytes of the categories |
//! | 40 | 4 | `S`, count of category sets, at most 32,768 |
//! | 44 | 4 | `E`, bytes of the expressions |
//! | 48 | 8 | head checksum: xxh3-64, seed 0, of bytes 0 to 47 and of all sections before the lines |
//! | 56 | `D` | description, UTF-8, one `key: value` a line: `date`, `licence`, a `source` for each source, and a `category` with its name and date for each list |
//! | | `C` | categories: u16 count, then for each u64 count of names and addresses, u64 count of URLs, u8 length, name; then aliases: u16 count, then for each u16 number of the category, u8 length, name |
//! | | 32 `S` | category sets: 256 bits, the bit of category `i` is bit `i % 8` of byte `i / 8` |
//! | | `E` | expressions: u16 count, at most 256, then for each u16 number of the category, u16 length, at most 4,096, text |
//! | | 0 to 63 | zeros up to an offset that 64 divides |
//! | | 64 `L` | lines, see below |
//! | | 8 `O` | what is spilled, in the order of its lines and keys: u16 mark, then the 40 bits of the key's rest and 8 zero bits |
//! | | 8 | body checksum: xxh3-64, seed 0, of lines and what is spilled |
//!
//! The hash of a name is xxh3-64 label by label from the top: `h(fr) = xxh3("fr", seed)`, `h(exemple.fr) =
//! xxh3("exemple", h(fr))`. An address is hashed as one label that holds its usual text (`203.0.113.7`), which no name
//! can be. A URL goes on from its host, without a leading `www.`, segment by segment of its path: `h(exemple.fr/jeux) =
//! xxh3("/jeux", h(exemple.fr))`; `/`, `?` and `&` begin a segment, and one that is nothing else is skipped, so that
//! `/jeux/?x` is `/jeux?x`. No label begins like a segment, so one look-up serves names and URLs. A host with `/` alone
//! is hashed with that as its only segment. The seed is chosen by whoever builds.
//!
//! squidGuard takes the lines of `urls` for beginnings of text, so that its `exemple.fr/jeux` also holds
//! `/jeuxvideo`. Here whole segments count: the publisher means a place on a site, and a name that begins alike is
//! somebody else's place.
//!
//! # A line
//!
//! `hash * L / 2^64` says where an entry has its place: its whole part is the number of a line, the 40 bits behind it are the
//! rest, which tells the entries of one line apart. A look-up so reads one line of the processor's for each part of a name.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 4 | count of the entries in the lines before |
//! | 4 | 2 | signature |
//! | 6 | 2 | `K`, count of the entries that have their place here |
//! | 8 | 32 | the lower 32 bits of up to 8 rests, in their order |
//! | 40 | 8 | the higher 8 bits of each |
//! | 48 | 16 | the mark of each: the number of its category set, with the highest bit set if more is listed below |
//!
//! Of more than 8 entries the line keeps the first 7; the lower bits of the eighth are then the index of the first of the
//! others, `K` - 7, among what is spilled.
//!
//! The signature has the bits `hash & 15` and `hash >> 4 & 15` set for each name, host and beginning of a path that has its
//! place here, is not listed, and has something listed below. So a walk ends at the first part that is neither listed nor
//! known to the signature, and at a listed one unless its mark says that there is more below.
//!
//! # The names file
//!
//! The table holds no names: a question brings its own, and its hashes find it. Only reading a list back needs them, so
//! they are a second file, which a box may leave away and which costs nothing until it is read. It belongs to one table.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `PREAUNAM` |
//! | 4 | version, 2 |
//! | `L` | names, addresses and URLs in the order they were given: u8 length, text; a length of 255 means that the length is the u16 behind it |
//! | 4 `N` | for each entry of the table the u32 offset of its text in the section above |
//! | 2 `N` | for each entry the u16 day, counted from 1970-01-01, since when it is in just these categories |
//! | 8 | body checksum of the table |
//! | 8 | `N` |

mod builder;
mod day;
mod entries;
mod exercise;
mod expressions;
mod hash;
mod layout;
mod line;
mod names;
mod set;
mod since;
mod table;
#[cfg(test)]
mod tests;

pub use builder::{BuildError, Builder, Totals};
pub use day::{ListDay, ListDayError};
pub use exercise::exercise;
pub use expressions::ExpressionError;
pub use layout::{Category, Description, TableError};
pub use names::Names;
pub use set::{CategoryId, CategorySet};
pub use since::Since;
pub use table::{Listed, Table};
