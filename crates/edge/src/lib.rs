//! What every HTTP listener of a server has at its edge: the API's, and that of the local AWS endpoints.
//!
//! [`Hosting`] accepts connections, within a bound and within the limits of a request's parts, hands requests to a
//! [`Responder`], asks it for the response to what is not HTTP, and stops in order. [`SiteRules`] keep web pages out.

mod bare;
pub mod body;
mod connection;
mod handshake;
mod hosting;
mod limits;
pub mod open_files;
mod os_error;
mod pace;
mod responder;
mod seats;
mod site;
mod under_way;

pub use bare::REQUEST_ID;
pub use handshake::{Handshake, PlainHttp};
pub use hosting::Hosting;
pub use limits::HostingLimits;
pub use os_error::{error_words, words};
pub use responder::{ClientConnection, Responder, UnreadableRequest};
pub use site::{ForeignSite, SiteRules};
pub use under_way::{OpenRequests, RequestTicket, shortened};
