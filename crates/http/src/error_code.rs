//! The machine-readable codes in error bodies.

use serde::Serialize;

/// What went wrong, as a word that programs can match on: the `code` of every error body of ours.
///
/// The set is closed and a word keeps its meaning. Sentences may change; codes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum ErrorCode {
    /// 400: the request or one of its headers cannot be read.
    InvalidRequest,
    /// 400: the body as a whole: empty, not JSON, not an object, or with a field twice.
    InvalidBody,
    /// 400: a field of the body is missing or breaks its rule.
    InvalidField,
    /// 400: the body has a field that the route does not have.
    UnknownField,
    /// 400: a path or query parameter breaks its rule.
    InvalidParameter,
    /// 400: the route does not have this query parameter.
    UnknownParameter,
    /// 400: an instance with this id already exists.
    DuplicateInstance,
    /// 401: the caller's token is missing or invalid.
    Unauthorized,
    /// 403: the caller is not allowed to do this.
    Forbidden,
    /// 404: there is no such book or author.
    NotFound,
    /// 412: `If-Match` does not match the current state.
    PreconditionFailed,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 421: the server does not serve the request's host.
    MisdirectedRequest,
    /// 429: more requests than the caller's plan or the route allows.
    Throttled,
    /// 500 and 502: an internal error.
    Internal,
    /// 503: a store or the service is unavailable; `Retry-After` says when to try again.
    Unavailable,
    /// 504: no response in time.
    Timeout,
}

impl ErrorCode {
    /// Every code with its meaning in one sentence, for the API's description.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (
            Self::InvalidRequest,
            "the request or one of its headers cannot be read",
        ),
        (
            Self::InvalidBody,
            "the body is empty, not a JSON object, or has a field twice",
        ),
        (
            Self::InvalidField,
            "a field of the body is missing or breaks its rule",
        ),
        (
            Self::UnknownField,
            "the body has a field that the route does not have",
        ),
        (
            Self::InvalidParameter,
            "a path or query parameter breaks its rule",
        ),
        (
            Self::UnknownParameter,
            "the route does not have this query parameter",
        ),
        (
            Self::DuplicateInstance,
            "an instance with this id already exists",
        ),
        (
            Self::Unauthorized,
            "the caller's token is missing or invalid",
        ),
        (Self::Forbidden, "the caller is not allowed to do this"),
        (Self::NotFound, "there is no such book or author"),
        (
            Self::PreconditionFailed,
            "`If-Match` does not match the current state",
        ),
        (Self::PayloadTooLarge, "the body is too large"),
        (
            Self::MisdirectedRequest,
            "the server does not serve the request's host",
        ),
        (
            Self::Throttled,
            "too many requests; try again after `Retry-After` seconds",
        ),
        (Self::Internal, "an internal error"),
        (
            Self::Unavailable,
            "a store or the service is unavailable; try again after `Retry-After` seconds",
        ),
        (Self::Timeout, "no response in time"),
    ];

    /// The code as text: `InvalidField`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "InvalidRequest",
            Self::InvalidBody => "InvalidBody",
            Self::InvalidField => "InvalidField",
            Self::UnknownField => "UnknownField",
            Self::InvalidParameter => "InvalidParameter",
            Self::UnknownParameter => "UnknownParameter",
            Self::DuplicateInstance => "DuplicateInstance",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::PayloadTooLarge => "PayloadTooLarge",
            Self::MisdirectedRequest => "MisdirectedRequest",
            Self::Throttled => "Throttled",
            Self::Internal => "Internal",
            Self::Unavailable => "Unavailable",
            Self::Timeout => "Timeout",
        }
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let meanings: Vec<String> = Self::ALL
            .iter()
            .map(|(code, meaning)| format!("- `{}`: {meaning}", code.as_str()))
            .collect();
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(format!(
                "A stable code for programs. Codes keep their meaning; messages may change.\n\n{}",
                meanings.join("\n")
            )))
            .enum_values(Some(Self::ALL.iter().map(|(code, _)| code.as_str())))
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_under_the_word_that_clients_see() {
        let mut words: Vec<_> = ErrorCode::ALL
            .iter()
            .map(|(code, _)| code.as_str())
            .collect();
        for (code, _) in ErrorCode::ALL {
            assert_eq!(
                serde_json::to_string(code).unwrap(),
                format!("\"{}\"", code.as_str())
            );
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorCode::Timeout as usize + 1);
    }
}
