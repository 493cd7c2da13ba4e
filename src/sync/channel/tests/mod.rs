//! The channel against repositories that are really signed, in folders and on web servers of the tests.

mod faults;
mod fetching;
mod machine;
mod over_time;
mod repository;
mod web;
