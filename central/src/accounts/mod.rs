//! Feeds of persons for the schools: read, split, guarded, sealed to each box.
