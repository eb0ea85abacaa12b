//! The shared edge of a server's HTTP listeners: the API's, and that of the local AWS endpoints.
//!
//! [`Hosting`] accepts connections, with a limit on their number and on the parts of a request, passes requests to a
//! [`Responder`], which also supplies the response to anything that is not HTTP, and shuts down in order. [`SiteRules`]
//! keep web pages out.

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
