//! Editions of the lists of sites, and the shortest ways from one to the next.
