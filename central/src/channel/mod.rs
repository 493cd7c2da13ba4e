//! The signed channel: keys, metadata, and a view of the repository for each school.
