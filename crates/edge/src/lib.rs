//! What every HTTP listener of a server has at its edge: the API's, and that of the local AWS endpoints.
//!
//! [`Hosting`] accepts connections, within a bound and within the limits of a request's parts, hands requests to a
//! [`Responder`], has it word what is no request, and stops in order. [`SiteRules`] keep web pages out.

mod bare;
pub mod body;
mod connection;
mod hosting;
pub mod open_files;
mod os_error;
mod pace;
mod seats;
mod site;
mod under_way;

pub use bare::{REQUEST_ID, Unreadable};
pub use hosting::{Client, Handshake, Hosting, HostingLimits, Plain, Responder};
pub use os_error::{error_words, words};
pub use site::{ForeignSite, SiteRules};
pub use under_way::{Ticket, UnderWay, shortened};
