//! The adapters on canned responses, and on the local AWS endpoints.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails has to fail its test"
)]

mod add;
mod calls;
mod canned;
mod dimensions;
mod fake_data_api;
mod faults;
mod local;
mod paging;
mod plans;
mod read;
mod remove;
mod secret;
