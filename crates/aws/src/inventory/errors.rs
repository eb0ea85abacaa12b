//! Interpretation of failed Data API calls.
//!
//! Exceptions are distinguished by name. Only the two that contain the database's own error are parsed further, since
//! the service gives only text there.

use std::{error::Error as StdError, time::Duration};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleet_core::store::{Cause, Store, StoreError};

use crate::{budget::retry_after, failure::CallFailure, schema::SchemaMismatch};

/// How long a cluster takes to resume after a pause of less than a day, according to the Aurora guide.
const RESUMES_WITHIN: Duration = Duration::from_secs(15);

/// MySQL's codes for errors that hit a transaction by chance: lock wait timeout and deadlock.
const CONFLICTS: [u16; 2] = [1205, 1213];

/// MySQL's codes for too many connections: of the server, and of the user.
const CROWDED: [u16; 2] = [1040, 1203];

/// MySQL's code for a rejected user or password.
const ACCESS_DENIED: u16 = 1045;

/// MySQL's codes for an unknown column, a missing table and a missing index.
const OTHER_SCHEMA: [u16; 3] = [1054, 1146, 1176];

/// MySQL's codes while another instance takes over: shutting down, and read-only in two forms.
const FAILING_OVER: [u16; 3] = [1053, 1290, 1836];

/// The meaning of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallVerdict {
    /// A row with this key exists.
    Duplicate,
    /// The paused cluster is resuming; the statement did not run.
    Resuming,
    /// The service lost its connection to the database, which may have been paused; the statement may have run.
    LinkFailure,
    /// Another transaction got in the way, and this one was rolled back.
    Conflict,
    /// Too many requests or connections; the statement did not run.
    Crowded,
    /// It is unknown whether the statement ran.
    Unknown,
    /// The transaction does not exist (any more).
    Gone,
    /// The service could not read the secret this time, or the database rejects its password, which may just have
    /// changed; the statement did not run.
    SecretUnread,
    /// The store is unavailable, and retrying at once would only add to its load.
    Unavailable,
    /// A table or a column that our statements use does not exist.
    Schema,
    /// An operator has to fix something.
    Fault,
}

/// A failed call: its meaning and its cause.
#[derive(Debug)]
pub(super) struct FailedCall {
    pub(super) verdict: CallVerdict,
    pub(super) cause: Cause,
    /// Whether the connection broke, or could not be established, before a response.
    broke: bool,
}

impl FailedCall {
    /// A call without a response in time, or one that was not sent at all.
    pub(super) fn unanswered(verdict: CallVerdict, cause: impl Into<Cause>) -> Self {
        Self {
            verdict,
            cause: cause.into(),
            broke: false,
        }
    }

    /// Whether the connection broke, or could not be established, before a response.
    pub(super) fn is_broken_connection(&self) -> bool {
        self.broke
    }

    /// Interprets `error` of the call of `operation`.
    pub(super) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let (verdict, failure) = (classify(error), CallFailure::of(operation, error));
        Self {
            verdict,
            cause: match verdict {
                CallVerdict::Schema => SchemaMismatch::Missing(failure.to_string()).into(),
                _ => failure.into(),
            },
            broke: matches!(error, SdkError::DispatchFailure(_)),
        }
    }

    /// A schema that this build does not work with.
    pub(super) fn schema(cause: SchemaMismatch) -> Self {
        Self {
            verdict: CallVerdict::Schema,
            cause: cause.into(),
            broke: false,
        }
    }

    /// An impossible response: a programmer's error, ours or the service's.
    pub(super) fn fault(cause: impl Into<Cause>) -> Self {
        Self {
            verdict: CallVerdict::Fault,
            cause: cause.into(),
            broke: false,
        }
    }

    /// The error for the operation's caller when no retries are left.
    pub(super) fn into_store_error(self) -> StoreError {
        let (store, source) = (Store::Inventory, self.cause);
        match self.verdict {
            CallVerdict::Fault | CallVerdict::Duplicate => StoreError::Fault { store, source },
            CallVerdict::Schema => StoreError::Schema { store, source },
            CallVerdict::Resuming | CallVerdict::LinkFailure => StoreError::Unavailable {
                store,
                retry_after: RESUMES_WITHIN,
                source,
            },
            _ => StoreError::Unavailable {
                store,
                retry_after: retry_after(),
                source,
            },
        }
    }
}

/// Interprets `error`.
fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> CallVerdict {
    match error {
        SdkError::ConstructionFailure(_) => CallVerdict::Fault,
        SdkError::ServiceError(refusal) => {
            let (code, message) = (
                refusal.err().code().unwrap_or_default(),
                refusal.err().message().unwrap_or_default(),
            );
            of_exception(code, message, refusal.raw().status().as_u16())
        }
        // Timeouts, broken connections and unreadable responses.
        _ => CallVerdict::Unknown,
    }
}

/// Interprets the service's exception `code`.
fn of_exception(code: &str, message: &str, status: u16) -> CallVerdict {
    match code {
        "DatabaseResumingException" => CallVerdict::Resuming,
        "DatabaseErrorException" | "BadRequestException" => of_database_text(message),
        "DatabaseUnavailableException"
        | "ServiceUnavailableError"
        | "InternalServerErrorException" => CallVerdict::Unknown,
        "TransactionNotFoundException" | "NotFoundException" => CallVerdict::Gone,
        "SecretsErrorException" => CallVerdict::SecretUnread,
        "StatementTimeoutException" | "InvalidResourceStateException" => CallVerdict::Unavailable,
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => CallVerdict::Crowded,
        _ if status == 429 => CallVerdict::Crowded,
        // A server error, or a response that is neither a result nor an exception.
        _ if !(400..500).contains(&status) => CallVerdict::Unknown,
        // InvalidSecret, HttpEndpointNotEnabled, DatabaseNotFound, AccessDenied, Forbidden, UnsupportedResult, and
        // whatever else our requests must not cause.
        _ => CallVerdict::Fault,
    }
}

/// Interprets the text of a database error. A duplicate is checked first: its text quotes the client's key, which
/// may contain any of the other words.
fn of_database_text(message: &str) -> CallVerdict {
    let code = error_code(message);
    let is_one_of = |codes: &[u16]| code.is_some_and(|code| codes.contains(&code));
    if message.contains("Duplicate entry") || code == Some(1062) {
        CallVerdict::Duplicate
    } else if message.contains("Communications link failure") {
        CallVerdict::LinkFailure
    } else if is_one_of(&CONFLICTS)
        || message.contains("Deadlock found")
        || message.contains("Lock wait timeout exceeded")
    {
        CallVerdict::Conflict
    } else if is_one_of(&CROWDED) || message.contains("Too many connections") {
        CallVerdict::Crowded
    } else if is_one_of(&FAILING_OVER) {
        CallVerdict::Unknown
    } else if code == Some(ACCESS_DENIED) || message.contains("Access denied for user") {
        CallVerdict::SecretUnread
    } else if is_one_of(&OTHER_SCHEMA) {
        CallVerdict::Schema
    } else if message.starts_with("Transaction ")
        && message.to_ascii_lowercase().contains("not found")
    {
        // The older form of TransactionNotFoundException.
        CallVerdict::Gone
    } else {
        CallVerdict::Fault
    }
}

/// MySQL's error code, as the service writes it: `…; Error code: 1062; SQLState: 23000`, and before that
/// `Database error code: 1062. Message: …`.
fn error_code(message: &str) -> Option<u16> {
    let (_, rest) = message.split_once("rror code: ")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementError;

    use super::*;

    #[test]
    fn every_exception_has_its_meaning() {
        for (code, status, verdict) in [
            ("DatabaseResumingException", 400, CallVerdict::Resuming),
            ("DatabaseUnavailableException", 504, CallVerdict::Unknown),
            ("ServiceUnavailableError", 503, CallVerdict::Unknown),
            ("InternalServerErrorException", 500, CallVerdict::Unknown),
            // The verdict depends on their names alone.
            ("DatabaseUnavailableException", 400, CallVerdict::Unknown),
            ("ServiceUnavailableError", 400, CallVerdict::Unknown),
            ("InternalServerErrorException", 400, CallVerdict::Unknown),
            ("StatementTimeoutException", 400, CallVerdict::Unavailable),
            (
                "InvalidResourceStateException",
                400,
                CallVerdict::Unavailable,
            ),
            ("TransactionNotFoundException", 404, CallVerdict::Gone),
            ("NotFoundException", 404, CallVerdict::Gone),
            ("SecretsErrorException", 400, CallVerdict::SecretUnread),
            ("InvalidSecretException", 400, CallVerdict::Fault),
            ("HttpEndpointNotEnabledException", 400, CallVerdict::Fault),
            ("DatabaseNotFoundException", 404, CallVerdict::Fault),
            ("AccessDeniedException", 403, CallVerdict::Fault),
            ("ForbiddenException", 403, CallVerdict::Fault),
            ("UnsupportedResultException", 400, CallVerdict::Fault),
            ("ThrottlingException", 400, CallVerdict::Crowded),
            ("", 429, CallVerdict::Crowded),
            ("", 502, CallVerdict::Unknown),
            ("", 200, CallVerdict::Unknown),
            ("", 400, CallVerdict::Fault),
        ] {
            assert_eq!(of_exception(code, "", status), verdict, "{code} {status}");
        }
    }

    #[test]
    fn a_request_that_cannot_be_built_is_a_fault() {
        let error: SdkError<ExecuteStatementError, HttpResponse> =
            SdkError::construction_failure("no region");
        assert_eq!(classify(&error), CallVerdict::Fault);
    }

    #[test]
    fn a_database_error_is_told_by_its_text_in_both_exceptions() {
        for (message, verdict) in [
            (
                "Duplicate entry 'X' for key 'PRIMARY'",
                CallVerdict::Duplicate,
            ),
            (
                "Duplicate entry 'X' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000",
                CallVerdict::Duplicate,
            ),
            (
                "Duplicate entry 'Communications link failure' for key 'PRIMARY'",
                CallVerdict::Duplicate,
            ),
            (
                "Database error code: 1062. Message: …",
                CallVerdict::Duplicate,
            ),
            ("Communications link failure", CallVerdict::LinkFailure),
            (
                "Deadlock found when trying to get lock; try restarting transaction",
                CallVerdict::Conflict,
            ),
            (
                "…; Error code: 1213; SQLState: 40001",
                CallVerdict::Conflict,
            ),
            (
                "Lock wait timeout exceeded; try restarting transaction; Error code: 1205; SQLState: HY000",
                CallVerdict::Conflict,
            ),
            (
                "Too many connections; Error code: 1040; SQLState: 08004",
                CallVerdict::Crowded,
            ),
            ("Too many connections", CallVerdict::Crowded),
            (
                "User fleet has already more than 'max_user_connections' active connections; Error code: 1203; SQLState: 42000",
                CallVerdict::Crowded,
            ),
            (
                "The MySQL server is running with the --read-only option; Error code: 1290; SQLState: HY000",
                CallVerdict::Unknown,
            ),
            (
                "Access denied for user 'fleet_writer'@'10.0.0.1' (using password: YES); Error code: 1045; SQLState: 28000",
                CallVerdict::SecretUnread,
            ),
            (
                "UPDATE command denied to user 'fleet_writer'@'10.0.0.1' for table 'ec2'; Error code: 1142; SQLState: 42000",
                CallVerdict::Fault,
            ),
            (
                "Access denied for user 'fleet_writer'@'10.0.0.1'",
                CallVerdict::SecretUnread,
            ),
            (
                "…; Error code: 1045; SQLState: 28000",
                CallVerdict::SecretUnread,
            ),
            ("Transaction AbC= is not found", CallVerdict::Gone),
            ("Transaction AbC= is read-only", CallVerdict::Fault),
            ("Host not found", CallVerdict::Fault),
            (
                "Cannot add or update a child row: a foreign key constraint fails; Error code: 1452; SQLState: 23000",
                CallVerdict::Fault,
            ),
            (
                "Database returned more than the allowed response size limit",
                CallVerdict::Fault,
            ),
            (
                "Table 'db.ec2' doesn't exist; Error code: 1146; SQLState: 42S02",
                CallVerdict::Schema,
            ),
            (
                "Unknown column 'x' in 'field list'; Error code: 1054; SQLState: 42S22",
                CallVerdict::Schema,
            ),
            ("", CallVerdict::Fault),
        ] {
            for exception in ["DatabaseErrorException", "BadRequestException"] {
                assert_eq!(of_exception(exception, message, 400), verdict, "{message}");
            }
        }
    }
}
