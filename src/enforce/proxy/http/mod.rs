//! The road of port 80: each request of a connection is read strictly, judged, and only then passed on.
//!
//! | stage | file |
//! |---|---|
//! | field lines, what ends at this hop | `fields` |
//! | a request's head | `head` |
//! | a response's head, as far as its end must be found | `response` |
//! | bodies by their exact framing | `body`, `chunked` |
//! | request after request | `road` |
//! | one request and its response | `exchange` |
//! | one request for an update, from its cache | `kept` |
//! | responses of our own | `reply` |

mod body;
mod chunked;
mod exchange;
mod fields;
mod head;
mod kept;
mod reply;
mod response;
mod road;

pub use body::Framing;
pub use chunked::{ChunkError, Chunked};
pub use fields::Field;
pub use head::{HeadError, RequestHead, Version, read_request};
pub(super) use road::serve;
