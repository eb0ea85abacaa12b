//! Hosts the functions over HTTP outside Lambda, with routes read from the SAM template.
//!
//! [`Server::start`] starts everything: the stores in [`ServerOptions`], every function of the API, and the listener.
//! Its [`Gateway`] stands in for API Gateway: it converts an HTTP request to the event that API Gateway would send,
//! calls the route's function, and converts the response back to HTTP. [`Hosting`] serves it on an address.

mod access;
mod address;
mod answer;
mod backend;
mod clients;
mod concurrency;
mod conflicts;
mod credentials;
mod document;
mod error;
mod event;
mod events;
mod function_name;
mod functions;
mod gateway;
mod https;
mod in_process;
pub mod limits;
mod log;
mod options;
mod pages;
mod private;
mod redirect;
mod refusal;
mod router;
mod run;
mod server;
mod stage;
pub mod template;
mod tls;
mod transfer;
mod watched;

/// The default log levels, unless `RUST_LOG` is set. The embedded DynamoDB warns about every error response,
/// and an unmet condition is normal here.
pub const LOG_LEVELS: &str = "info,dynoxide=error";

pub use fleet_edge::Hosting;

pub use access::{AccessError, AccessMode, AccessOptions};
pub use clients::Clients;
pub use conflicts::Conflicts;
pub use error::StartError;
pub use function_name::FunctionName;
pub use functions::{FunctionSettings, all as functions};
pub use gateway::Gateway;
pub use limits::Limits;
pub use log::LogFormat;
pub use options::{Backend, PagesMode, ServerOptions, SqlEngine};
pub use run::{program, run, start_log};
pub use server::{RunningServer, Server};
pub use stage::Stage;
pub use template::TemplateError;
pub use tls::{TlsError, TlsOptions};
