//! Web pages of other sites, whose requests a browser on the same machine can send to loopback.

use crate::{client::send_with, support::TestServer};

const BODY: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;

async fn add(server: &TestServer, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = send_with(server.address(), "POST", "/ec2/i-1", headers, BODY).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_and_stores_nothing() {
    let server = TestServer::start().await;
    for (headers, sentence) in [
        (
            &[("host", "rebound.example:3000")][..],
            "The Host header must be ",
        ),
        (
            &[("host", "127.0.0.1"), ("origin", "https://evil.example")],
            "This server does not accept requests from web pages of other sites.",
        ),
        (
            &[("host", "127.0.0.1"), ("origin", "null")],
            "This server does not accept requests from web pages of other sites.",
        ),
    ] {
        let (status, text) = add(&server, headers).await;
        assert!(
            status == 403 && text.contains(sentence) && text.contains("request_id"),
            "{headers:?}: {status} {text}"
        );
        assert!(!text.contains("example"), "{text}");
    }
    // Its pages contain data too.
    let page = send_with(
        server.address(),
        "GET",
        "/_ui/instances",
        &[("host", "rebound.example")],
        "",
    )
    .await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert_eq!(
        server.get("/ec2/i-1").await.body["record_found"],
        false,
        "it was stored"
    );
}

#[tokio::test]
async fn names_of_this_machine_and_its_own_pages_are_taken() {
    let server = TestServer::start().await;
    let own = format!("http://{}", server.address());
    for headers in [
        &[("host", "localhost:3000")][..],
        &[("host", "fleet.localhost")],
        &[("host", "[::1]:3000")],
        &[("host", "host.docker.internal:3000")],
        &[("host", "127.0.0.1"), ("origin", &own)],
        &[("host", "localhost"), ("origin", "http://localhost:5173")],
    ] {
        let answer = send_with(server.address(), "GET", "/ec2", headers, "").await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_name_of_a_proxy_in_front_can_be_allowed() {
    let server = TestServer::start_with(|options| {
        options.allow_host = vec!["api.example.com".to_owned()];
    })
    .await;
    let proxied = [
        ("host", "api.example.com"),
        ("origin", "https://api.example.com"),
    ];
    assert_eq!(add(&server, &proxied).await.0, 200);
    assert_eq!(add(&server, &[("host", "other.example.com")]).await.0, 403);
}
