//! What a function reads from its request.

use lambda_http::{Request, RequestExt, request::RequestContext};

use crate::{ApiError, InvalidInput};

/// The request's id and its route.
#[derive(Clone, Debug)]
pub(crate) struct EventRoute {
    pub(crate) id: String,
    pub(crate) route: String,
}

/// The route of the request, as in the template; empty outside API Gateway.
#[must_use]
pub fn route(request: &Request) -> &str {
    request
        .extensions()
        .get::<EventRoute>()
        .map_or("", |event| &event.route)
}

/// The id in the request's response and log line; empty outside API Gateway.
#[must_use]
pub fn request_id(request: &Request) -> &str {
    request
        .extensions()
        .get::<EventRoute>()
        .map_or("", |event| &event.id)
}

/// The prefix of the API's paths in the URL that the client requested: the stage (`/prod`), a domain's base path,
/// or nothing. Append a path of the template to make a link.
#[must_use]
pub fn base_path(request: &Request) -> String {
    let path = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.path.as_deref().unwrap_or_default(),
        _ => "",
    };
    let mut base = path.trim_end_matches('/');
    for _ in route(request).split('/').skip(1) {
        base = base.rfind('/').map_or("", |slash| &base[..slash]);
    }
    // Two slashes at the start would turn a link into one to another host.
    match base.trim_matches('/') {
        "" => String::new(),
        base => format!("/{base}"),
    }
}

/// A path parameter, decoded, as a domain value.
///
/// # Errors
/// [`InvalidInput`] that names the parameter.
pub fn path_parameter<T, E: std::fmt::Display>(
    request: &Request,
    name: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, ApiError> {
    let value = request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first(name))
        .unwrap_or_default();
    parse(value.to_owned()).map_err(|error| InvalidInput::parameter(name, error).into())
}

#[cfg(test)]
mod tests {
    use lambda_http::{Context, aws_lambda_events::apigw::ApiGatewayProxyRequest};
    use serde_json::json;

    use super::*;
    use crate::{event::into_request, host::Host};

    #[test]
    fn the_base_path_is_what_the_gateway_adds() {
        for (path, resource, base) in [
            (Some("/v1"), "/v1", ""),
            (Some("/v1/"), "/v1", ""),
            (Some("/prod/v1"), "/v1", "/prod"),
            (Some("/prod/v1/"), "/v1", "/prod"),
            (
                Some("/team/fleet/v1/metadata"),
                "/v1/metadata",
                "/team/fleet",
            ),
            (Some("/prod/ec2/a%2Fb"), "/ec2/{id}", "/prod"),
            (Some("//v1"), "/v1", ""),
            (Some("//evil.example/v1"), "/v1", "/evil.example"),
            (None, "/v1", ""),
            (Some("/x"), "/v1/health/ready", ""),
        ] {
            let event = json!({"resource": resource, "httpMethod": "GET", "requestContext": {"httpMethod": "GET", "path": path}});
            let event: ApiGatewayProxyRequest = serde_json::from_value(event).unwrap();
            let request = into_request(Host::API_GATEWAY, event, Context::default()).unwrap();
            assert_eq!(base_path(&request), base, "{path:?}");
        }
    }
}
