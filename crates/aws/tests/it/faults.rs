//! The Data API's failures on the wire.

use crate::{
    canned::Reply,
    fake_data_api::{Done, Fault},
};

/// How an operation reacts to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Retries.
    Again,
    /// Retries, since the transaction is gone.
    Gone,
    /// Answers 503.
    Unavailable,
    /// Answers 500.
    Fault,
}

/// One failure.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) policy: Policy,
    reply: fn() -> Reply,
}

impl Case {
    /// The call fails without having done anything.
    pub(crate) fn undone(&self) -> Option<Fault> {
        Some(Fault {
            reply: (self.reply)(),
            done: Done::Never,
        })
    }

    /// The call fails after it did its work.
    pub(crate) fn done(&self) -> Option<Fault> {
        Some(Fault {
            reply: (self.reply)(),
            done: Done::AtOnce,
        })
    }
}

macro_rules! case {
    ($policy:ident, $name:literal, $reply:expr) => {
        Case {
            name: $name,
            policy: Policy::$policy,
            reply: || $reply,
        }
    };
}

/// Every failure that has a rule.
pub(crate) fn all() -> Vec<Case> {
    vec![
        case!(
            Again,
            "resuming",
            Reply::error(
                400,
                "DatabaseResumingException",
                "The Aurora DB instance fleet-1 is resuming after being auto-paused."
            )
        ),
        case!(
            Again,
            "link failure, the newer form",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Communications link failure; SQLState: 08S01"
            )
        ),
        case!(
            Again,
            "link failure, the older form",
            Reply::error(
                400,
                "BadRequestException",
                "Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago."
            )
        ),
        case!(
            Again,
            "unavailable database",
            Reply::error(
                504,
                "DatabaseUnavailableException",
                "The writer instance is not available."
            )
        ),
        case!(
            Again,
            "unavailable service",
            Reply::error(
                503,
                "ServiceUnavailableError",
                "The service is not available."
            )
        ),
        case!(
            Again,
            "internal error",
            Reply::error(
                500,
                "InternalServerErrorException",
                "An internal error occurred."
            )
        ),
        case!(
            Again,
            "bad gateway",
            Reply::Answer {
                status: 502,
                exception: None,
                body: "<html>".into()
            }
        ),
        case!(Again, "garbage", Reply::Garbage),
        case!(Again, "reset", Reply::Reset),
        case!(Again, "silence", Reply::Silence),
        case!(
            Again,
            "failover",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Server shutdown in progress; Error code: 1053; SQLState: 08S01"
            )
        ),
        case!(
            Again,
            "deadlock",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001"
            )
        ),
        case!(
            Again,
            "lock wait",
            Reply::error(
                400,
                "BadRequestException",
                "Database error code: 1205. Message: Lock wait timeout exceeded; try restarting transaction"
            )
        ),
        case!(
            Again,
            "too many connections",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Too many connections; Error code: 1040; SQLState: 08004"
            )
        ),
        case!(
            Again,
            "throttled",
            Reply::error(429, "ThrottlingException", "Rate exceeded")
        ),
        case!(
            Again,
            "unread secret",
            Reply::error(
                400,
                "SecretsErrorException",
                "There was a problem with the Secrets Manager secret."
            )
        ),
        case!(
            Again,
            "password that has just changed",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Access denied for user 'fleet_writer'@'10.0.0.1' (using password: YES); Error code: 1045; SQLState: 28000"
            )
        ),
        case!(
            Gone,
            "no transaction",
            Reply::error(
                404,
                "TransactionNotFoundException",
                "Transaction transaction-1 is not found"
            )
        ),
        case!(
            Gone,
            "no transaction, the older form",
            Reply::error(
                400,
                "BadRequestException",
                "Transaction transaction-1 is not found"
            )
        ),
        case!(
            Gone,
            "not found",
            Reply::error(404, "NotFoundException", "The transactionId was not found.")
        ),
        case!(
            Unavailable,
            "statement timeout",
            Reply::error(400, "StatementTimeoutException", "The statement timed out.")
        ),
        case!(
            Unavailable,
            "invalid state",
            Reply::error(
                400,
                "InvalidResourceStateException",
                "The cluster is stopped."
            )
        ),
        case!(
            Fault,
            "invalid secret",
            Reply::error(400, "InvalidSecretException", "The secret has no username.")
        ),
        case!(
            Fault,
            "endpoint not enabled",
            Reply::error(
                400,
                "HttpEndpointNotEnabledException",
                "HttpEndpoint is not enabled."
            )
        ),
        case!(
            Fault,
            "no database",
            Reply::error(404, "DatabaseNotFoundException", "Unknown database.")
        ),
        case!(
            Fault,
            "access denied",
            Reply::error(403, "AccessDeniedException", "User is not authorized.")
        ),
        case!(
            Fault,
            "forbidden",
            Reply::error(
                403,
                "ForbiddenException",
                "There are insufficient privileges."
            )
        ),
        case!(
            Fault,
            "unsupported result",
            Reply::error(400, "UnsupportedResultException", "Unsupported result.")
        ),
        case!(
            Fault,
            "data too long",
            Reply::error(
                400,
                "DatabaseErrorException",
                "Data too long for column 'aws_region' at row 1; Error code: 1406; SQLState: 22001"
            )
        ),
        case!(
            Fault,
            "answer too large",
            Reply::error(
                400,
                "BadRequestException",
                "Database returned more than the allowed response size limit"
            )
        ),
        case!(
            Fault,
            "unknown exception",
            Reply::error(400, "SomethingNewException", "Something new.")
        ),
    ]
}
