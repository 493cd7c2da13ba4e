//! The repository's store: a folder, or a bucket of S3. What lies in it is public to nobody's harm: it counts by its
//! signatures.

mod location;

pub use location::Location;
