//! The authority that gives boxes their certificates: tokens, enrolment, renewal, revocation.
