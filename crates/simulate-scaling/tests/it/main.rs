//! The simulator as a program, against the real server and against endpoints that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop there"
)]

mod access;
mod breaches;
mod documents;
mod faults;
mod modes;
mod owner;
mod program;
mod server;
mod signature;
mod stub;
