//! What goes wrong with a call.

use std::time::Duration;

use fastrand::Rng;

/// What goes wrong with one call. A byte's number counts from the message's first one and is taken modulo its length, so
/// that any number is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer comes late.
    Delay(Duration),
    /// The call is done, and its answer never comes.
    Silence,
    /// The connection is reset when so many bytes of the request have reached the store.
    ResetRequest(usize),
    /// The call is done, and the connection is reset when so many bytes of the answer have been sent.
    ResetAnswer(usize),
    /// The call is done, and the answer ends after so many bytes.
    TruncateAnswer(usize),
    /// The store answers an error, although the call was done or without having done it.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The exception's name; none for an answer that no service wrote, a gateway's say.
        exception: Option<&'static str>,
        /// The service's message.
        message: String,
        /// Whether the call was done all the same.
        done: bool,
    },
}

impl Fault {
    /// A server's error of the service that `operation` belongs to, in the service's own shape: 500 to 504.
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

/// The kinds of fault that leave open whether the call was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    /// A status from 500 to 504 after the call was done.
    ErrorAfter,
    /// A status from 500 to 504 in place of the call.
    ErrorInstead,
}

impl Kind {
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
