//! What was done, by whom, and that nobody has touched the record of it since.
