//! The Data API's size limits.
//!
//! Source: <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html>,
//! and, for the length of a SQL text, the service model.

use super::errors::DataApiError;

/// The largest request, including headers and JSON: 4 MiB.
pub(super) const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// The largest response: 1 MiB. This measures the body, which is never smaller than what the database sent.
pub(super) const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// The largest result as one JSON string: 10 MB, according to the service model.
pub(super) const MAX_FORMATTED_BYTES: usize = 10 * 1000 * 1000;
/// The longest SQL text, in characters.
pub(super) const MAX_SQL_CHARACTERS: usize = 65_536;

/// Checks that a request is small enough.
pub(super) fn request(header_bytes: usize, body_bytes: usize) -> Result<(), DataApiError> {
    if header_bytes + body_bytes > MAX_REQUEST_BYTES {
        return Err(too_large());
    }
    Ok(())
}

/// The error for a request that is too large.
pub(super) fn too_large() -> DataApiError {
    DataApiError::BadRequest(format!(
        "The request is larger than the allowed size of {MAX_REQUEST_BYTES} bytes"
    ))
}

/// Checks that a SQL text is present and short enough.
pub(super) fn sql(text: &str) -> Result<(), DataApiError> {
    // A text cannot have more characters than bytes, so most texts need no counting.
    if text.len() > MAX_SQL_CHARACTERS && text.chars().count() > MAX_SQL_CHARACTERS {
        return Err(DataApiError::BadRequest(format!(
            "The SQL statement is longer than the allowed {MAX_SQL_CHARACTERS} characters"
        )));
    }
    if text.trim().is_empty() {
        return Err(DataApiError::BadRequest(
            "The SQL statement is empty".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_measured_with_its_headers() {
        assert!(request(100, MAX_REQUEST_BYTES - 100).is_ok());
        assert!(request(101, MAX_REQUEST_BYTES - 100).is_err());
    }

    #[test]
    fn sql_is_measured_in_characters() {
        assert!(sql(&"é".repeat(MAX_SQL_CHARACTERS)).is_ok());
        assert!(sql(&"é".repeat(MAX_SQL_CHARACTERS + 1)).is_err());
        assert!(sql("  \n").is_err());
    }
}
