//! The limits of a request, as behind API Gateway.

use std::{thread, time::Duration};

use fleet_edge::{HostingLimits, open_files};

/// The largest body: API Gateway's payload quota,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>.
pub const BODY_BYTES: usize = 10 * 1024 * 1024;
/// The memory for all bodies in progress together, apart from the connections' own buffers.
pub const ALL_BODIES_BYTES: usize = 64 * 1024 * 1024;
/// API Gateway's integration timeout, from the same page.
pub const REQUEST: Duration = Duration::from_secs(29);
/// The longest wait for a request's head. The clock also runs while a kept-alive connection is idle, so it is longer
/// than the 60 s of a load balancer: otherwise the balancer would send into a connection that is being closed.
pub const HEAD: Duration = Duration::from_secs(75);
/// The longest wait for a TLS handshake.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// The longest wait of a shutdown: a request whose body has just begun to arrive has [`REQUEST`] for it, the same again
/// for its function, and a second for the response.
pub const STOP: Duration = Duration::from_secs(2 * REQUEST.as_secs() + 1);
/// The most connections open at once. Each takes a file descriptor and some kilobytes.
pub const CONNECTIONS: usize = 10_000;
/// How many reads of the stores, and how many requests to each other route, are in their functions at once, per
/// processor: enough to keep it busy while some wait for a disk.
pub const CONCURRENCY: usize = 16;
/// How many times as many where the stores are on AWS: 256 reads of 20 ms each are 12,800 a second, more than two
/// processors can do.
pub const REMOTE_FACTOR: usize = 8;
/// The most open files, if the operating system allows it: the connections here and as many to the local AWS
/// endpoints, with the files behind them.
pub const OPEN_FILES: u64 = 65_536;
/// The API gets half of the open files for its connections, since a request may need others to its stores.
const FILES_PART: u64 = 2;

/// The limits of a request. The defaults are API Gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes; [`BODY_BYTES`].
    pub body_bytes: usize,
    /// The memory for all bodies in progress together, in bytes, apart from a small part of each that every request may
    /// have; a request beyond it gets a 503. [`ALL_BODIES_BYTES`].
    pub all_bodies_bytes: usize,
    /// The time limit of a function, and before that of a request's body; [`REQUEST`].
    pub request: Duration,
    /// The longest wait for a request's head; [`HEAD`].
    pub head: Duration,
    /// The longest wait for a TLS handshake; [`HANDSHAKE`].
    pub handshake: Duration,
    /// The longest wait of a shutdown for requests in progress; [`STOP`].
    pub stop: Duration,
    /// The most connections open at once, if the limit of open files allows it; a new one replaces the one that has
    /// been idle longest. [`CONNECTIONS`].
    pub connections: usize,
    /// How many reads of the stores, and how many requests to each other route, are in their functions at once;
    /// others wait for their turn, or until none has ended for a second. [`CONCURRENCY`] for each processor, and
    /// [`REMOTE_FACTOR`] times as many with stores on AWS.
    pub concurrency: usize,
}

impl Limits {
    /// The limits that a listener needs.
    pub(crate) fn hosting(&self) -> HostingLimits {
        HostingLimits {
            handshake: self.handshake,
            head: self.head,
            write: self.request,
            stop: self.stop,
            connections: open_files::connections(self.connections, FILES_PART),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES,
            all_bodies_bytes: ALL_BODIES_BYTES,
            request: REQUEST,
            head: HEAD,
            handshake: HANDSHAKE,
            stop: STOP,
            connections: CONNECTIONS,
            concurrency: CONCURRENCY * thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
