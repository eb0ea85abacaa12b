//! HTTP in, events and responses out.

use fleet_server::Limits;
use serde_json::{Value, json};

use crate::{
    client::{Raw, send, send_with},
    hosted::HostedGateway,
};

#[tokio::test]
async fn a_request_becomes_the_event_of_a_rest_api() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let headers = [
        ("host", "api.example.com:3000"),
        ("user-agent", "curl/8.5.0"),
        ("x-two", "1"),
        ("x-two", "2"),
    ];
    let mut answer = send_with(
        hosted.address(),
        "PATCH",
        "/echo/i%2F1/?tag=a&tag=b+c%26&empty",
        &headers,
        r#"{"desiredCapacity":2.0}"#,
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body["requestContext"]["requestId"],
        answer.header("x-amzn-requestid")
    );
    // These two are different every time.
    answer.body["requestContext"]["requestId"] = json!("ID");
    assert!(
        answer.body["requestContext"]["requestTimeEpoch"]
            .take()
            .as_i64()
            > Some(1_700_000_000_000)
    );
    let time = answer.body["requestContext"]["requestTime"].take();
    assert!(time.as_str().unwrap().ends_with(" +0000"), "{time}");
    insta::assert_json_snapshot!(without_nulls(answer.body), @r##"
    {
      "body": "{\"desiredCapacity\":2.0}",
      "headers": {
        "content-length": "23",
        "host": "api.example.com:3000",
        "user-agent": "curl/8.5.0",
        "x-two": "2"
      },
      "httpMethod": "PATCH",
      "isBase64Encoded": false,
      "multiValueHeaders": {
        "content-length": [
          "23"
        ],
        "host": [
          "api.example.com:3000"
        ],
        "user-agent": [
          "curl/8.5.0"
        ],
        "x-two": [
          "1",
          "2"
        ]
      },
      "multiValueQueryStringParameters": {
        "empty": [
          ""
        ],
        "tag": [
          "a",
          "b c&"
        ]
      },
      "path": "/echo/i%2F1/",
      "pathParameters": {
        "id": "i%2F1"
      },
      "queryStringParameters": {
        "empty": "",
        "tag": "b c&"
      },
      "requestContext": {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": "api.example.com",
        "httpMethod": "PATCH",
        "identity": {
          "sourceIp": "127.0.0.1",
          "userAgent": "curl/8.5.0"
        },
        "path": "/echo/i%2F1/",
        "protocol": "HTTP/1.1",
        "requestId": "ID",
        "resourcePath": "/echo/{id}",
        "stage": "local"
      },
      "resource": "/echo/{id}",
      "stageVariables": {}
    }
    "##);
}

/// The event's types have many fields that this API never fills.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

#[tokio::test]
async fn a_binary_body_arrives_in_base64() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let answer = send(hosted.address(), "POST", "/echo/1", &b"\xFF\xFE"[..]).await;
    assert_eq!(
        (&answer.body["body"], &answer.body["isBase64Encoded"]),
        (&json!("//4="), &json!(true))
    );
    let answer = send(hosted.address(), "GET", "/echo/1", "").await;
    assert_eq!(
        (&answer.body["body"], &answer.body["isBase64Encoded"]),
        (&json!(null), &json!(false))
    );
}

#[tokio::test]
async fn a_parameter_is_handed_over_as_it_was_sent() {
    let hosted = HostedGateway::start(Limits::default()).await;
    for (segment, id) in [
        ("..", ".."),
        ("%2e%2e", "%2e%2e"),
        ("a%2Fb", "a%2Fb"),
        ("a+b%20c", "a+b%20c"),
        ("%E6%9C%8D%F0%9F%91%A9", "%E6%9C%8D%F0%9F%91%A9"),
        ("a:b@c!$&'()*;=,d", "a:b@c!$&'()*;=,d"),
        ("%3Fa%23b", "%3Fa%23b"),
        ("a?b=c", "a"),
    ] {
        let answer = send(hosted.address(), "GET", &format!("/echo/{segment}"), "").await;
        assert_eq!(
            (&answer.body["pathParameters"], &answer.body["path"]),
            (&json!({"id": id}), &json!(format!("/echo/{id}"))),
            "{segment}"
        );
    }
}

#[tokio::test]
async fn a_host_that_is_no_host_does_not_reach_the_function() {
    let hosted = HostedGateway::start(Limits::default()).await;
    for host in ["a b", "http://a/", "[::1", "a:b:c"] {
        let answer = send_with(hosted.address(), "GET", "/echo/1", &[("host", host)], "").await;
        assert_eq!(
            (answer.status, &answer.body["headers"]["host"]),
            (200, &json!(null)),
            "{host}"
        );
    }
}

#[tokio::test]
async fn an_unknown_route_or_method_is_answered_as_api_gateway_does() {
    let hosted = HostedGateway::start(Limits::default()).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/nowhere"),
        ("GET", "/echo"),
        ("GET", "/echo/"),
        ("GET", "/echo/1/2"),
        ("GET", "/echo//1"),
        ("GET", "/ECHO/1"),
        ("POST", "/stay"),
        ("OPTIONS", "/stay"),
        ("OPTIONS", "*"),
        ("DELETE", "/stay"),
        ("FETCH", "/stay"),
    ] {
        let answer = send(hosted.address(), method, path, "{}").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (403, r#"{"message":"Missing Authentication Token"}"#),
            "{method} {path}"
        );
        assert_eq!(
            answer.header("x-amzn-errortype"),
            "MissingAuthenticationTokenException"
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    }
    let answer = send(hosted.address(), "HEAD", "/stay", "").await;
    assert_eq!((answer.status, answer.text.as_str()), (403, ""));
}

#[tokio::test]
async fn a_function_that_breaks_its_promise_is_a_502() {
    let hosted = HostedGateway::start(Limits::default()).await;
    for path in ["/panic", "/broken"] {
        let answer = send(hosted.address(), "GET", path, "").await;
        let request_id = answer.header("x-amzn-requestid");
        assert_eq!(
            (answer.status, &answer.body),
            (
                502,
                &json!({"code": "Internal", "message": "Internal server error", "request_id": request_id})
            )
        );
    }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let mut raw = Raw::connect(hosted.address()).await;
    for _ in 0..3 {
        raw.write("GET /echo/1 HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(
            raw.read_until("\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
        raw.read_until("\"isBase64Encoded\":false}").await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_half_gets_its_answer() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("GET /echo/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    raw.finish_writing().await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 200 OK\r\n"));
}
