//! The Data API's failures, as responses.

use crate::{
    canned::CannedReply,
    fake_data_api::{CallFault, WorkMoment},
};

/// How an operation reacts to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultPolicy {
    /// Retries.
    Again,
    /// Retries, since the transaction is gone.
    Gone,
    /// Responds 503.
    Unavailable,
    /// Responds 500.
    Fault,
}

/// One failure.
pub(crate) struct FaultCase {
    pub(crate) name: &'static str,
    pub(crate) policy: FaultPolicy,
    reply: fn() -> CannedReply,
}

impl FaultCase {
    /// The call fails without having had an effect.
    pub(crate) fn undone(&self) -> Option<CallFault> {
        Some(CallFault {
            reply: (self.reply)(),
            done: WorkMoment::Never,
        })
    }

    /// The call fails after it did its work.
    pub(crate) fn done(&self) -> Option<CallFault> {
        Some(CallFault {
            reply: (self.reply)(),
            done: WorkMoment::AtOnce,
        })
    }
}

macro_rules! case {
    ($policy:ident, $name:literal, $reply:expr) => {
        FaultCase {
            name: $name,
            policy: FaultPolicy::$policy,
            reply: || $reply,
        }
    };
}

/// Every failure that has a rule.
pub(crate) fn all() -> Vec<FaultCase> {
    vec![
        case!(
            Again,
            "resuming",
            CannedReply::error(
                400,
                "DatabaseResumingException",
                "The Aurora DB instance fleet-1 is resuming after being auto-paused."
            )
        ),
        case!(
            Again,
            "link failure, the newer form",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Communications link failure; SQLState: 08S01"
            )
        ),
        case!(
            Again,
            "link failure, the older form",
            CannedReply::error(
                400,
                "BadRequestException",
                "Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago."
            )
        ),
        case!(
            Again,
            "unavailable database",
            CannedReply::error(
                504,
                "DatabaseUnavailableException",
                "The writer instance is not available."
            )
        ),
        case!(
            Again,
            "unavailable service",
            CannedReply::error(
                503,
                "ServiceUnavailableError",
                "The service is not available."
            )
        ),
        case!(
            Again,
            "internal error",
            CannedReply::error(
                500,
                "InternalServerErrorException",
                "An internal error occurred."
            )
        ),
        case!(
            Again,
            "bad gateway",
            CannedReply::Answer {
                status: 502,
                exception: None,
                body: "<html>".into()
            }
        ),
        case!(Again, "garbage", CannedReply::Garbage),
        case!(Again, "reset", CannedReply::Reset),
        case!(Again, "silence", CannedReply::Silence),
        case!(
            Again,
            "failover",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Server shutdown in progress; Error code: 1053; SQLState: 08S01"
            )
        ),
        case!(
            Again,
            "deadlock",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001"
            )
        ),
        case!(
            Again,
            "lock wait",
            CannedReply::error(
                400,
                "BadRequestException",
                "Database error code: 1205. Message: Lock wait timeout exceeded; try restarting transaction"
            )
        ),
        case!(
            Again,
            "too many connections",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Too many connections; Error code: 1040; SQLState: 08004"
            )
        ),
        case!(
            Again,
            "throttled",
            CannedReply::error(429, "ThrottlingException", "Rate exceeded")
        ),
        case!(
            Again,
            "unread secret",
            CannedReply::error(
                400,
                "SecretsErrorException",
                "There was a problem with the Secrets Manager secret."
            )
        ),
        case!(
            Again,
            "password that has just changed",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Access denied for user 'fleet_writer'@'10.0.0.1' (using password: YES); Error code: 1045; SQLState: 28000"
            )
        ),
        case!(
            Gone,
            "no transaction",
            CannedReply::error(
                404,
                "TransactionNotFoundException",
                "Transaction transaction-1 is not found"
            )
        ),
        case!(
            Gone,
            "no transaction, the older form",
            CannedReply::error(
                400,
                "BadRequestException",
                "Transaction transaction-1 is not found"
            )
        ),
        case!(
            Gone,
            "not found",
            CannedReply::error(404, "NotFoundException", "The transactionId was not found.")
        ),
        case!(
            Unavailable,
            "statement timeout",
            CannedReply::error(400, "StatementTimeoutException", "The statement timed out.")
        ),
        case!(
            Unavailable,
            "invalid state",
            CannedReply::error(
                400,
                "InvalidResourceStateException",
                "The cluster is stopped."
            )
        ),
        case!(
            Fault,
            "invalid secret",
            CannedReply::error(400, "InvalidSecretException", "The secret has no username.")
        ),
        case!(
            Fault,
            "endpoint not enabled",
            CannedReply::error(
                400,
                "HttpEndpointNotEnabledException",
                "HttpEndpoint is not enabled."
            )
        ),
        case!(
            Fault,
            "no database",
            CannedReply::error(404, "DatabaseNotFoundException", "Unknown database.")
        ),
        case!(
            Fault,
            "access denied",
            CannedReply::error(403, "AccessDeniedException", "User is not authorized.")
        ),
        case!(
            Fault,
            "forbidden",
            CannedReply::error(
                403,
                "ForbiddenException",
                "There are insufficient privileges."
            )
        ),
        case!(
            Fault,
            "unsupported result",
            CannedReply::error(400, "UnsupportedResultException", "Unsupported result.")
        ),
        case!(
            Fault,
            "data too long",
            CannedReply::error(
                400,
                "DatabaseErrorException",
                "Data too long for column 'aws_region' at row 1; Error code: 1406; SQLState: 22001"
            )
        ),
        case!(
            Fault,
            "answer too large",
            CannedReply::error(
                400,
                "BadRequestException",
                "Database returned more than the allowed response size limit"
            )
        ),
        case!(
            Fault,
            "unknown exception",
            CannedReply::error(400, "SomethingNewException", "Something new.")
        ),
    ]
}
