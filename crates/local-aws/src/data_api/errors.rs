//! The Data API's exceptions, one variant each, with status, name and message defined in one place.

use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::{
    engine::EngineError,
    respond::{self, ServiceResponse},
};

/// A service exception with its message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DataApiError {
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Database(String),
    #[error("{0}")]
    DatabaseNotFound(String),
    #[error("The writer instance in the DB cluster isn't available.")]
    DatabaseUnavailable,
    #[error("{0}")]
    InvalidSecret(String),
    #[error("{0}")]
    Secrets(String),
    #[error("Request timed out")]
    StatementTimeout,
    #[error("Transaction {0} is not found")]
    TransactionNotFound(String),
    #[error("{0}")]
    UnsupportedResult(String),
    /// The data cannot be stored right now.
    #[error("The DB cluster cannot store anything at the moment: {0}")]
    Storage(String),
    /// With the cause, which is only logged.
    #[error("An internal error occurred.")]
    Internal(String),
}

impl DataApiError {
    /// The exception's name in the service model.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequestException",
            Self::Database(_) => "DatabaseErrorException",
            Self::DatabaseNotFound(_) => "DatabaseNotFoundException",
            Self::DatabaseUnavailable => "DatabaseUnavailableException",
            Self::InvalidSecret(_) => "InvalidSecretException",
            Self::Secrets(_) => "SecretsErrorException",
            Self::Storage(_) => "InvalidResourceStateException",
            Self::StatementTimeout => "StatementTimeoutException",
            Self::TransactionNotFound(_) => "TransactionNotFoundException",
            Self::UnsupportedResult(_) => "UnsupportedResultException",
            Self::Internal(_) => "InternalServerErrorException",
        }
    }

    /// The status in the service model.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::DatabaseNotFound(_) | Self::TransactionNotFound(_) => StatusCode::NOT_FOUND,
            Self::DatabaseUnavailable => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The response: the name in a header, the message in the body. The cause of an internal error is only logged.
    pub(crate) fn into_answer(self) -> ServiceResponse {
        let mut body = json!({"message": self.to_string()});
        if self == Self::StatementTimeout {
            body["dbConnectionId"] = json!(0);
        }
        let mut response = respond::answer(self.status(), "application/json", body.to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(self.kind()));
        if let Self::Internal(cause) | Self::Storage(cause) = self {
            tracing::error!(
                request_id = respond::request_id(&response),
                cause,
                "a Data API call failed"
            );
        }
        response
    }
}

impl From<EngineError> for DataApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Database { message, code, state } => Self::Database(format!("{message}; Error code: {code}; SQLState: {state}")),
            EngineError::Deadlock => Self::Database(
                "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001".into(),
            ),
            EngineError::MissingParameter(name) => Self::BadRequest(format!("Cannot find parameter: {name}")),
            EngineError::SeveralStatements => Self::BadRequest("Multistatements aren't supported".into()),
            EngineError::Timeout => Self::StatementTimeout,
            EngineError::ResultTooLarge => Self::UnsupportedResult("Database returned more than the allowed response size limit".into()),
            EngineError::RowTooLarge => Self::UnsupportedResult("Packet for query is too large".into()),
            EngineError::LinkFailure => Self::BadRequest("Communications link failure".into()),
            EngineError::Unavailable => Self::DatabaseUnavailable,
            EngineError::AccessDenied(message) => Self::InvalidSecret(message),
            EngineError::Storage(cause) => Self::Storage(cause),
            EngineError::Internal(cause) => Self::Internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exception_has_the_status_of_the_services_model() {
        let expected = [
            (
                DataApiError::BadRequest("m".into()),
                400,
                "BadRequestException",
            ),
            (
                DataApiError::Database("m".into()),
                400,
                "DatabaseErrorException",
            ),
            (
                DataApiError::DatabaseNotFound("m".into()),
                404,
                "DatabaseNotFoundException",
            ),
            (
                DataApiError::DatabaseUnavailable,
                504,
                "DatabaseUnavailableException",
            ),
            (
                DataApiError::InvalidSecret("m".into()),
                400,
                "InvalidSecretException",
            ),
            (
                DataApiError::Secrets("m".into()),
                400,
                "SecretsErrorException",
            ),
            (
                DataApiError::Storage("m".into()),
                400,
                "InvalidResourceStateException",
            ),
            (
                DataApiError::StatementTimeout,
                400,
                "StatementTimeoutException",
            ),
            (
                DataApiError::TransactionNotFound("t".into()),
                404,
                "TransactionNotFoundException",
            ),
            (
                DataApiError::UnsupportedResult("m".into()),
                400,
                "UnsupportedResultException",
            ),
            (
                DataApiError::Internal("c".into()),
                500,
                "InternalServerErrorException",
            ),
        ];
        for (error, status, kind) in expected {
            let answer = error.into_answer();
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(answer.headers()["x-amzn-errortype"], kind);
        }
    }

    #[test]
    fn a_database_error_carries_code_and_state() {
        let error =
            EngineError::database(1062, "23000", "Duplicate entry 'a' for key 'ec2.PRIMARY'");
        assert_eq!(
            DataApiError::from(error).to_string(),
            "Duplicate entry 'a' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000"
        );
    }
}
