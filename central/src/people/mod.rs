//! Who may come in: persons, their passwords and one-time codes, their sessions and rights.
