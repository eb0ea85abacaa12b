//! The pages for a browser. `.ci/browser` tests how they look and behave there.

use std::time::Duration;

use fleet_server::PagesMode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{self, ServerAnswer},
    support::TestServer,
};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A page is not part of the API, so it is not checked against the API's description.
async fn page(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> ServerAnswer {
    client::send_with(server.address(), "GET", path, headers, "").await
}

async fn home(server: &TestServer) -> ServerAnswer {
    page(server, "/", &[HTML]).await
}

/// The URLs of the files that a page refers to.
fn files(html: &str) -> Vec<String> {
    let parts = html.split(['"']);
    let named = parts.filter(|part| part.starts_with("_ui/"));
    named.map(|part| format!("/{part}")).collect()
}

async fn state(server: &TestServer, query: &str) -> Value {
    page(server, &format!("/_ui/state?{query}"), &[]).await.body
}

async fn add(
    server: &TestServer,
    id: &str,
    region: &str,
    account: &str,
    packages: &[(&str, &str)],
) {
    let packages: Vec<Value> = packages
        .iter()
        .map(|(name, version)| json!({ "package_name": name, "package_version": version }))
        .collect();
    let body = json!({ "aws_region": region, "aws_account": account, "packages": packages });
    let answer = server
        .send("POST", &format!("/ec2/{id}"), body.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn patch(server: &TestServer, id: &str, body: &str) {
    let path = format!("/v1/scalableTargetDimensions/{id}");
    assert_eq!(
        server.send("PATCH", &path, body.to_owned()).await.status,
        200
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_and_everything_else_the_answer_of_api_gateway() {
    let server = TestServer::start().await;
    let home = home(&server).await;
    assert_eq!(
        (home.status, home.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    for (method, path, headers) in [
        ("POST", "/", &[HTML][..]),
        ("POST", "/", &[]),
        ("GET", "/other", &[HTML]),
        ("GET", "/docs/other", &[HTML]),
        ("GET", "/_ui/", &[HTML]),
        ("GET", "/_ui/home.js", &[]),
        ("GET", "/_ui/0000000000000000/home.js", &[]),
        ("POST", "/docs", &[]),
        ("POST", "/_ui/state", &[]),
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
async fn files_are_cached_by_hash_and_compressed_only_for_a_client_that_takes_it() {
    let server = TestServer::start().await;
    for path in ["/", "/docs", "/docs/"] {
        let html = page(&server, path, &[HTML]).await;
        assert_eq!(html.header("cache-control"), "no-cache", "{path}");
        let files = files(&html.text);
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            let plain = page(&server, &file, &[("accept-encoding", "identity")]).await;
            assert_eq!(plain.status, 200, "{file}");
            assert_eq!(
                plain.header("cache-control"),
                "public, max-age=31536000, immutable"
            );
            assert_eq!(plain.header("content-encoding"), "");
            assert_eq!(plain.header("vary"), "accept-encoding");
            assert_eq!(page(&server, &file, &[]).await.text, plain.text);
            let known = page(&server, &file, &[("if-none-match", plain.header("etag"))]).await;
            assert_eq!((known.status, known.text.as_str()), (304, ""), "{file}");
            let packed = raw(&server, &file, "gzip, br").await;
            assert!(packed.0.contains("content-encoding: gzip"), "{file}");
            assert_eq!(unpacked(&packed.1), plain.text, "{file}");
        }
    }
}

/// Head and body of a response, byte for byte.
async fn raw(server: &TestServer, path: &str, encodings: &str) -> (String, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\naccept-encoding: {encodings}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head, answer[end + 4..].to_vec())
}

fn unpacked(content: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(content), &mut text).unwrap();
    text
}

#[tokio::test]
async fn a_page_loads_from_this_server_alone_and_no_other_page_reads_it() {
    let server = TestServer::start().await;
    for path in ["/", "/docs", "/_ui/state", "/_ui/filters"] {
        let answer = page(
            &server,
            path,
            &[HTML, ("origin", &format!("http://{}", server.address()))],
        )
        .await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let server = TestServer::start().await;
    patch(&server, "a", r#"{"desiredCapacity":2.0}"#).await;
    let first = page(&server, "/_ui/state", &[]).await;
    let again = page(
        &server,
        "/_ui/state",
        &[("if-none-match", first.header("etag"))],
    )
    .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    patch(&server, "a", r#"{"desiredCapacity":3.0}"#).await;
    let changed = page(
        &server,
        "/_ui/state",
        &[("if-none-match", first.header("etag"))],
    )
    .await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn looking_at_dimensions_does_not_move_them() {
    let server = TestServer::start().await;
    assert_eq!(state(&server, "").await["dimensions"]["found"], json!([]));
    patch(&server, "b", r#"{"desiredCapacity":2.5}"#).await;
    patch(&server, "a", r#"{"desiredCapacity":0}"#).await;
    let expected = |id: &str, desired: f64| json!({ "id": id, "state": { "actualCapacity": 1.0, "desiredCapacity": desired, "scalingStatus": "Pending" } });
    for _ in 0..3 {
        let dimensions = &state(&server, "").await["dimensions"];
        assert_eq!(
            (&dimensions["found"], &dimensions["more"]),
            (
                &json!([expected("a", 0.0), expected("b", 2.5)]),
                &json!(false)
            )
        );
    }
    assert_eq!(
        server.get("/v1/scalableTargetDimensions/b").await.body["scalingStatus"],
        "InProgress"
    );
}

#[tokio::test]
async fn a_change_is_kept_with_its_request_and_its_caller_and_outlives_the_server() {
    let folder = TempDir::new().unwrap();
    let start = async || {
        TestServer::start_with(|options| {
            options.in_memory = false;
            options.data_dir = folder.path().to_owned();
        })
        .await
    };
    let server = start().await;
    patch(&server, "web", r#"{"desiredCapacity":4.0}"#).await;
    let moved = server
        .send_with(
            "GET",
            "/scalableTargetDimensions/web",
            &[("user-agent", "curl/8.5.0 extra")],
            "",
        )
        .await;
    // An id that is only read is not a dimension.
    server.get("/scalableTargetDimensions/other").await;
    let dimensions = state(&server, "").await["dimensions"].clone();
    let changes = dimensions["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert_eq!(changes[1]["from"]["scalingStatus"], "Pending");
    assert_eq!(changes[1]["to"]["scalingStatus"], "InProgress");
    assert_eq!(changes[1]["request_id"], moved.header("x-amzn-requestid"));
    assert_eq!(changes[1]["by"], "curl/8.5.0 at 127.0.0.1");
    let position = dimensions["position"].as_str().unwrap();
    let since = state(&server, &format!("since={position}")).await;
    assert_eq!(since["dimensions"]["changes"], json!([]));
    server.stop().await;

    let server = start().await;
    let after = state(&server, &format!("since={position}")).await;
    assert_eq!(after["dimensions"]["changes"], json!(changes));
    server.stop().await;
}

#[tokio::test]
async fn instances_are_found_by_every_part_of_them() {
    let server = TestServer::start().await;
    add(
        &server,
        "web-1",
        "us-east-1",
        "111",
        &[("Nginx", "v9"), ("redis", "v8")],
    )
    .await;
    add(
        &server,
        "db-1",
        "eu-west-3",
        "222",
        &[("mysql", "v9"), ("Nginx", "v8")],
    )
    .await;
    add(&server, "bare", "x", "3%", &[]).await;
    for (query, found) in [
        ("", &["bare", "db-1", "web-1"][..]),
        ("q=", &["bare", "db-1", "web-1"]),
        ("q=WEB", &["web-1"]),
        ("q=west", &["db-1"]),
        ("q=222", &["db-1"]),
        ("q=nginx", &["db-1", "web-1"]),
        ("q=%25", &["bare"]),
        ("q=%27+OR+1%3D1", &[]),
        // Every word matches.
        ("q=nginx+west", &["db-1"]),
        ("q=+v9+us-east", &["web-1"]),
        // A package with its version means that version.
        ("q=Nginx+v8", &["db-1"]),
        ("aws_region=us-east-1", &["web-1"]),
        ("aws_region=us-east", &[]),
        ("aws_account=222&q=db", &["db-1"]),
        ("package_name=Nginx", &["db-1", "web-1"]),
        ("package_name=Nginx&package_version=v9", &["web-1"]),
    ] {
        let instances = &state(&server, query).await["instances"];
        let ids: Vec<&str> = instances["found"]
            .as_array()
            .unwrap()
            .iter()
            .map(|instance| instance["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, found, "{query}");
        assert_eq!(instances["total"], found.len(), "{query}");
    }
    let web = &state(&server, "q=web").await["instances"]["found"][0];
    assert_eq!(web["packages"], json!([["Nginx", "v9"], ["redis", "v8"]]));
    assert_eq!(
        (&web["package_count"], web["added"].as_str().map(str::len)),
        (&Value::from(2), Some(19))
    );
    let filters = page(&server, "/_ui/filters", &[]).await.body;
    assert_eq!(filters["regions"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        filters["accounts"][0],
        json!({ "value": "111", "count": 1 })
    );
    assert_eq!(
        filters["packages"][0],
        json!({ "name": "Nginx", "version": "v8", "count": 1 })
    );
}

#[tokio::test]
async fn pages_follow_the_tokens_of_the_api() {
    let server = TestServer::start().await;
    for number in 0..51 {
        add(&server, &format!("i-{number:02}"), "r", "a", &[]).await;
    }
    let first = state(&server, "").await["instances"].clone();
    assert_eq!(first["found"].as_array().map(Vec::len), Some(50));
    assert_eq!(first["total"], 51);
    let token = first["next_token"].as_str().unwrap();
    assert_eq!(server.get("/ec2").await.body["next_token"], token);
    let second = state(&server, &format!("next_token={token}")).await["instances"].clone();
    assert_eq!(second["found"][0]["id"], "i-50");
    assert_eq!(
        (&second["total"], &second["next_token"]),
        (&json!(51), &Value::Null)
    );
    let refused = page(&server, "/_ui/state?next_token=x", &[]).await;
    assert_eq!(
        (refused.status, &refused.body),
        (
            400,
            &json!({ "code": "InvalidField", "message": "next_token must be the next_token of an earlier response, unchanged." })
        )
    );
}

#[tokio::test]
async fn an_instance_with_many_packages_shows_the_first() {
    let server = TestServer::start().await;
    let names: Vec<String> = (0..60).map(|number| format!("p{number:02}")).collect();
    let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    add(&server, "many", "r", "a", &packages).await;
    let found = &state(&server, "").await["instances"]["found"][0];
    assert_eq!(found["package_count"], 60);
    assert_eq!(found["packages"].as_array().map(Vec::len), Some(20));
    assert_eq!(found["packages"][0], json!(["p00", "1"]));
}

#[tokio::test]
async fn pages_can_be_for_reading_alone_or_not_there() {
    let with = async |mode| TestServer::start_with(|options| options.pages = mode).await;
    let remove = async |server: &TestServer, site| {
        let headers = [("sec-fetch-site", site)];
        client::send_with(server.address(), "DELETE", "/_ui/examples", &headers, "").await
    };
    let on = with(PagesMode::On).await;
    assert!(home(&on).await.text.contains(r#"data-pages="on""#));
    patch(&on, "example-web", r#"{"desiredCapacity":2.0}"#).await;
    patch(&on, "real", r#"{"desiredCapacity":2.0}"#).await;
    // A page of another site can send the request, which is refused.
    assert_eq!(remove(&on, "cross-site").await.status, 403);
    assert_eq!(
        state(&on, "").await["dimensions"]["found"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(remove(&on, "same-origin").await.status, 200);
    let dimensions = &state(&on, "").await["dimensions"];
    assert_eq!(dimensions["found"][0]["id"], "real");
    assert_eq!(dimensions["found"].as_array().map(Vec::len), Some(1));

    let read = with(PagesMode::Read).await;
    for path in ["/", "/docs"] {
        assert!(
            page(&read, path, &[HTML])
                .await
                .text
                .contains(r#"data-pages="read""#)
        );
    }
    assert_eq!(page(&read, "/_ui/state", &[]).await.status, 200);
    assert_eq!(remove(&read, "same-origin").await.status, 403);

    let off = with(PagesMode::Off).await;
    assert!(!off.running().has_pages());
    for path in ["/docs", "/_ui/state", "/_ui/filters"] {
        assert_eq!(page(&off, path, &[HTML]).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_leaves_the_other_one() {
    let server = TestServer::start().await;
    add(&server, "a", "r", "a", &[]).await;
    delete_table(&server).await;
    let answer = tokio::time::timeout(Duration::from_secs(60), state(&server, ""))
        .await
        .unwrap();
    assert_eq!(
        answer["dimensions"],
        json!({ "error": "The table of dimensions cannot be read at the moment. The server's log says why." })
    );
    assert_eq!(answer["instances"]["found"][0]["id"], "a");
}

/// Deletes the table, through the local DynamoDB endpoint.
async fn delete_table(server: &TestServer) {
    let address = server.aws_endpoint_url();
    let address = address.trim_start_matches("http://").parse().unwrap();
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "DynamoDB_20120810.DeleteTable"),
        ("x-amz-date", "20260101T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        ),
    ];
    let body = r#"{"TableName":"fleet-dimensions"}"#;
    let answer = client::send_with(address, "POST", "/", &headers, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
