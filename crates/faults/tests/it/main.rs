//! The promises of the API, broken on purpose.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that meets the unexpected should stop there, and figures are said")]

mod ambiguous;
mod canaries;
mod concurrency;
mod disk;
mod ids;
mod kill;
mod linearizability;
mod malformed;
mod reads;
mod sql;
