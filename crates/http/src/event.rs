//! Conversion between API Gateway's events and HTTP: the proxy integration of a REST API.
//!
//! `lambda_http` has this conversion too, but 1.3 panics on an invalid `Host` and on broken base64, both of
//! which a client can send: <https://github.com/aws/aws-lambda-rust-runtime/issues/488> is one such report, and
//! the `expect` is still in its `request.rs`. Once that returns an error, its conversion can replace this one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::{
    Body, Context, Request, RequestExt,
    aws_lambda_events::{
        apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse},
        query_map::QueryMap,
    },
    http::{self, Uri},
    request::RequestContext,
};
use tokio::time::Instant;

use crate::{
    ApiError, ErrorCode, InvalidInput, Response, host::Host, parameters, request::EventRoute,
};

/// The id of the request for the client, API Gateway's access log and our log line. If the host uses one id for
/// many requests, it is Lambda's own, which identifies one invocation.
pub(crate) fn request_id(host: Host, event: &ApiGatewayProxyRequest, context: &Context) -> String {
    event
        .request_context
        .request_id
        .clone()
        .filter(|id| host.identifies_requests && !id.is_empty())
        .unwrap_or_else(|| context.request_id.clone())
}

/// When Lambda ends the function, if known.
pub(crate) fn deadline(context: &Context) -> Option<Instant> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let left = Duration::from_millis(context.deadline).saturating_sub(since_1970);
    // Zero means unknown; a real deadline is never near zero.
    (context.deadline > 0).then(|| Instant::now() + left)
}

/// The route that API Gateway chose, as the template writes it: `/ec2/{aws_instance_id}`.
pub(crate) fn route(event: &ApiGatewayProxyRequest) -> String {
    let resource = event
        .resource
        .clone()
        .or_else(|| event.request_context.resource_path.clone());
    resource.unwrap_or_default()
}

/// Builds the request that a function sees, with path and query parameters decoded.
///
/// # Errors
/// [`InvalidInput`] for a parameter that is not percent-encoded UTF-8, and for a body that is declared as base64 but
/// is not.
pub(crate) fn into_request(
    host: Host,
    event: ApiGatewayProxyRequest,
    context: Context,
) -> Result<Request, ApiError> {
    let route = EventRoute {
        id: request_id(host, &event, &context),
        route: route(&event),
    };
    let body = match event.body {
        None => Body::Empty,
        Some(text) if event.is_base64_encoded => Body::Binary(decode_base64(&text)?),
        Some(text) => Body::Text(text),
    };
    // A path that is not a URI (which a client can send) must not fail the request: functions do not use the path.
    let uri = event
        .path
        .as_deref()
        .and_then(|path| path.parse().ok())
        .unwrap_or_else(|| Uri::from_static("/"));
    // The multi-value form contains everything in the single-value form.
    let query = if event.multi_value_query_string_parameters.is_empty() {
        event.query_string_parameters
    } else {
        event.multi_value_query_string_parameters
    };
    let path_parameters = parameters::path(
        host.encodes(event.request_context.apiid.as_deref()),
        event.path_parameters,
    )?;
    let query = parameters::query(query)?;
    let mut request = http::Request::new(body);
    *request.method_mut() = event.http_method;
    *request.uri_mut() = uri;
    *request.headers_mut() = if event.multi_value_headers.is_empty() {
        event.headers
    } else {
        event.multi_value_headers
    };
    request.extensions_mut().insert(route);
    Ok(request
        .with_path_parameters(QueryMap::from(path_parameters))
        .with_query_string_parameters(query)
        .with_stage_variables(QueryMap::from(event.stage_variables))
        .with_request_context(RequestContext::ApiGatewayV1(event.request_context))
        .with_lambda_context(context))
}

fn decode_base64(text: &str) -> Result<Vec<u8>, ApiError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).map_err(|_| {
        InvalidInput::new(
            ErrorCode::InvalidBody,
            "The request body must be valid base64.",
            "the request body: not valid base64",
        )
        .into()
    })
}

/// Builds the response that API Gateway expects from a function.
pub(crate) fn from_response(response: Response) -> ApiGatewayProxyResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    answer.body = Some(body);
    answer
}

/// A response without a body: to a ping, and when even an error cannot be written.
pub(crate) fn bare(status: i64) -> ApiGatewayProxyResponse {
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> ApiGatewayProxyRequest {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_host_that_is_no_host_and_a_path_that_is_no_path_do_no_harm() {
        for path in [
            "/ec2/x", ":80", "", "//", "/a b", "/\u{7f}", "http://[", "/%",
        ] {
            let mut event = event(
                r#"{"httpMethod":"GET","headers":{"Host":"a b:c/["},"requestContext":{"httpMethod":"GET"}}"#,
            );
            event.path = Some(path.to_owned());
            assert!(
                into_request(Host::API_GATEWAY, event, Context::default()).is_ok(),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_body_that_is_no_base64_stays_text() {
        let event =
            event(r#"{"httpMethod":"POST","body":"e30=","requestContext":{"httpMethod":"POST"}}"#);
        let request = into_request(Host::API_GATEWAY, event, Context::default()).unwrap();
        assert_eq!(request.body().as_ref(), b"e30=");
    }

    #[test]
    fn a_base64_body_is_decoded_and_broken_base64_is_refused() {
        let with = |body: &str| {
            let mut event = event(
                r#"{"httpMethod":"POST","isBase64Encoded":true,"requestContext":{"httpMethod":"POST"}}"#,
            );
            event.body = Some(body.to_owned());
            into_request(Host::API_GATEWAY, event, Context::default())
        };
        assert_eq!(with("e30=").unwrap().body().as_ref(), b"{}");
        assert_eq!(
            with("e30").unwrap_err().to_string(),
            "The request body must be valid base64."
        );
        assert_eq!(with("***").unwrap_err().status(), 400);
    }

    #[test]
    fn lambdas_deadline_is_known_where_there_is_one() {
        let mut context = Context::default();
        assert_eq!(deadline(&context), None);
        let ten_seconds = SystemTime::now() + Duration::from_secs(10);
        let since_1970 = ten_seconds.duration_since(UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(since_1970.as_millis()).unwrap();
        let left = deadline(&context).unwrap() - Instant::now();
        assert!(
            left <= Duration::from_secs(10) && left > Duration::from_secs(1),
            "{left:?}"
        );
        context.deadline = 1;
        assert!(deadline(&context).unwrap() <= Instant::now());
    }

    #[test]
    fn the_gateways_request_id_goes_before_lambdas() {
        let mut context = Context::default();
        context.request_id = "lambda".to_owned();
        let gateway = event(
            r#"{"httpMethod":"GET","requestContext":{"httpMethod":"GET","requestId":"gateway"}}"#,
        );
        let id = |host, event: &ApiGatewayProxyRequest| request_id(host, event, &context);
        assert_eq!(id(Host::API_GATEWAY, &gateway), "gateway");
        let shares_ids = Host {
            identifies_requests: false,
            ..Host::API_GATEWAY
        };
        assert_eq!(id(shares_ids, &gateway), "lambda");
        let without = event(r#"{"httpMethod":"GET","requestContext":{"httpMethod":"GET"}}"#);
        assert_eq!(id(Host::API_GATEWAY, &without), "lambda");
    }
}
