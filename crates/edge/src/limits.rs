//! The limits of a listener.

use std::time::Duration;

/// What a listener allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostingLimits {
    /// The longest wait for a TLS handshake.
    pub handshake: Duration,
    /// The longest wait for a request's head.
    pub head: Duration,
    /// The longest wait for a client to take a part of its answer.
    pub write: Duration,
    /// The longest time that a stop waits for the requests under way.
    pub stop: Duration,
    /// How many connections may be open at once.
    pub connections: usize,
}
