//! The pages for a browser. What they look like and do there is tested by `.ci/browser`.

use serde_json::{Value, json};

use crate::{
    client::{self, Answer},
    support::TestServer,
};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A page is no part of the API, so it is not held against the API's description.
async fn page(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Answer {
    client::send_with(server.address(), "GET", path, headers, "").await
}

#[tokio::test]
async fn a_browser_gets_a_page_and_everything_else_the_answer_of_api_gateway() {
    let server = TestServer::start().await;
    let home = page(&server, "/", &[HTML]).await;
    assert_eq!(
        (home.status, home.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    for (method, path, headers) in [
        ("POST", "/", &[HTML][..]),
        ("POST", "/", &[]),
        ("GET", "/other", &[HTML]),
        ("GET", "/docs/swagger-initializer.js", &[]),
        ("GET", "/_ui/", &[HTML]),
        ("POST", "/docs", &[]),
    ] {
        let answer = server.send_with(method, path, headers, "").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (403, r#"{"message":"Missing Authentication Token"}"#),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn curl_gets_the_index_at_the_root_and_below_a_doubled_slash_what_one_has() {
    let server = TestServer::start().await;
    let index = page(&server, "/v1", &[]).await;
    for (path, headers) in [
        ("/", &[][..]),
        ("/", &[("accept", "*/*")]),
        ("//", &[]),
        ("//v1", &[]),
    ] {
        let answer = page(&server, path, headers).await;
        assert_eq!((answer.status, &answer.body), (200, &index.body), "{path}");
    }
    let book = page(&server, "//api/books/1", &[]).await;
    assert_eq!((book.status, &book.body["id"]), (200, &json!(1)));
}

#[tokio::test]
async fn everything_that_the_pages_ask_for_is_there() {
    let server = TestServer::start().await;
    for path in [
        "/docs",
        "/docs/",
        "/_ui/home.css",
        "/_ui/home.js",
        "/_ui/docs.js",
        "/docs/favicon-32x32.png",
    ] {
        let stream = page_bytes(&server, path).await;
        assert!(stream.starts_with(b"HTTP/1.1 200"), "{path}");
    }
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        let stream = page_bytes(&server, path).await;
        let head = String::from_utf8_lossy(&stream[..600]).into_owned();
        assert!(
            head.starts_with("HTTP/1.1 200") && head.contains("content-encoding: gzip"),
            "{path}: {head}"
        );
        assert!(
            head.contains("content-security-policy: default-src 'self'"),
            "{path}: {head}"
        );
        assert!(stream.len() > 10_000, "{path}: {}", stream.len());
    }
}

/// An answer to the byte: not every file is text.
async fn page_bytes(server: &TestServer, path: &str) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn looking_at_dimensions_does_not_move_them() {
    let server = TestServer::start().await;
    let look = async || page(&server, "/_ui/dimensions", &[]).await.body;
    assert_eq!(look().await, json!({ "dimensions": [], "more": false }));
    server
        .send(
            "PATCH",
            "/v1/scalableTargetDimensions/b",
            r#"{"desiredCapacity":2.5}"#,
        )
        .await;
    server
        .send(
            "PATCH",
            "/v1/scalableTargetDimensions/a",
            r#"{"desiredCapacity":0}"#,
        )
        .await;
    let state = |id: &str, desired: f64| json!({ "id": id, "actualCapacity": 1.0, "desiredCapacity": desired, "scalingStatus": "Pending", "failureReason": null });
    for _ in 0..3 {
        assert_eq!(
            look().await,
            json!({ "dimensions": [state("a", 0.0), state("b", 2.5)], "more": false })
        );
    }
    assert_eq!(
        server.get("/v1/scalableTargetDimensions/b").await.body["scalingStatus"],
        "InProgress"
    );
}

#[tokio::test]
async fn instances_are_found_by_every_part_of_them() {
    let server = TestServer::start().await;
    for (id, region, account, package) in [
        ("web-1", "us-east-1", "111", "Nginx"),
        ("db-1", "eu-west-3", "222", "mysql"),
        ("bare", "x", "3%", ""),
    ] {
        let packages = if package.is_empty() {
            json!([])
        } else {
            json!([{ "package_name": package, "package_version": "v9" }])
        };
        let body = json!({ "aws_region": region, "aws_account": account, "packages": packages });
        assert_eq!(
            server
                .send("POST", &format!("/ec2/{id}"), body.to_string())
                .await
                .status,
            200
        );
    }
    for (search, found) in [
        ("", &["bare", "db-1", "web-1"][..]),
        ("search=", &["bare", "db-1", "web-1"]),
        ("search=WEB", &["web-1"]),
        ("search=west", &["db-1"]),
        ("search=222", &["db-1"]),
        ("search=nginx", &["web-1"]),
        ("search=+v9+", &["db-1", "web-1"]),
        ("search=%25", &["bare"]),
        ("search=%27+OR+1%3D1", &[]),
    ] {
        let answer = page(&server, &format!("/_ui/instances?{search}"), &[]).await;
        let ids: Vec<&str> = answer.body["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|instance| instance["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, found, "{search}");
    }
    let web = &page(&server, "/_ui/instances?search=web", &[]).await.body["instances"][0];
    assert_eq!(
        (&web["packages"], web["added"].as_str().map(str::len)),
        (&Value::from(1), Some(19))
    );
}

#[tokio::test]
async fn more_than_the_page_shows_is_said() {
    let server = TestServer::start().await;
    for number in 0..51 {
        server
            .send(
                "POST",
                &format!("/ec2/i-{number:02}"),
                r#"{"aws_region":"r","aws_account":"a"}"#,
            )
            .await;
    }
    let answer = page(&server, "/_ui/instances", &[]).await;
    assert_eq!(
        (
            answer.body["instances"].as_array().unwrap().len(),
            &answer.body["more"]
        ),
        (50, &json!(true))
    );
}
