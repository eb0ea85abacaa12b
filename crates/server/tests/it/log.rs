//! The server's log of its requests, as an operator reads it: JSON lines on standard output.

use serde_json::{Value, json};

use crate::{binary::Binary, client};

const JSON_LINES: (&str, &str) = ("AWS_LAMBDA_LOG_FORMAT", "JSON");

/// The lines so far that are JSON, after the server has ended.
async fn lines(mut server: Binary) -> Vec<Value> {
    server.signal(crate::binary::Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
    server
        .said
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The lines of one request, found by the id in its response.
fn of<'a>(lines: &'a [Value], answer: &client::ServerAnswer) -> Vec<&'a Value> {
    let id = answer.header("x-amzn-requestid");
    lines
        .iter()
        .filter(|line| line["request_id"] == id)
        .collect()
}

#[tokio::test]
async fn a_request_is_one_line_with_all_that_an_operator_asks() {
    let server = Binary::start_with(&["--in-memory"], &[JSON_LINES]).await;
    let body = r#"{"aws_region":"canary-region","aws_account":"canary-acct","packages":[{"package_name":"canary-name","package_version":"v"}]}"#;
    let added = client::send_with(
        server.address(),
        "POST",
        "/ec2/canary-id",
        &[("x-canary", "canary-header")],
        body,
    )
    .await;
    let listed = client::send(server.address(), "GET", "/ec2?aws_region=canary-region", "").await;
    let refused = client::send(server.address(), "GET", "/ec2?canary-parameter=1", "").await;
    let unknown = client::send(server.address(), "GET", "/no-path?canary=1", "").await;
    assert_eq!(
        [added.status, listed.status, refused.status, unknown.status],
        [200, 200, 400, 403]
    );
    let lines = lines(server).await;
    let expected = [
        (
            &added,
            "ec2-inventory-add",
            "POST",
            "/ec2/{aws_instance_id}",
            200,
            4,
        ),
        (&listed, "ec2-inventory-list", "GET", "/ec2", 200, 1),
        (&refused, "ec2-inventory-list", "GET", "/ec2", 400, 0),
    ];
    for (answer, function, method, route, status, calls) in expected {
        let [line] = of(&lines, answer)[..] else {
            panic!("{lines:#?}")
        };
        let told = [
            &line["function"],
            &line["method"],
            &line["route"],
            &line["status"],
            &line["calls"],
            &line["level"],
        ];
        assert_eq!(
            told,
            [
                &json!(function),
                &json!(method),
                &json!(route),
                &json!(status),
                &json!(calls),
                &json!("INFO")
            ]
        );
        assert!(
            line["duration_ms"].is_number()
                && line["timestamp"].is_string()
                && line["cold_start"].is_boolean()
        );
    }
    let [line] = of(&lines, &unknown)[..] else {
        panic!("{lines:#?}")
    };
    assert_eq!(
        ["route", "status", "method", "path", "message"].map(|name| &line[name]),
        [
            &json!("none"),
            &json!(403),
            &json!("GET"),
            &json!("/no-path"),
            &json!("no such route")
        ]
    );
    assert!(line["duration_ms"].is_number());
    let log = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test]
async fn a_refusal_is_one_line_with_its_cause() {
    let server = Binary::start_with(&["--in-memory"], &[JSON_LINES]).await;
    let address = server.address();
    let long = "x".repeat(500_000);
    let mut refused = Vec::new();
    for (request, status, cause) in [
        (
            "GET /v1/health HTTP/1.1\r\nhost a\r\n\r\n".to_owned(),
            400,
            "The request line or a header cannot be read as HTTP/1.1.",
        ),
        (
            format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", &long[..70_000]),
            414,
            "The request URL is too long.",
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {long}"),
            431,
            "The request headers are too large.",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n\r\n".to_owned(),
            400,
            "The request must have exactly one Host header.",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nhost: canary.example\r\n\r\n".to_owned(),
            403,
            "The Host header must be",
        ),
        (
            "POST /ec2/i HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n".to_owned(),
            413,
            "The request body must be at most 10485760 bytes.",
        ),
        (
            "GET /ec2?canary=%zz HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            400,
            "The query string must be percent-encoded UTF-8.",
        ),
    ] {
        let mut raw = client::Raw::connect(address).await;
        raw.write(request).await;
        let head = raw.read_until("\r\n\r\n").await;
        let (_, id) = head.split_once("x-amzn-requestid: ").unwrap();
        let id = id.lines().next().unwrap().to_owned();
        refused.push((id, status, cause));
    }
    let lines = lines(server).await;
    for (id, status, cause) in refused {
        let of: Vec<_> = lines
            .iter()
            .filter(|line| line["request_id"] == id)
            .collect();
        let [line] = of[..] else {
            panic!("{cause}: {lines:#?}")
        };
        assert_eq!(
            (&line["message"], &line["status"]),
            (&json!("refused"), &json!(status))
        );
        assert!(line["cause"].as_str().unwrap().starts_with(cause), "{line}");
    }
    let log = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!log.contains("canary") && !log.contains("xxxx"), "{log}");
}

#[tokio::test]
async fn a_change_of_a_dimension_is_one_event_with_from_and_to_of_each_field() {
    let server = Binary::start_with(&["--in-memory"], &[JSON_LINES]).await;
    let path = "/v1/scalableTargetDimensions/d-1";
    let patched = client::send(
        server.address(),
        "PATCH",
        path,
        r#"{"desiredCapacity":2.0}"#,
    )
    .await;
    let same = client::send(
        server.address(),
        "PATCH",
        path,
        r#"{"desiredCapacity":2.0}"#,
    )
    .await;
    let looked = client::send(server.address(), "GET", path, "").await;
    let lines = lines(server).await;
    let events = |answer| {
        let changes = of(&lines, answer)
            .into_iter()
            .filter(|line| line["message"] == "dimension changed");
        changes
            .map(|line| {
                (
                    line["method"].clone(),
                    line["dimension"].clone(),
                    line["changes"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let change = |method: &str, changes: &str| vec![(json!(method), json!("d-1"), json!(changes))];
    assert_eq!(
        events(&patched),
        change(
            "PATCH",
            "desiredCapacity: 1.0 → 2.0, scalingStatus: Successful → Pending"
        )
    );
    assert_eq!(events(&same), []);
    assert_eq!(
        events(&looked),
        change("GET", "scalingStatus: Pending → InProgress")
    );
}

#[tokio::test]
async fn a_log_level_that_cannot_be_read_stops_the_start_and_an_empty_one_is_none() {
    let (code, said) = crate::binary::refusal(
        crate::binary::command(&["--in-memory"]).env("RUST_LOG", "garbage==,,"),
    )
    .await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains("The environment variable RUST_LOG must be a log level"),
        "{said}"
    );
    let server = Binary::start_with(
        &["--in-memory"],
        &[
            JSON_LINES,
            ("RUST_LOG", ""),
            ("FLEET_DATA_DIR", ""),
            ("FLEET_TEMPLATE", ""),
        ],
    )
    .await;
    let health = client::send(server.address(), "GET", "/v1/health", "").await;
    assert_eq!(of(&lines(server).await, &health).len(), 1);
}
