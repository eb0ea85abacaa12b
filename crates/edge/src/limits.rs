//! The limits of a listener.

use std::time::Duration;

/// How much a listener allows, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostingLimits {
    /// The longest wait for a TLS handshake.
    pub handshake: Duration,
    /// The longest wait for a request's head.
    pub head: Duration,
    /// The longest wait for a client to accept a part of its response.
    pub write: Duration,
    /// The longest time that a shutdown waits for the requests in progress.
    pub stop: Duration,
    /// How many connections may be open at once.
    pub connections: usize,
}
