//! Converts a function's response to HTTP, as API Gateway does.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fleet_http::{ApiGatewayProxyResponse, Body};
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, UPGRADE},
};
use http_body_util::Full;

use crate::refusal::{RequestRefusal, ServerResponse};

/// Builds the HTTP response from a function's response.
///
/// # Errors
/// [`RequestRefusal::Malformed`] for an invalid status, or a body that is declared as base64 but is not.
pub(crate) fn from_function(
    made: ApiGatewayProxyResponse,
) -> Result<ServerResponse, RequestRefusal> {
    let status = u16::try_from(made.status_code)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    // A status below 200 would not end the response.
    let status = status
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(RequestRefusal::Malformed)?;
    let body = match made.body {
        Some(Body::Text(text)) if made.is_base64_encoded => Bytes::from(
            STANDARD
                .decode(text)
                .map_err(|_| RequestRefusal::Malformed)?,
        ),
        Some(Body::Text(text)) => Bytes::from(text),
        Some(Body::Binary(bytes)) => Bytes::from(bytes),
        _ => Bytes::new(),
    };
    let mut headers = made.headers;
    // A header in both forms counts once: the form with several values takes precedence.
    for name in made.multi_value_headers.keys() {
        headers.remove(name);
    }
    headers.extend(made.multi_value_headers);
    // The function does not decide how the body is transferred.
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    if !body.is_empty() {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
    }
    let mut answer = ServerResponse::new(Full::from(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn made(json: &str) -> ApiGatewayProxyResponse {
        serde_json::from_str(json).unwrap()
    }

    async fn sent(json: &str) -> (u16, Vec<String>, Bytes) {
        let answer = from_function(made(json)).unwrap();
        let mut headers: Vec<_> = answer
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        (
            answer.status().as_u16(),
            headers,
            answer.into_body().collect().await.unwrap().to_bytes(),
        )
    }

    #[tokio::test]
    async fn status_headers_and_body_are_the_functions() {
        let (status, headers, body) = sent(
            r#"{"statusCode":201,"headers":{"content-type":"text/plain","X-A":"1","Content-Length":"99","Connection":"close"},
                "multiValueHeaders":{"x-a":["2","3"],"Transfer-Encoding":["chunked"]},"body":"hi"}"#,
        )
        .await;
        assert_eq!((status, body.as_ref()), (201, &b"hi"[..]));
        assert_eq!(headers, ["content-type: text/plain", "x-a: 2", "x-a: 3"]);
    }

    #[tokio::test]
    async fn a_base64_body_is_decoded_and_json_is_the_default_type() {
        let (_, headers, body) =
            sent(r#"{"statusCode":200,"isBase64Encoded":true,"body":"//4="}"#).await;
        assert_eq!(
            (headers, body.as_ref()),
            (
                vec!["content-type: application/json".to_owned()],
                &b"\xFF\xFE"[..]
            )
        );
        assert_eq!(
            sent(r#"{"statusCode":204}"#).await,
            (204, Vec::new(), Bytes::new())
        );
    }

    #[test]
    fn an_answer_that_is_none_is_a_malformed_one() {
        for json in [
            r#"{"statusCode":0}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":600}"#,
            r#"{"statusCode":-200}"#,
            r#"{"statusCode":200,"isBase64Encoded":true,"body":"***"}"#,
        ] {
            assert_eq!(
                from_function(made(json)).unwrap_err(),
                RequestRefusal::Malformed,
                "{json}"
            );
        }
    }
}
