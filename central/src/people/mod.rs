//! Who may come in, and what they may do there.
//!
//! A person has a login, a password of twelve characters or more and a one-time code (RFC 6238), in whose place a certificate
//! of the académie's may stand; none of them lets in alone.
//! Nobody sets a password for somebody else: whoever invites gives a link, good once, under which the person chooses their
//! own and sees the secret of their codes. Passkeys are deliberately absent: without script there are none.
//!
//! | file | what is there |
//! |---|---|
//! | `persons` | the register of persons, the tables |
//! | `invitation` | links under which a person chooses password and codes; the first person of all |
//! | `password`, `code`, `token` | what is proved by: hashes, one-time codes, recovery codes, drawn secrets |
//! | `pace` | how often somebody may try, so that nobody can lock out another |
//! | `sign_in`, `sessions` | password, then code, then a session with an end |
//! | `grants` | rights over places, given and taken |
//! | `proposals` | acts that need two persons |

mod code;
mod grants;
mod invitation;
mod pace;
mod password;
mod persons;
mod proposals;
mod sessions;
mod sign_in;
mod token;

pub use code::{CodeKey, RECOVERY_CODES};
pub use grants::{GrantRefusal, all_grants, give, grants_of, take};
pub use invitation::{AcceptRefusal, Accepted, Choice, InviteRefusal, Invited, Link, first, invite, reset};
pub use password::{PASSWORD_CHARACTERS_MIN, PasswordRefusal};
pub use persons::{PART, People, Person, all, find, remove, standing};
pub use proposals::{Proposal, ProposalRefusal, approve, proposal, propose, waiting, withdraw};
pub use sessions::{Session, SessionSeen};
pub use sign_in::SignInRefusal;
pub use token::Token;
