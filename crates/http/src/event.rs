//! Between API Gateway's events and HTTP: the proxy integration of a REST API.
//!
//! `lambda_http` has this conversion too, but 1.3 panics on a `Host` that is no host and on broken base64, both of
//! which a client can send.

use std::collections::HashMap;

use lambda_http::{
    Body, Context, Request, RequestExt,
    aws_lambda_events::{
        apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse},
        query_map::QueryMap,
    },
    http::{self, Uri},
    request::RequestContext,
};

use crate::{ApiError, Response, request::EventRoute};

/// The id that the client, API Gateway's access log and our log line know the request by.
pub(crate) fn request_id(event: &ApiGatewayProxyRequest, context: &Context) -> String {
    event
        .request_context
        .request_id
        .clone()
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| context.request_id.clone())
}

/// The route that API Gateway chose, as the template writes it: `/ec2/{aws_instance_id}`.
pub(crate) fn route(event: &ApiGatewayProxyRequest) -> String {
    let resource = event
        .resource
        .clone()
        .or_else(|| event.request_context.resource_path.clone());
    resource.unwrap_or_default()
}

/// Makes the request that a function sees, with path and query parameters as API Gateway decoded them.
///
/// # Errors
/// [`ApiError::BadRequest`] for a body that says it is base64 and is not.
pub(crate) fn into_request(
    event: ApiGatewayProxyRequest,
    context: Context,
) -> Result<Request, ApiError> {
    let route = EventRoute {
        id: request_id(&event, &context),
        route: route(&event),
    };
    let body = match event.body {
        None => Body::Empty,
        Some(text) if event.is_base64_encoded => Body::Binary(decode_base64(&text)?),
        Some(text) => Body::Text(text),
    };
    // A path that is no URI (a client's doing) must not stop the request: functions go by the route and its parameters.
    let uri = event
        .path
        .as_deref()
        .and_then(|path| path.parse().ok())
        .unwrap_or_else(|| Uri::from_static("/"));
    // The multi-value form has everything that the single-value form has.
    let query = if event.multi_value_query_string_parameters.is_empty() {
        event.query_string_parameters
    } else {
        event.multi_value_query_string_parameters
    };
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
        .with_path_parameters(QueryMap::from(event.path_parameters))
        .with_query_string_parameters(with_values(query))
        .with_stage_variables(QueryMap::from(event.stage_variables))
        .with_request_context(RequestContext::ApiGatewayV1(event.request_context))
        .with_lambda_context(context))
}

/// `query` without the parameters that have an empty list of values, on which the iterator of `query_map` 0.7 panics.
fn with_values(query: QueryMap) -> QueryMap {
    if query.is_empty() {
        return query;
    }
    // As JSON, since only its iterator tells the names.
    let values = serde_json::to_value(&query)
        .and_then(serde_json::from_value::<HashMap<String, Vec<String>>>);
    let mut values = values.unwrap_or_default();
    values.retain(|_, values| !values.is_empty());
    QueryMap::from(values)
}

fn decode_base64(text: &str) -> Result<Vec<u8>, ApiError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD
        .decode(text)
        .map_err(|_| ApiError::BadRequest("The body is not valid base64.".to_owned()))
}

/// Makes the answer that API Gateway expects of a function.
pub(crate) fn from_response(response: Response) -> ApiGatewayProxyResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    answer.body = Some(body);
    answer
}

/// The answer when even an error cannot be written.
pub(crate) fn bare_failure() -> ApiGatewayProxyResponse {
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = 500;
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
            assert!(into_request(event, Context::default()).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_parameter_without_values_is_one_that_was_not_sent() {
        let event = event(
            r#"{"httpMethod":"GET","multiValueQueryStringParameters":{"a":[],"b":["1","2"]},"requestContext":{"httpMethod":"GET"}}"#,
        );
        let request = into_request(event, Context::default()).unwrap();
        let query = request.query_string_parameters_ref().unwrap();
        assert_eq!(query.iter().collect::<Vec<_>>(), [("b", "1"), ("b", "2")]);
    }

    #[test]
    fn a_base64_body_is_decoded_and_broken_base64_is_refused() {
        let with = |body: &str| {
            let mut event = event(
                r#"{"httpMethod":"POST","isBase64Encoded":true,"requestContext":{"httpMethod":"POST"}}"#,
            );
            event.body = Some(body.to_owned());
            into_request(event, Context::default())
        };
        assert_eq!(with("e30=").unwrap().body().as_ref(), b"{}");
        assert_eq!(
            with("e30").unwrap_err().to_string(),
            "The body is not valid base64."
        );
        assert_eq!(with("***").unwrap_err().status(), 400);
    }

    #[test]
    fn the_gateways_request_id_goes_before_lambdas() {
        let mut context = Context::default();
        context.request_id = "lambda".to_owned();
        let gateway = event(
            r#"{"httpMethod":"GET","requestContext":{"httpMethod":"GET","requestId":"gateway"}}"#,
        );
        assert_eq!(request_id(&gateway, &context), "gateway");
        assert_eq!(
            request_id(
                &event(r#"{"httpMethod":"GET","requestContext":{"httpMethod":"GET"}}"#),
                &context
            ),
            "lambda"
        );
    }
}
