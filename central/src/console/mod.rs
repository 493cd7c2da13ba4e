//! What people come to: the pages of the console.
