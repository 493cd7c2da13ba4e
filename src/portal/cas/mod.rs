//! The box as a CAS 3.0 server for the school's local applications: one sign-in for all of them, with or without a line.
//!
//! ```text
//! browser ──▶ application ──▶ /cas/login?service=… ──▶ application?ticket=ST-…      (who is signed in goes straight on)
//!                              application ──▶ /cas/p3/serviceValidate?ticket=ST-…  (the box says who came)
//!                              the box ──▶ application: logoutRequest               (when the session is over)
//! ```
//!
//! Nothing here needs the line. A ticket given is no Internet connection and is not in the journal: the journal holds who
//! was where, and the application has its own record of who came.
//!
//! | file | what is there |
//! |---|---|
//! | `application`, `service_url`, `dialect` | what the configuration says: who may ask, and what they are told |
//! | `parameters` | a request's parameters, strictly |
//! | `login`, `logout` | what browsers come to |
//! | `validation`, `proxy`, `answer`, `pace` | what applications come to |
//! | `desk` | tickets joined with sessions and applications; the box's calls to applications |
//! | `farewell` | applications are told that a session is over |
//! | `page` | the pages |
//! | `exercise` | everything that reads what browsers and applications send, over one text |

mod answer;
mod application;
mod desk;
mod dialect;
mod exercise;
mod farewell;
mod login;
mod logout;
mod pace;
mod page;
mod parameters;
mod proxy;
mod roads;
mod service_url;
mod validation;

pub use application::{Application, Settings, UserWord};
pub(super) use desk::Desk;
pub use dialect::{Dialect, DialectError};
pub use exercise::exercise_cas;
pub(super) use farewell::Farewell;
pub(super) use roads::router;
pub use service_url::ServicePattern;
