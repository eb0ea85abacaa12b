//! Fault injection against the promises of the API. Only tests use this crate; no function contains any of it.
//!
//! [`Proxy`] sits between a function and its store and makes calls fail. [`Stores`] are a test's own local AWS
//! endpoints, on MariaDB or MySQL if `FLEET_TEST_DATABASE_URL` names one. [`wire::Wire`] connects to them with a paused
//! clock. [`ServerProcess`] is a whole server that may be killed. [`FaultRun`] determines how much is tested: little
//! within `cargo test`, everything with `FLEET_FAULTS=long`. It prints the seed, which `FLEET_FAULTS_SEED` sets again.

#![expect(
    clippy::missing_panics_doc,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper of tests that fails has to fail its test, and says its seed"
)]

pub mod client;
mod fault;
pub mod functions;
mod message;
mod process;
mod proxy;
mod run;
pub mod stores;
pub mod wire;

pub use client::{ClientResponse, ServerConnection};
pub use fault::{Fault, FaultKind};
pub use functions::Functions;
pub use process::ServerProcess;
pub use proxy::{ProxiedCall, Proxy};
pub use run::FaultRun;
pub use stores::Stores;
