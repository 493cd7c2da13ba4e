//! What boxes come to: the listener that asks for their certificate, and what it answers.
