//! The failure of one call, for the log.
//!
//! It names the operation, the exception, the service's message and AWS's request id. It never contains the request,
//! which holds the values to be stored; a value that the message quotes is left out.

mod values;

use std::{error::Error as StdError, time::Duration};

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use thiserror::Error;

use self::values::without_values;

/// A call that did not succeed.
#[derive(Debug, Error)]
pub(crate) enum CallFailure {
    /// The service refused the call.
    #[error("{operation}: {exception} (HTTP {status}, request {request_id}): {message}")]
    Refused {
        /// The operation's name in the service's API.
        operation: &'static str,
        /// The exception's name.
        exception: String,
        /// The response's HTTP status.
        status: u16,
        /// The service's message, with `'…'` in place of a value that it quotes.
        message: String,
        /// AWS's request id.
        request_id: String,
    },
    /// The call could not be sent, or its response could not be read.
    #[error("{operation}: no answer: {reason}")]
    NoAnswer {
        /// The operation's name in the service's API.
        operation: &'static str,
        /// The transport's errors, from the outermost to the innermost.
        reason: String,
    },
    /// The response did not arrive in time.
    #[error("{operation}: no answer within {} ms", waited.as_millis())]
    TimedOut {
        /// The operation's name in the service's API.
        operation: &'static str,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The operation's time ran out before the call could be sent.
    #[error("{operation}: not sent, because the request's time was used up")]
    NotSent {
        /// The operation's name in the service's API.
        operation: &'static str,
    },
}

impl CallFailure {
    /// Converts the SDK's `error` from the call of `operation`.
    #[must_use]
    pub(crate) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => Self::Refused {
                operation,
                exception: refusal
                    .err()
                    .code()
                    .unwrap_or("an answer that cannot be read")
                    .to_owned(),
                status: refusal.raw().status().as_u16(),
                message: without_values(refusal.err().message().unwrap_or("no message")),
                request_id: error.request_id().unwrap_or("unknown").to_owned(),
            },
            _ => Self::NoAnswer {
                operation,
                reason: chain(error),
            },
        }
    }
}

/// Whether a retry may succeed after HTTP `status` without a known exception: a server error, or a response
/// that is not an error but cannot be read.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status.is_success()
}

/// `error` with its causes, on one line.
fn chain(error: &dyn StdError) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_chain_names_each_cause() {
        assert_eq!(chain(&Outer(io::Error::other("inner"))), "outer: inner");
    }

    #[test]
    fn an_answer_that_is_not_an_error_may_be_readable_next_time() {
        for (status, passes) in [(200, true), (400, false), (429, false), (500, true)] {
            assert_eq!(
                may_pass(StatusCode::try_from(status).unwrap()),
                passes,
                "{status}"
            );
        }
    }
}
