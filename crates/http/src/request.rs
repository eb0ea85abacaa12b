//! What a function asks of its request.

use lambda_http::{Request, RequestExt};

use crate::ApiError;

/// Which request this is and which route it came by.
#[derive(Clone, Debug)]
pub(crate) struct EventRoute {
    pub(crate) id: String,
    pub(crate) route: String,
}

/// The route that the request came by, as the template writes it; empty outside API Gateway.
#[must_use]
pub fn route(request: &Request) -> &str {
    request
        .extensions()
        .get::<EventRoute>()
        .map_or("", |event| &event.route)
}

/// The id in the request's answer and log line; empty outside API Gateway.
#[must_use]
pub fn request_id(request: &Request) -> &str {
    request
        .extensions()
        .get::<EventRoute>()
        .map_or("", |event| &event.id)
}

/// A path parameter, decoded, as a value of the domain.
///
/// # Errors
/// [`ApiError::BadRequest`] that names the parameter.
pub fn path_parameter<T, E: std::fmt::Display>(
    request: &Request,
    name: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, ApiError> {
    let value = request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first(name))
        .unwrap_or_default();
    parse(value.to_owned()).map_err(|error| ApiError::BadRequest(format!("{name} {error}.")))
}
