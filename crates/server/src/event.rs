//! Converts an HTTP request to API Gateway's event: the Lambda proxy integration of a REST API.
//!
//! The fields are those of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fleet_http::{ApiGatewayProxyRequest, Context};
use http::{
    HeaderMap, HeaderValue,
    header::{HOST, USER_AGENT},
    request::Parts,
    uri::Authority,
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::stage::Stage;

/// There is no account outside AWS.
const ACCOUNT: &str = "000000000000";
/// The API's id, and its stage if none is set. This stage is not part of a path, as with a custom domain.
const LOCAL: &str = "local";
/// The time format of access logs.
const LOG_TIME: &[BorrowedFormatItem<'_>] = format_description!(
    "[day]/[month repr:short]/[year]:[hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// A complete request with its route.
pub(crate) struct RoutedRequest<'a> {
    /// The id that the client sees in `x-amzn-RequestId`.
    pub(crate) id: &'a str,
    /// The client's address.
    pub(crate) peer: IpAddr,
    /// When it arrived.
    pub(crate) at: SystemTime,
    /// Method, address and headers.
    pub(crate) parts: Parts,
    /// The stage in its path, if any.
    pub(crate) stage: Option<&'a Stage>,
    /// The path as in the template.
    pub(crate) resource: &'a str,
    /// The path parameters as sent: percent-encoded, as a REST API passes them.
    pub(crate) parameters: HashMap<String, String>,
    /// The body; may be empty.
    pub(crate) body: Vec<u8>,
}

impl RoutedRequest<'_> {
    /// The context of the function's invocation, with a deadline `within` from now.
    pub(crate) fn context(&self, within: Duration) -> Context {
        let mut context = Context::default();
        context.request_id = self.id.to_owned();
        context.deadline = milliseconds(self.at + within);
        context
    }

    /// Converts it to the event.
    pub(crate) fn event(self) -> ApiGatewayProxyRequest {
        let Self {
            id,
            peer,
            at,
            parts,
            stage,
            resource,
            parameters,
            body,
        } = self;
        let Parts {
            method,
            uri,
            headers,
            ..
        } = parts;
        let sent = uri.path();
        let path = stage
            .map_or(Some(sent), |stage| stage.strip(sent))
            .unwrap_or(sent)
            .to_owned();
        let mut event = ApiGatewayProxyRequest::default();
        let headers = passed_on(headers);

        let context = &mut event.request_context;
        context.account_id = Some(ACCOUNT.to_owned());
        context.apiid = Some(LOCAL.to_owned());
        context.stage = Some(stage.map_or(LOCAL, Stage::as_str).to_owned());
        context.request_id = Some(id.to_owned());
        context.protocol = Some("HTTP/1.1".to_owned());
        context.http_method = method.clone();
        context.resource_path = Some(resource.to_owned());
        context.path = Some(sent.to_owned());
        context.request_time = OffsetDateTime::from(at).format(LOG_TIME).ok();
        context.request_time_epoch = i64::try_from(milliseconds(at)).unwrap_or(i64::MAX);
        context.domain_name = headers
            .get(HOST)
            .and_then(|host| Some(authority(host)?.host().to_owned()));
        context.identity.source_ip = Some(peer.to_string());
        context.identity.user_agent = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .map(str::to_owned);

        if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
            let (last, all) = query_parameters(query);
            event.query_string_parameters = last.into();
            event.multi_value_query_string_parameters = all.into();
        }
        event.headers = last_values(&headers);
        event.multi_value_headers = headers;
        event.http_method = method;
        event.resource = Some(resource.to_owned());
        event.path = Some(path);
        event.path_parameters = parameters;
        (event.body, event.is_base64_encoded) = body_text(body);
        event
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The body in an event: as text, or in base64 if it is not text.
fn body_text(body: Vec<u8>) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    match String::from_utf8(body) {
        Ok(text) => (Some(text), false),
        Err(binary) => (Some(STANDARD.encode(binary.as_bytes())), true),
    }
}

/// The headers without those that an event cannot carry: values that are not text, and an invalid `Host`, which
/// later code would accept without checking.
fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    if headers.values().any(|value| value.to_str().is_err()) {
        let texts = headers.iter().filter(|(_, value)| value.to_str().is_ok());
        headers = texts
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    let mut hosts = headers.get_all(HOST).iter();
    let is_host = match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => authority(host).is_some(),
        (Some(_), Some(_)) => false,
    };
    if !is_host {
        headers.remove(HOST);
    }
    headers
}

/// A valid `Host`: a name or an address, with or without a port.
fn authority(host: &HeaderValue) -> Option<Authority> {
    Authority::try_from(host.as_bytes())
        .ok()
        .filter(|host| !host.as_str().contains('@'))
}

/// Reduces each header to its last value.
fn last_values(headers: &HeaderMap) -> HeaderMap {
    if headers.keys_len() == headers.len() {
        return headers.clone();
    }
    let mut last = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        last.insert(name, value.clone());
    }
    last
}

type Values = HashMap<String, Vec<String>>;

/// The query parameters, decoded: the last value of each, and all values.
fn query_parameters(query: &str) -> (Values, Values) {
    let (mut last, mut all) = (Values::new(), Values::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        last.insert(name.clone().into_owned(), vec![value.clone().into_owned()]);
        all.entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    (last, all)
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::json;

    use super::*;

    /// The event of a request, without the common fields.
    fn event(request: Request<&[u8]>) -> serde_json::Value {
        let (parts, body) = request.into_parts();
        let arrived = RoutedRequest {
            id: "00000000-0000-4000-8000-000000000000",
            peer: IpAddr::from([127, 0, 0, 1]),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_551_840_332_007),
            parts,
            stage: None,
            resource: "/ec2/{aws_instance_id}",
            parameters: HashMap::from([("aws_instance_id".to_owned(), "i-1".to_owned())]),
            body: body.to_vec(),
        };
        assert_eq!(
            arrived.context(Duration::from_secs(29)).deadline,
            1_551_840_361_007
        );
        serde_json::to_value(arrived.event()).unwrap()
    }

    fn with_headers(headers: &[(&'static str, &[u8])]) -> serde_json::Value {
        let mut request = Request::new(&b""[..]);
        for (name, value) in headers {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        event(request)
    }

    #[test]
    fn the_time_is_there_in_both_forms() {
        let context = &event(Request::new(b""))["requestContext"];
        assert_eq!(
            (&context["requestTime"], &context["requestTimeEpoch"]),
            (
                &"06/Mar/2019:02:45:32 +0000".into(),
                &1_551_840_332_007_u64.into()
            )
        );
    }

    #[test]
    fn a_value_sent_more_than_once_is_there_in_both_forms() {
        let mut request = Request::new(&b""[..]);
        *request.uri_mut() = "/?tag=a&tag=b+c%26&empty&=x".parse().unwrap();
        request
            .headers_mut()
            .append("x-two", HeaderValue::from_static("1"));
        request
            .headers_mut()
            .append("x-two", HeaderValue::from_static("2"));
        let event = event(request);
        assert_eq!(
            event["queryStringParameters"],
            json!({"tag": "b c&", "empty": "", "": "x"})
        );
        assert_eq!(
            event["multiValueQueryStringParameters"],
            json!({"tag": ["a", "b c&"], "empty": [""], "": ["x"]})
        );
        assert_eq!(
            (&event["headers"], &event["multiValueHeaders"]),
            (&json!({"x-two": "2"}), &json!({"x-two": ["1", "2"]}))
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_sent_in_base64() {
        let event = |body: &'static [u8]| {
            let event = event(Request::new(body));
            (
                event["body"].as_str().map(str::to_owned),
                event["isBase64Encoded"].as_bool(),
            )
        };
        assert_eq!(event(b""), (None, Some(false)));
        assert_eq!(
            event("{\"é\":1}".as_bytes()),
            (Some("{\"é\":1}".to_owned()), Some(false))
        );
        assert_eq!(event(b"\xFF\xFE"), (Some("//4=".to_owned()), Some(true)));
    }

    #[test]
    fn a_host_that_is_no_host_is_left_out() {
        for (host, name) in [
            ("localhost", "localhost"),
            ("localhost:3000", "localhost"),
            ("[::1]:3000", "[::1]"),
        ] {
            let event = with_headers(&[("host", host.as_bytes())]);
            assert_eq!(
                (
                    &event["requestContext"]["domainName"],
                    &event["headers"]["host"]
                ),
                (&name.into(), &host.into())
            );
        }
        for host in [
            "",
            "a b",
            "a/b",
            "http://a",
            "a:b:c",
            "[::1",
            "user@host",
            "a?b",
            "a\\b",
        ] {
            let event = with_headers(&[("host", host.as_bytes()), ("accept", b"*/*")]);
            assert_eq!(event["headers"], json!({"accept": "*/*"}), "{host:?}");
            assert_eq!(
                event["requestContext"]["domainName"],
                serde_json::Value::Null,
                "{host:?}"
            );
        }
        assert_eq!(
            with_headers(&[("host", b"a"), ("host", b"b")])["multiValueHeaders"],
            json!({})
        );
    }

    #[test]
    fn a_header_that_is_no_text_is_left_out() {
        let event = with_headers(&[("x-odd", b"\xFF"), ("x-odd", b"even"), ("accept", b"*/*")]);
        assert_eq!(
            event["multiValueHeaders"],
            json!({"accept": ["*/*"], "x-odd": ["even"]})
        );
    }
}
