//! `/ec2` and `/ec2/{aws_instance_id}`: the contract of the inventory, all the way to the embedded database.

use std::collections::HashSet;

use serde_json::{Value, json};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::{client::ServerAnswer, support::TestServer};

const DOCUMENTED: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[
    {"package_name":"package-1","package_version":"v2"},
    {"package_name":"package-1","package_version":"v1"},
    {"package_name":"package-1","package_version":"v2"}]}"#;

fn package(name: &str, version: &str) -> Value {
    json!({"package_name": name, "package_version": version})
}

fn instance(region: &str, account: &str, packages: &[Value]) -> String {
    json!({"aws_region": region, "aws_account": account, "packages": packages}).to_string()
}

/// The error's message, under both keys, with a request id that is also in the header.
fn refusal(answer: &ServerAnswer) -> &str {
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.body["message"], answer.body["error_message"]);
    assert_eq!(answer.body["request_id"], answer.header("x-amzn-requestid"));
    answer.body["message"].as_str().unwrap()
}

/// Percent-encodes everything, as the most careful clients do.
fn encoded(id: &str) -> String {
    id.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn an_instance_is_added_read_and_removed() {
    let server = TestServer::start().await;
    let added = server.send("POST", "/ec2/instance-002", DOCUMENTED).await;
    assert_eq!(
        (added.status, added.header("content-type")),
        (200, "application/json")
    );
    let sent_once = [package("package-1", "v2"), package("package-1", "v1")];
    assert_eq!(
        added.body,
        json!({"new_record": {"aws_account": "123456789012", "aws_region": "us-east-1", "packages": sent_once}})
    );

    let read = server.get("/ec2/instance-002").await;
    let date = read.body["record"]["creation_date_utc"]
        .as_str()
        .unwrap()
        .to_owned();
    let sorted = [package("package-1", "v1"), package("package-1", "v2")];
    let record = json!({
        "aws_instance_id": "instance-002", "aws_region": "us-east-1", "aws_account": "123456789012",
        "creation_date_utc": date, "packages": sorted,
    });
    assert_eq!(
        (read.status, read.body),
        (200, json!({"record": record, "record_found": true}))
    );
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].0");
    let age = OffsetDateTime::now_utc()
        - PrimitiveDateTime::parse(&date, format)
            .unwrap()
            .assume_utc();
    assert!(
        (-1..60).contains(&age.whole_seconds()),
        "{date} is not now in UTC"
    );

    let removed = server.send("DELETE", "/ec2/instance-002", "").await;
    assert_eq!(
        (removed.status, removed.body),
        (200, json!({"record_deleted": true}))
    );
    assert_eq!(
        server.send("DELETE", "/ec2/instance-002", "").await.body,
        json!({"record_deleted": false})
    );
    assert_eq!(
        server.get("/ec2/instance-002").await.body,
        json!({"record": {}, "record_found": false})
    );
    // Its packages were removed with it: an instance with the same id starts without any.
    assert_eq!(
        server
            .send("POST", "/ec2/instance-002", instance("r", "a", &[]))
            .await
            .status,
        200
    );
    assert_eq!(
        server.get("/ec2/instance-002").await.body["record"]["packages"],
        json!([])
    );
}

#[tokio::test]
async fn a_duplicate_is_400_and_leaves_the_record_as_it_was() {
    let server = TestServer::start().await;
    server.send("POST", "/ec2/instance-002", DOCUMENTED).await;
    let before = server.get("/ec2/instance-002").await.body;
    let again = server
        .send(
            "POST",
            "/ec2/instance-002",
            instance("other", "other", &[package("other", "1")]),
        )
        .await;
    assert!(
        refusal(&again).contains("Duplicate entry 'instance-002' for key 'PRIMARY'"),
        "{}",
        again.text
    );
    assert_eq!(server.get("/ec2/instance-002").await.body, before);
}

#[tokio::test]
async fn ids_are_told_apart_character_by_character() {
    let server = TestServer::start().await;
    let longest = "𝕏".repeat(255);
    let ids = [
        "I-A",
        "i-a",
        "í-a",
        "i-a\u{301}",
        "i-01aaae43feb712345",
        "8d3f8a3e-0f5e-4f0c-9d5e-5b1c8b6f1c11",
        "сервер",
        "服务器",
        "خادم",
        "a/b",
        "a b",
        "a+b",
        "..",
        ".",
        "%2F",
        "?x=1",
        "#",
        "'; DROP TABLE ec2; --",
        "\\",
        "\"",
        "👩\u{200D}💻",
        &longest,
    ];
    for (number, id) in ids.iter().enumerate() {
        let added = server
            .send(
                "POST",
                &format!("/ec2/{}", encoded(id)),
                instance(
                    &format!("r{number}"),
                    "a",
                    &[package("p", id.get(..1).unwrap_or("x"))],
                ),
            )
            .await;
        assert_eq!(added.status, 200, "{id}: {}", added.text);
    }
    for (number, id) in ids.iter().enumerate() {
        let read = server.get(&format!("/ec2/{}", encoded(id))).await.body;
        assert_eq!(
            (
                &read["record"]["aws_instance_id"],
                &read["record"]["aws_region"]
            ),
            (&json!(id), &json!(format!("r{number}")))
        );
    }
    // Plain characters need no encoding, and an empty query string is not part of the id.
    assert_eq!(
        server.get("/ec2/i-a?").await.body["record"]["aws_region"],
        "r1"
    );
    assert_eq!(
        server.get("/ec2/a+b").await.body["record"]["aws_instance_id"],
        "a+b"
    );
}

#[tokio::test]
async fn ids_that_break_the_rule_are_400() {
    let server = TestServer::start().await;
    for (id, message) in [
        (
            "x".repeat(256),
            "aws_instance_id must be at most 255 characters long, but has 256.",
        ),
        (
            "%00".to_owned(),
            "aws_instance_id must be printable text, but its character 1 is U+0000.",
        ),
        (
            "a%0D%0Ab".to_owned(),
            "aws_instance_id must be printable text, but its character 2 is U+000D.",
        ),
        (
            "%20".to_owned(),
            "aws_instance_id must not begin or end with white space.",
        ),
        (
            "a%20".to_owned(),
            "aws_instance_id must not begin or end with white space.",
        ),
    ] {
        for (method, body) in [("POST", DOCUMENTED), ("GET", ""), ("DELETE", "")] {
            assert_eq!(
                refusal(&server.send(method, &format!("/ec2/{id}"), body).await),
                message,
                "{method}"
            );
        }
    }
    assert_eq!(server.get("/ec2").await.body, json!({"records": []}));
}

#[tokio::test]
async fn ten_thousand_packages_of_the_widest_text_come_back_whole() {
    let server = TestServer::start().await;
    // Four-byte characters, up to the limits of name and version: the largest possible record.
    let packages: Vec<Value> = (0..10_000)
        .map(|number| package(&format!("{number:05}{}", "𝕏".repeat(95)), &"𝕏".repeat(50)))
        .collect();
    let added = server
        .send("POST", "/ec2/large", instance("r", "a", &packages))
        .await;
    assert_eq!(
        added.status,
        200,
        "{}",
        &added.text[..added.text.len().min(300)]
    );
    assert_eq!(added.body["new_record"]["packages"], json!(packages));
    let read = server.get("/ec2/large").await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body["record"]["packages"], json!(packages));
    let one_more = instance("r", "a", &vec![package("p", "v"); 10_001]);
    assert_eq!(
        refusal(&server.send("POST", "/ec2/larger", one_more).await),
        "packages must have at most 10000 entries, but has 10001."
    );
    assert_eq!(server.get("/ec2/larger").await.body["record_found"], false);
}

#[tokio::test]
async fn packages_are_sorted_by_name_then_version_and_told_apart_by_case() {
    let server = TestServer::start().await;
    let sent = [
        package("b", "1"),
        package("a", "2"),
        package("B", "1"),
        package("a", "10"),
        package("á", "1"),
        package("a", "2 "),
        package("a", "2"),
    ];
    let refused = server
        .send("POST", "/ec2/i", instance("r", "a", &sent))
        .await;
    assert_eq!(
        refusal(&refused),
        "packages[5].package_version must not begin or end with white space."
    );
    let sent = [
        package("b", "1"),
        package("a", "2"),
        package("B", "1"),
        package("a", "10"),
        package("á", "1"),
    ];
    assert_eq!(
        server
            .send("POST", "/ec2/i", instance("r", "a", &sent))
            .await
            .status,
        200
    );
    let sorted = json!([
        package("B", "1"),
        package("a", "10"),
        package("a", "2"),
        package("b", "1"),
        package("á", "1")
    ]);
    assert_eq!(
        server.get("/ec2/i").await.body["record"]["packages"],
        sorted
    );
}

#[tokio::test]
async fn a_body_that_is_wrong_stores_nothing() {
    let server = TestServer::start().await;
    for (body, message) in [
        ("", "The request body must be a JSON object, but is empty."),
        (
            "[]",
            "The request body must be a JSON object, but is a list.",
        ),
        (
            "{",
            "Invalid request body: the JSON ends too early (line 1, column 1).",
        ),
        (r#"{"aws_region":"r"}"#, "aws_account is missing."),
        (
            r#"{"aws_region":"r","aws_account":1}"#,
            "aws_account must be a string, but is a number.",
        ),
        (
            r#"{"aws_region":"r","aws_account":"a","packages":[{"package_name":"p"}]}"#,
            "packages[0].package_version is missing.",
        ),
        (
            r#"{"aws_region":"r","aws_account":"a","tags":[]}"#,
            "Unknown field `tags`; allowed are aws_region, aws_account, packages.",
        ),
    ] {
        assert_eq!(
            refusal(&server.send("POST", "/ec2/i", body).await),
            message,
            "{body}"
        );
    }
    let not_text = server.send("POST", "/ec2/i", vec![b'{', 0xFF, b'}']).await;
    assert_eq!(refusal(&not_text), "The request body must be UTF-8 text.");
    assert_eq!(server.get("/ec2/i").await.body["record_found"], false);
}

#[tokio::test]
async fn what_the_gateway_refuses_says_it_under_both_keys_too() {
    let server = TestServer::start().await;
    assert_eq!(
        refusal(&server.get("/ec2/%FF").await),
        "aws_instance_id must be percent-encoded UTF-8."
    );
    assert_eq!(
        refusal(&server.get("/ec2?aws_region=%FF").await),
        "The query string must be percent-encoded UTF-8."
    );
    let large = server
        .send("POST", "/ec2/i", vec![b' '; 10 * 1024 * 1024 + 1])
        .await;
    assert_eq!(
        (large.status, &large.body["message"]),
        (413, &large.body["error_message"])
    );
}

#[tokio::test]
async fn a_body_of_very_many_values_is_refused_before_they_fill_the_memory() {
    let server = TestServer::start().await;
    let bomb = format!(r#"{{"packages":[{}0]}}"#, r#"{"":0},"#.repeat(1_400_000));
    assert!(
        refusal(&server.send("POST", "/ec2/i", bomb).await)
            .starts_with("Invalid request body: more than 100000 values")
    );
    let twice = r#"{"aws_region":"a","aws_region":"b","aws_account":"1"}"#;
    let refused = server.send("POST", "/ec2/i", twice).await;
    assert_eq!(
        refusal(&refused),
        "Invalid request body: duplicate field `aws_region` (line 1, column 30)."
    );
}

#[tokio::test]
async fn a_requests_content_type_is_not_looked_at() {
    let server = TestServer::start().await;
    for (number, content_type) in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "nonsense",
    ]
    .into_iter()
    .enumerate()
    {
        let added = server
            .send_with(
                "POST",
                &format!("/ec2/i-{number}"),
                &[("content-type", content_type)],
                DOCUMENTED,
            )
            .await;
        assert_eq!(added.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn pages_hold_every_instance_once_in_the_order_of_their_ids() {
    let server = TestServer::start().await;
    for number in [3, 1, 7, 5, 2, 6, 4] {
        server
            .send(
                "POST",
                &format!("/ec2/i-{number}"),
                instance("us-east-1", "123456789012", &[package("p", "1")]),
            )
            .await;
    }
    let (mut ids, mut path, mut pages) = (Vec::new(), "/ec2?limit=3".to_owned(), 0);
    loop {
        let page = server.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let records = page.body["records"].as_array().unwrap();
        let keys: HashSet<&str> = records[0]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            HashSet::from([
                "aws_instance_id",
                "aws_region",
                "aws_account",
                "creation_date_utc"
            ])
        );
        ids.extend(
            records
                .iter()
                .map(|record| record["aws_instance_id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match page.body.get("next_token") {
            Some(token) => path = format!("/ec2?limit=3&next_token={}", token.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(
        (ids.join(" ").as_str(), pages),
        ("i-1 i-2 i-3 i-4 i-5 i-6 i-7", 3)
    );
    // A full last page has no token either, and a page begins after its token even if that instance no longer exists.
    let page = server.get("/ec2?limit=6").await.body;
    server.send("DELETE", "/ec2/i-6", "").await;
    let rest = server
        .get(&format!(
            "/ec2?limit=1&next_token={}",
            page["next_token"].as_str().unwrap()
        ))
        .await
        .body;
    assert_eq!(
        (
            rest["records"][0]["aws_instance_id"].as_str(),
            rest.get("next_token")
        ),
        (Some("i-7"), None)
    );
}

#[tokio::test]
async fn filters_are_exact_and_combine() {
    let server = TestServer::start().await;
    for (id, region, account, packages) in [
        (
            "i-1",
            "us-east-1",
            "1",
            [package("ssl", "1.0"), package("curl", "8")],
        ),
        (
            "i-2",
            "us-east-1",
            "2",
            [package("ssl", "1.1"), package("curl", "8")],
        ),
        (
            "i-3",
            "eu-west-1",
            "1",
            [package("SSL", "1.0"), package("a&b=c", "1+1")],
        ),
    ] {
        server
            .send(
                "POST",
                &format!("/ec2/{id}"),
                instance(region, account, &packages),
            )
            .await;
    }
    for (query, expected) in [
        ("", "i-1 i-2 i-3"),
        ("aws_region=us-east-1", "i-1 i-2"),
        ("aws_region=US-EAST-1", ""),
        ("aws_region=us-east", ""),
        ("aws_account=1", "i-1 i-3"),
        ("aws_account=1&aws_region=us-east-1", "i-1"),
        ("package_name=ssl", "i-1 i-2"),
        ("package_name=ssl&package_version=1.0", "i-1"),
        ("package_name=SSL&package_version=1.0", "i-3"),
        ("package_name=ssl&package_version=8", ""),
        ("package_name=a%26b%3Dc&package_version=1%2B1", "i-3"),
        (
            "package_name=curl&aws_region=us-east-1&aws_account=2&limit=100",
            "i-2",
        ),
        ("package_name=%25", ""),
    ] {
        let page = server.get(&format!("/ec2?{query}")).await;
        let ids: Vec<&str> = page.body["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["aws_instance_id"].as_str().unwrap())
            .collect();
        assert_eq!(
            (page.status, ids.join(" ").as_str()),
            (200, expected),
            "{query}"
        );
    }
    for (query, message) in [
        ("limit=0", "limit must be a whole number from 1 to 100."),
        ("limit=101", "limit must be a whole number from 1 to 100."),
        (
            "next_token=garbage",
            "next_token must be the next_token of an earlier response, unchanged.",
        ),
        (
            "package_version=1",
            "package_version is allowed only with package_name.",
        ),
        (
            "aws_region=a&aws_region=b",
            "aws_region must be sent only once.",
        ),
    ] {
        assert_eq!(
            refusal(&server.get(&format!("/ec2?{query}")).await),
            message,
            "{query}"
        );
    }
    assert!(
        refusal(&server.get("/ec2?offset=1").await)
            .starts_with("Unknown query parameter `offset`;")
    );
}

#[tokio::test]
async fn of_many_that_add_one_id_at_once_one_wins() {
    let server = TestServer::start().await;
    for id in 0..5 {
        let path = format!("/ec2/contested-{id}");
        let bodies: Vec<String> = (0..20)
            .map(|adder| {
                instance(
                    &format!("r{adder}"),
                    "a",
                    &[package("shared", "1"), package(&format!("p{adder}"), "1")],
                )
            })
            .collect();
        let answers = futures_util::future::join_all(
            bodies
                .iter()
                .map(|body| server.send("POST", &path, body.clone())),
        )
        .await;
        let winners: Vec<&ServerAnswer> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .collect();
        assert_eq!(
            winners.len(),
            1,
            "{:?}",
            answers
                .iter()
                .map(|answer| &answer.text)
                .collect::<Vec<_>>()
        );
        assert!(
            answers
                .iter()
                .filter(|answer| answer.status != 200)
                .all(|answer| refusal(answer).contains("Duplicate entry"))
        );
        let stored = server.get(&path).await.body;
        assert_eq!(
            stored["record"]["aws_region"],
            winners[0].body["new_record"]["aws_region"]
        );
        assert_eq!(stored["record"]["packages"].as_array().unwrap().len(), 2);
    }
}
