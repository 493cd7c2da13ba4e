//! How much of a folder is read at most, and what each bound stops.

/// The bounds of a folder of lists.
#[derive(Debug)]
pub struct Limits;

impl Limits {
    /// Entries of the folder: a directory of a hundred thousand others is no folder of lists, and surveying it is slow.
    pub const ENTRIES_MAX: usize = 10_000;
    /// Files of a category: the largest lists come in some ten pieces.
    pub const CATEGORY_FILES_MAX: usize = 100;
    /// Bytes of a list: ten times the largest there is. Endless files (sparse ones cost no disk) would be read for hours.
    pub const FILE_BYTES_MAX: u64 = 2 << 30;
    /// Lines of all lists together: five times those of the Toulouse lists. A name takes 16 bytes of memory until the
    /// table is written.
    pub const LINES_MAX: u64 = 32_000_000;
    /// Bytes of a `usage` file that are read: it holds a few words.
    pub const USAGE_BYTES_MAX: u64 = 4 << 10;
    /// Bytes of `global_usage` that are read to find where the lists come from.
    pub const CATALOGUE_BYTES_MAX: u64 = 1 << 20;
    /// Lines at the beginning of a list that may say where it comes from.
    pub const HEADING_LINES_MAX: u64 = 40;
    /// Sources and licences the table's head names: it is read whole when a table is opened.
    pub const SOURCES_MAX: usize = 50;
    /// Faults that are kept, and of each cause in one file: enough to see what is wrong with a list of any size.
    pub const FAULTS_MAX: usize = 200;
    /// Faults of one cause in one file that are kept.
    pub const FAULTS_ALIKE_MAX: usize = 5;
    /// Refusals that are kept: a black list of everything would be refused line by line.
    pub const REFUSALS_MAX: usize = 100;
    /// Bytes of a file of protected names.
    pub const PROTECTED_BYTES_MAX: u64 = 1 << 20;
}
