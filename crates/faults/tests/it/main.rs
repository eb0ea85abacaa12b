//! The promises of the API, broken on purpose.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that meets the unexpected should stop there, and figures are said")]

mod ambiguous;
mod concurrency;
mod disk;
mod kill;
mod linearizability;
mod reads;
