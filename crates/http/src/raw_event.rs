//! The event that Lambda passes to a function, before anything is known about it.
//!
//! It is parsed here and not by `lambda_runtime`, which would respond to an unreadable event with its own error type
//! and the text that it failed on: a client's, or a setting's.

use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

/// An event of any kind. Reading one never fails.
#[derive(Debug)]
pub(crate) struct RawEvent(Option<Value>);

/// The kind of an event.
#[derive(Debug)]
pub(crate) enum EventContent {
    /// A request from a REST API's proxy integration.
    Request(Box<ApiGatewayProxyRequest>),
    /// A warm-up ping.
    Ping,
}

/// Why an event is not a request. The message is for the client and the log: it contains nothing of the event.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum UnreadableEvent {
    #[error("the event is not JSON that can be read")]
    Json,
    #[error("the event is an HTTP API's (payload format 2.0), not a REST API's")]
    HttpApi,
    #[error("the event is a load balancer's, not a REST API's")]
    LoadBalancer,
    #[error("the event is not a request of a REST API")]
    Other,
    #[error("the request has a method, a header or a field that cannot be read")]
    Request,
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Value::deserialize(deserializer).ok()))
    }
}

impl RawEvent {
    /// Determines the kind of the event.
    ///
    /// # Errors
    /// [`UnreadableEvent`].
    pub(crate) fn read(self) -> Result<EventContent, UnreadableEvent> {
        let value = self.0.ok_or(UnreadableEvent::Json)?;
        let context = &value["requestContext"];
        if value["httpMethod"].is_string() && value["resource"].is_string() {
            return ApiGatewayProxyRequest::deserialize(value)
                .map(|request| EventContent::Request(Box::new(request)))
                .map_err(|_| UnreadableEvent::Request);
        }
        if context.get("elb").is_some() {
            Err(UnreadableEvent::LoadBalancer)
        } else if value["version"] == "2.0" || context.get("http").is_some() {
            Err(UnreadableEvent::HttpApi)
        } else if value["source"] == "aws.events"
            || value.as_object().is_some_and(|all| all.is_empty())
        {
            Ok(EventContent::Ping)
        } else {
            Err(UnreadableEvent::Other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<EventContent, UnreadableEvent> {
        serde_json::from_str::<RawEvent>(text).unwrap().read()
    }

    #[test]
    fn a_rest_apis_request_is_read_with_everything_in_it() {
        let read = read(
            r#"{"resource":"/ec2/{id}","path":"/ec2/a","httpMethod":"PUT","headers":{"Accept":"*/*"},
                "multiValueHeaders":{"X-A":["1","2"]},"queryStringParameters":{"a":"2"},
                "multiValueQueryStringParameters":{"a":["1","2"]},"pathParameters":{"id":"a"},"stageVariables":null,
                "requestContext":{"httpMethod":"PUT","requestId":"r","stage":"prod","authorizer":{"n":1.5}},
                "body":"{}","isBase64Encoded":false}"#,
        );
        let Ok(EventContent::Request(event)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(event.http_method, "PUT");
        assert_eq!(event.headers["accept"], "*/*");
        assert_eq!(event.multi_value_headers.get_all("x-a").iter().count(), 2);
        assert_eq!(
            event.multi_value_query_string_parameters.all("a"),
            Some(vec!["1", "2"])
        );
        assert_eq!(event.path_parameters["id"], "a");
        assert_eq!(event.request_context.request_id.as_deref(), Some("r"));
        assert_eq!(event.body.as_deref(), Some("{}"));
    }

    #[test]
    fn a_ping_is_told_from_a_request() {
        for text in [
            "{}",
            r#"{"source":"aws.events"}"#,
            r#"{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}"#,
        ] {
            assert!(matches!(read(text), Ok(EventContent::Ping)), "{text}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_by_its_kind() {
        let rest = |method: &str, field: &str| {
            format!(
                r#"{{"resource":"/a","httpMethod":"{method}","requestContext":{{"httpMethod":"GET"}},{field}}}"#
            )
        };
        assert!(matches!(
            read(&rest("GET", r#""headers":{"a":"b"}"#)),
            Ok(EventContent::Request(_))
        ));
        for (text, why) in [
            (r#"{"a":1e400}"#.to_owned(), UnreadableEvent::Json),
            ("null".to_owned(), UnreadableEvent::Other),
            ("[]".to_owned(), UnreadableEvent::Other),
            ("\"GET\"".to_owned(), UnreadableEvent::Other),
            (r#"{"source":"aws.scheduler"}"#.to_owned(), UnreadableEvent::Other),
            (r#"{"Records":[{"body":"x"}]}"#.to_owned(), UnreadableEvent::Other),
            (
                r#"{"version":"2.0","routeKey":"GET /a","rawPath":"/a","requestContext":{"http":{"method":"GET"}}}"#
                    .to_owned(),
                UnreadableEvent::HttpApi,
            ),
            (
                r#"{"version":"2.0","routeKey":"GET /a"}"#.to_owned(),
                UnreadableEvent::HttpApi,
            ),
            (
                r#"{"requestContext":{"http":{"method":"GET"}}}"#.to_owned(),
                UnreadableEvent::HttpApi,
            ),
            (
                r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/a","headers":{}}"#.to_owned(),
                UnreadableEvent::LoadBalancer,
            ),
            (rest("GET", r#""headers":{"a":"b\u0001"}"#), UnreadableEvent::Request),
            (rest("GET", r#""headers":{"a b":"c"}"#), UnreadableEvent::Request),
            (rest("GET", r#""headers":1"#), UnreadableEvent::Request),
            (rest("GET", r#""body":{}"#), UnreadableEvent::Request),
            (rest("GET", r#""pathParameters":{"a":null}"#), UnreadableEvent::Request),
            (
                r#"{"resource":"/a","httpMethod":"GET","requestContext":null}"#.to_owned(),
                UnreadableEvent::Request,
            ),
            (rest("G T", r#""body":null"#), UnreadableEvent::Request),
        ] {
            assert_eq!(read(&text).unwrap_err(), why, "{text}");
        }
    }
}
