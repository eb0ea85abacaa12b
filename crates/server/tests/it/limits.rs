//! Size and time limits, as behind API Gateway.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use fleet_server::Limits;
use serde_json::json;

use crate::{
    client::{Raw, send, send_with},
    hosted::HostedGateway,
};

/// So long that no test reaches it.
const LONG: Duration = Duration::from_secs(60);
/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(150);

/// Moves the clock of this test's runtime forward.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn body_of(bytes: usize) -> Limits {
    Limits {
        body_bytes: bytes,
        request: LONG,
        head: LONG,
        ..Limits::default()
    }
}

#[test]
fn the_defaults_are_api_gateways() {
    assert_eq!(Limits::default().body_bytes, 10_485_760);
    assert_eq!(Limits::default().request, Duration::from_secs(29));
}

#[tokio::test]
async fn a_body_may_have_just_as_many_bytes_as_the_limit() {
    let hosted = HostedGateway::start(body_of(1000)).await;
    let answer = send(hosted.address(), "POST", "/echo/1", "x".repeat(1000)).await;
    assert_eq!(
        (answer.status, answer.body["body"].as_str().map(str::len)),
        (200, Some(1000))
    );
    let answer = send(hosted.address(), "POST", "/echo/1", "x".repeat(1001)).await;
    let request_id = answer.header("x-amzn-requestid");
    assert_eq!(
        (answer.status, &answer.body),
        (
            413,
            &json!({"code": "PayloadTooLarge", "message": "The request body must be at most 1000 bytes.", "request_id": request_id})
        )
    );
    assert_eq!(
        answer.header("x-amzn-errortype"),
        "RequestTooLargeException"
    );
}

#[tokio::test]
async fn ten_mebibytes_are_taken_and_one_more_byte_is_not() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let body = |bytes| "x".repeat(bytes);
    assert_eq!(
        send(hosted.address(), "POST", "/echo/1", body(10_485_760))
            .await
            .status,
        200
    );
    assert_eq!(
        send(hosted.address(), "POST", "/echo/1", body(10_485_761))
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_sent() {
    let hosted = HostedGateway::start(body_of(1000)).await;
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut raw = Raw::connect(hosted.address()).await;
        raw.write(format!(
            "POST /echo/1 HTTP/1.1\r\nhost: a\r\n{expect}content-length: 99999999999\r\n\r\n"
        ))
        .await;
        let head = raw.read_until("\r\n\r\n").await;
        assert!(
            head.starts_with("HTTP/1.1 413 ") && head.contains("\r\nconnection: close\r\n"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_body_that_announces_nothing_is_refused_when_it_grows_too_large() {
    let hosted = HostedGateway::start(body_of(1000)).await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("POST /echo/1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..6 {
        raw.write(format!("c8\r\n{}\r\n", "x".repeat(200))).await;
    }
    assert!(
        raw.read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 413 ")
    );
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_sees_the_413() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let mut raw = Raw::connect(hosted.address()).await;
    let bytes = 20 * 1024 * 1024;
    raw.write(format!(
        "POST /echo/1 HTTP/1.1\r\nhost: a\r\ncontent-length: {bytes}\r\n\r\n"
    ))
    .await;
    raw.write(vec![b'x'; bytes]).await;
    let text = raw.read_to_end().await;
    assert!(
        text.starts_with("HTTP/1.1 413 ") && text.contains("10485760 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write(
        "POST /echo/1 HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .await;
    assert_eq!(
        raw.read_until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    raw.write("{}").await;
    assert!(
        raw.read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[tokio::test]
async fn an_unknown_route_is_refused_whatever_its_body() {
    let hosted = HostedGateway::start(body_of(1000)).await;
    let answer = send(hosted.address(), "POST", "/nowhere", "x".repeat(500_000)).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_a_504() {
    let hosted = HostedGateway::start(Limits {
        request: SHORT,
        ..body_of(1000)
    })
    .await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("POST /echo/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345")
        .await;
    let text = raw.read_to_end().await;
    assert!(
        text.starts_with("HTTP/1.1 504 ")
            && text.contains(
                r#"{"code":"Timeout","message":"Endpoint request timed out","request_id":""#
            ),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_that_comes_slowly_takes_nothing_of_the_functions_time() {
    // Each half has enough time left, but both together have too little.
    let hosted = HostedGateway::start(body_of(1000)).await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("GET /stay HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{")
        .await;
    // Nothing observable shows that it waits for the rest.
    tokio::time::sleep(Duration::from_millis(50)).await;
    pass(LONG * 3 / 5).await;
    raw.write("}").await;
    hosted.has_begun().await;
    pass(LONG * 3 / 5).await;
    hosted.strings.may_end.add_permits(1);
    let text = raw.read_until("\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_stopped_and_answered_with_504() {
    let hosted = HostedGateway::start(Limits {
        request: SHORT,
        ..body_of(1000)
    })
    .await;
    let answer = send(hosted.address(), "GET", "/stay", "").await;
    let request_id = answer.header("x-amzn-requestid");
    assert_eq!(
        (answer.status, &answer.body),
        (
            504,
            &json!({"code": "Timeout", "message": "Endpoint request timed out", "request_id": request_id})
        )
    );
    hosted.strings.may_end.add_permits(1);
    let strings = Arc::clone(&hosted.strings);
    hosted.hosting.stop().await;
    assert_eq!(
        strings.may_end.available_permits(),
        1,
        "nobody is left to take it"
    );
}

#[tokio::test]
async fn a_function_runs_to_its_end_when_the_client_goes_away() {
    let hosted = HostedGateway::start(body_of(1000)).await;
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    hosted.has_begun().await;
    drop(raw);
    // Another request's response shows that the server has noticed the closed connection.
    assert_eq!(
        send(hosted.address(), "GET", "/echo/1", "").await.status,
        200
    );
    hosted.strings.may_end.add_permits(1);
    let strings = Arc::clone(&hosted.strings);
    hosted.hosting.stop().await;
    assert!(strings.ended.load(Ordering::SeqCst));
}

/// One request per route at a time.
fn one_at_a_time() -> Limits {
    Limits {
        concurrency: 1,
        ..body_of(1000)
    }
}

#[tokio::test]
async fn a_request_waits_for_its_turn_and_no_other_route_does() {
    let hosted = HostedGateway::start(one_at_a_time()).await;
    let address = hosted.address();
    let first = tokio::spawn(send(address, "GET", "/stay", ""));
    hosted.has_begun().await;
    let second = tokio::spawn(send(address, "GET", "/stay", ""));
    // If the second one began, it would do so before the request that follows.
    assert_eq!(send(address, "GET", "/echo/1", "").await.status, 200);
    assert_eq!(hosted.strings.begun.available_permits(), 0);
    hosted.strings.may_end.add_permits(1);
    hosted.has_begun().await;
    assert_eq!(first.await.unwrap().status, 200);
    hosted.strings.may_end.add_permits(1);
    assert_eq!(second.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_whose_client_closes_before_its_turn_is_run_too() {
    let hosted = HostedGateway::start(one_at_a_time()).await;
    let address = hosted.address();
    let first = tokio::spawn(send(address, "GET", "/stay", ""));
    hosted.has_begun().await;
    let mut second = Raw::connect(address).await;
    second.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // It has arrived before this one is answered, and the server has seen its client close before the next one is.
    assert_eq!(send(address, "GET", "/echo/1", "").await.status, 200);
    drop(second);
    assert_eq!(send(address, "GET", "/echo/1", "").await.status, 200);
    hosted.strings.may_end.add_permits(2);
    assert_eq!(first.await.unwrap().status, 200);
    hosted.has_begun().await;
}

#[tokio::test]
async fn a_stop_waits_for_those_that_wait_for_their_turn() {
    let hosted = HostedGateway::start(one_at_a_time()).await;
    let mut both = [
        Raw::connect(hosted.address()).await,
        Raw::connect(hosted.address()).await,
    ];
    for raw in &mut both {
        raw.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    }
    hosted.has_begun().await;
    let strings = Arc::clone(&hosted.strings);
    let stop = tokio::spawn(hosted.hosting.stop());
    strings.may_end.add_permits(2);
    for mut raw in both {
        assert!(raw.read_to_end().await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    assert_eq!(stop.await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_request_waits_for_its_turn_is_part_of_its_time() {
    let hosted = HostedGateway::start(one_at_a_time()).await;
    let mut first = Raw::connect(hosted.address()).await;
    let mut second = Raw::connect(hosted.address()).await;
    for raw in [&mut first, &mut second] {
        raw.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    }
    hosted.has_begun().await;
    // Nothing observable shows that the other one waits.
    tokio::time::sleep(Duration::from_millis(50)).await;
    // No call ends, so it begins anyway. Each half has enough time left, but both together have too little.
    pass(LONG * 3 / 5).await;
    hosted.has_begun().await;
    pass(LONG * 3 / 5).await;
    for mut raw in [first, second] {
        let head = raw.read_until("\r\n\r\n");
        let head = tokio::time::timeout(LONG / 10, head).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_closes_the_connection() {
    let hosted = HostedGateway::start(Limits {
        head: SHORT,
        ..body_of(1000)
    })
    .await;
    let began = Instant::now();
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("GET /echo/1 HTTP/1.1\r\nhost:").await;
    assert!(!raw.read_to_end().await.starts_with("HTTP/1.1 200"));
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn uploads_beyond_the_budget_are_503_and_small_requests_are_taken() {
    let hosted = HostedGateway::start(Limits {
        all_bodies_bytes: 100_000,
        ..body_of(1_000_000)
    })
    .await;
    let mut held = Raw::connect(hosted.address()).await;
    let body = "x".repeat(100_000);
    held.write(format!(
        "GET /stay HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{body}"
    ))
    .await;
    hosted.has_begun().await;
    let refused = send(hosted.address(), "POST", "/echo/1", body.clone()).await;
    let request_id = refused.header("x-amzn-requestid");
    assert_eq!(
        (
            refused.status,
            &refused.body["code"],
            &refused.body["request_id"]
        ),
        (503, &json!("Unavailable"), &json!(request_id))
    );
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        send(hosted.address(), "POST", "/echo/1", "{}").await.status,
        200
    );
    hosted.strings.may_end.add_permits(1);
    held.read_until("\r\n\r\n").await;
    assert_eq!(
        send(hosted.address(), "POST", "/echo/1", body).await.status,
        200
    );
}

#[tokio::test]
async fn what_cannot_be_read_as_a_request_gets_an_error_body_and_an_id() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let long = "x".repeat(500_000);
    for (request, status, message) in [
        (
            "GET /echo/1 HTTP/1.1\r\nhost a\r\n\r\n".to_owned(),
            400,
            "The request line or a header cannot be read as HTTP/1.1.",
        ),
        (
            "GET /echo/1 HTTP/1.1\r\n\r\n".to_owned(),
            400,
            "The request must have exactly one Host header.",
        ),
        (
            "GET /echo/1 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(),
            400,
            "The request must have exactly one Host header.",
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
    ] {
        let mut raw = Raw::connect(hosted.address()).await;
        raw.write(request).await;
        let head = raw.read_until("\r\n\r\n").await;
        let text = raw.read_until("}").await;
        let body: serde_json::Value = serde_json::from_str(&text).unwrap();
        let id = body["request_id"].as_str().unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} "))
                && head.contains(&format!("x-amzn-requestid: {id}\r\n")),
            "{head}"
        );
        assert_eq!(
            (&body["code"], &body["message"]),
            (&json!("InvalidRequest"), &json!(message))
        );
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let large = "x".repeat(1024 * 1024);
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write(format!(
        "GET /echo/1 HTTP/1.1\r\nhost: a\r\nx-large: {}",
        &large[..500_000]
    ))
    .await;
    assert!(raw.read_until("\r\n").await.starts_with("HTTP/1.1 431 "));
    let answer = send_with(
        hosted.address(),
        "GET",
        "/echo/1",
        &[("x-large", &large[..8_000])],
        "",
    )
    .await;
    assert_eq!(answer.status, 200);
}
