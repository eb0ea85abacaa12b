//! Interpretation of failed DynamoDB calls.

use std::error::Error as StdError;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleet_core::store::{Cause, Store, StoreError};
use thiserror::Error;

use super::item::{self, ReadState};
use crate::{
    budget::retry_after,
    failure::{CallFailure, may_pass},
};

/// Exceptions after which the same call may succeed later. The SDK has already tried three times, except for a
/// conflict with another client's transaction, which it leaves to us.
const PASSING: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
    "InternalServerError",
    "ServiceUnavailable",
];

/// A dimension that others keep writing.
#[derive(Debug, Error)]
#[error("other writers came first each time")]
pub(super) struct Contention;

/// A write whose response was lost, on a dimension that many others have written since.
#[derive(Debug, Error)]
#[error(
    "whether it was written is unknown: its answer was lost, and too many others have written since"
)]
pub(super) struct UnknownOutcome;

/// Why an item was not put.
pub(super) enum PutFailure {
    /// Another writer was first, and left this.
    Conflict(ReadState),
    /// Another writer was first, in another region: the state that it left is not known here.
    Race,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for PutFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Interprets a failed put. A conflict may be with the very same write, which the SDK resent after a response was lost:
/// the state in the conflict shows this.
pub(super) fn of_put(
    operation: &'static str,
    error: SdkError<PutItemError, HttpResponse>,
) -> PutFailure {
    match error {
        SdkError::ServiceError(refusal)
            if refusal.err().is_conditional_check_failed_exception() =>
        {
            let PutItemError::ConditionalCheckFailedException(conflict) = refusal.into_err() else {
                return PutFailure::Race;
            };
            // No item in the conflict: the one that was seen has been deleted.
            item::read(conflict.item).map_or_else(|error| fault(error).into(), PutFailure::Conflict)
        }
        SdkError::ServiceError(refusal)
            if refusal.err().is_replicated_write_conflict_exception() =>
        {
            PutFailure::Race
        }
        error => store_error(operation, &error).into(),
    }
}

/// Interprets any other failed call.
pub(super) fn store_error<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let passes = match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(refusal) => {
            may_pass(refusal.raw().status())
                || refusal
                    .err()
                    .code()
                    .is_some_and(|code| PASSING.contains(&code))
        }
        // Timeouts, broken connections and unreadable responses.
        _ => true,
    };
    let cause = CallFailure::of(operation, error);
    if passes {
        unavailable(cause)
    } else {
        fault(cause)
    }
}

pub(super) fn unavailable(cause: impl Into<Cause>) -> StoreError {
    StoreError::Unavailable {
        store: Store::Dimensions,
        retry_after: retry_after(),
        source: cause.into(),
    }
}

pub(super) fn fault(cause: impl Into<Cause>) -> StoreError {
    StoreError::Fault {
        store: Store::Dimensions,
        source: cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;

    #[test]
    fn a_request_that_cannot_be_built_is_a_fault() {
        let error: SdkError<GetItemError, HttpResponse> =
            SdkError::construction_failure("no region");
        let found = store_error("GetItem", &error);
        assert!(matches!(found, StoreError::Fault { .. }), "{found:?}");
    }
}
