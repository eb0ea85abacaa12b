//! The promises of the API under fault injection.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop there"
)]

mod ambiguous;
mod canaries;
mod concurrency;
mod deadlock;
mod disk;
mod encoded;
mod exceptions;
mod histories;
mod ids;
mod kill;
mod linearizability;
mod malformed;
mod reads;
mod resent;
mod settings;
mod sql;
mod table;
mod two_regions;
