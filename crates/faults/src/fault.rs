//! The faults of a call.

use std::time::Duration;

use fastrand::Rng;

/// The fault of one call. Byte numbers count from the start of the message and are taken modulo its length, so that any
/// number is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The response comes late.
    Delay(Duration),
    /// The call takes effect, and its response never comes.
    Silence,
    /// The connection is reset after this many bytes of the request have reached the store.
    ResetRequest(usize),
    /// The call takes effect, and the connection is reset after this many bytes of the response.
    ResetAnswer(usize),
    /// The call takes effect, and the response ends after this many bytes.
    TruncateAnswer(usize),
    /// The store returns an error, whether or not the call took effect.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The exception's name; `None` for a response that no service wrote, such as a gateway's.
        exception: Option<&'static str>,
        /// The service's message.
        message: String,
        /// Whether the call took effect nevertheless.
        done: bool,
    },
}

impl Fault {
    /// A server error, 500 to 504, in the format of the service that `operation` belongs to.
    #[must_use]
    pub fn server_error(operation: &str, status: u16, done: bool) -> Self {
        let data_api = operation.starts_with('/');
        let exception = match (status, data_api) {
            (500, true) => Some("InternalServerErrorException"),
            (503, true) => Some("ServiceUnavailableError"),
            (504, true) => Some("DatabaseUnavailableException"),
            (500, false) => Some("InternalServerError"),
            (503, false) => Some("ServiceUnavailable"),
            _ => None,
        };
        Self::Refuse {
            status,
            exception,
            message: "An internal error occurred.".to_owned(),
            done,
        }
    }
}

/// The kinds of fault that leave open whether the call took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// [`Fault::Delay`], up to 50 ms.
    Delay,
    /// [`Fault::Silence`].
    Silence,
    /// [`Fault::ResetRequest`] at any byte.
    ResetRequest,
    /// [`Fault::ResetAnswer`] at any byte.
    ResetAnswer,
    /// [`Fault::TruncateAnswer`] at any byte.
    TruncateAnswer,
    /// A status from 500 to 504 after the call took effect.
    ErrorAfter,
    /// A status from 500 to 504 instead of the call.
    ErrorInstead,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Delay,
        Self::Silence,
        Self::ResetRequest,
        Self::ResetAnswer,
        Self::TruncateAnswer,
        Self::ErrorAfter,
        Self::ErrorInstead,
    ];

    /// A fault of this kind for a call of `operation`.
    pub fn fault(self, operation: &str, rng: &mut Rng) -> Fault {
        match self {
            Self::Delay => Fault::Delay(Duration::from_millis(rng.u64(0..=50))),
            Self::Silence => Fault::Silence,
            Self::ResetRequest => Fault::ResetRequest(rng.usize(..)),
            Self::ResetAnswer => Fault::ResetAnswer(rng.usize(..)),
            Self::TruncateAnswer => Fault::TruncateAnswer(rng.usize(..)),
            Self::ErrorAfter => Fault::server_error(operation, rng.u16(500..=504), true),
            Self::ErrorInstead => Fault::server_error(operation, rng.u16(500..=504), false),
        }
    }
}
