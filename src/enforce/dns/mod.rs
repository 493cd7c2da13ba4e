//! The filtering resolver: answers the questions of every zone, over UDP and TCP.
//!
//! A question goes through these files, in this order:
//!
//! | file | step |
//! |---|---|
//! | `service`, `udp`, `tcp` | it arrives at a zone's socket, which says the zone |
//! | `query` | it is read, strictly |
//! | `special` | names with one answer for everybody are answered |
//! | `desk` | the gate is asked, and asked again for each name that an answer leads to |
//! | `offline` | while the line is down, names of connectivity probes lead to the box |
//! | `substitute` | a site that a search mode serves under another name is looked up under that one |
//! | `refusal` | a refused question gets the box's address and the reason |
//! | `resolver`, `cache` | an allowed one is looked up |
//! | `tunnels`, `budget`, `news` | what would leave for upstream is charged to its client |
//! | `upstream`, `exchange` | or asked of an upstream server |
//! | `academie` | the académie's own names are asked of its own servers, through the tunnel |
//! | `line` | who answers nothing says that the line is down |
//! | `answer`, `svcb` | whose answer is read once, stripped of `ech`, and kept as it came |
//! | `outer` | what the stripped keys tell of names that hide others |
//! | `reply` | and composed anew for the asker |

mod academie;
mod answer;
mod budget;
mod cache;
mod desk;
mod exchange;
mod exercise;
mod key;
mod limits;
mod line;
mod name;
mod news;
mod offline;
pub(super) mod outer;
mod private;
mod query;
mod refusal;
mod reply;
mod resolver;
mod service;
mod special;
mod substitute;
mod svcb;
mod tcp;
mod tunnels;
mod udp;
mod upstream;
mod wire;

#[cfg(test)]
mod tests;

pub use academie::Academie;
pub use exercise::exercise;
pub use line::LineStanding;
pub use resolver::{Family, ResolveError, Resolver, Whereabouts};
pub use service::{Service, Settings};
pub use tunnels::Tunnels;
