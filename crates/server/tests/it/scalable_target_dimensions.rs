//! `/scalableTargetDimensions/{scalableTargetDimensionId}` and the same under `/v1`: the contract of the scaling endpoint.

use serde_json::{Value, json};

use crate::{binary::Binary, client, support::TestServer};

fn state(id: &str, actual: f64, desired: f64, status: &str) -> Value {
    json!({
        "scalableTargetDimensionId": id,
        "version": "MyVersion",
        "resourceName": "MyService",
        "dimensionName": "MyDimension",
        "actualCapacity": actual,
        "desiredCapacity": desired,
        "scalingStatus": status,
    })
}

#[tokio::test]
async fn a_demo_dimension_reaches_its_desired_capacity_in_two_looks() {
    let server = TestServer::start().await;
    for root in ["/scalableTargetDimensions", "/v1/scalableTargetDimensions"] {
        let id = format!("id{}", root.len());
        let path = format!("{root}/{id}");
        let seen = server.get(&path).await;
        assert_eq!(
            (seen.status, seen.header("content-type"), &seen.body),
            (200, "application/json", &state(&id, 1.0, 1.0, "Successful"))
        );
        let patched = server
            .send("PATCH", &path, r#"{"desiredCapacity":2.5}"#)
            .await;
        assert_eq!(
            (patched.status, patched.body),
            (200, state(&id, 1.0, 2.5, "Pending"))
        );
        assert_eq!(
            server
                .send("PATCH", &path, r#"{"desiredCapacity":2.5}"#)
                .await
                .body,
            state(&id, 1.0, 2.5, "Pending")
        );
        assert_eq!(
            server.get(&path).await.body,
            state(&id, 1.0, 2.5, "InProgress")
        );
        assert_eq!(
            server.get(&path).await.body,
            state(&id, 2.5, 2.5, "Successful")
        );
        assert_eq!(
            server.get(&path).await.body,
            state(&id, 2.5, 2.5, "Successful")
        );
    }
}

#[tokio::test]
async fn both_forms_of_the_path_are_one_dimension() {
    let server = TestServer::start().await;
    server
        .send(
            "PATCH",
            "/scalableTargetDimensions/1-23456789",
            r#"{"desiredCapacity":3.0}"#,
        )
        .await;
    assert_eq!(
        server
            .get("/v1/scalableTargetDimensions/1-23456789")
            .await
            .body,
        state("1-23456789", 1.0, 3.0, "InProgress")
    );
    assert_eq!(
        server
            .get("/scalableTargetDimensions/1-23456789?actualCapacity=9")
            .await
            .body,
        state("1-23456789", 3.0, 3.0, "Successful")
    );
}

#[tokio::test]
async fn capacities_keep_their_fraction() {
    let server = TestServer::start().await;
    let patched = server
        .send(
            "PATCH",
            "/v1/scalableTargetDimensions/a",
            r#"{"desiredCapacity":2}"#,
        )
        .await;
    assert!(
        patched
            .text
            .contains(r#""actualCapacity":1.0,"desiredCapacity":2.0,"#),
        "{}",
        patched.text
    );
    // Every finite number of at least 0 is returned unchanged.
    for number in [
        "0.1",
        "1e300",
        "1.7976931348623157e308",
        "5e-324",
        "0.30000000000000004",
        "9007199254740993.0",
        "0",
    ] {
        let body = format!(r#"{{"desiredCapacity":{number}}}"#);
        server
            .send("PATCH", "/v1/scalableTargetDimensions/a", body)
            .await;
        let seen = server.get("/v1/scalableTargetDimensions/a").await;
        assert_eq!(
            seen.body["desiredCapacity"].as_f64(),
            Some(number.parse().unwrap()),
            "{}",
            seen.text
        );
    }
}

#[tokio::test]
async fn ids_are_independent_and_may_be_any_printable_text_without_a_slash() {
    let server = TestServer::start().await;
    let longest = "%F0%9D%95%8F".repeat(255);
    let ids = [
        "a",
        "A",
        "a.",
        "..",
        "a%20b",
        "1%3Fx=1",
        "%E6%9C%8D",
        "a+b",
        "a%2Bb%2B",
        "%25",
        &longest,
    ];
    for (number, id) in ids.iter().enumerate() {
        let patched = server
            .send(
                "PATCH",
                &format!("/v1/scalableTargetDimensions/{id}"),
                format!(r#"{{"desiredCapacity":{number}.5}}"#),
            )
            .await;
        assert_eq!(patched.status, 200, "{id}: {}", patched.text);
    }
    for (number, id) in ids.iter().enumerate() {
        let seen = server
            .get(&format!("/v1/scalableTargetDimensions/{id}"))
            .await
            .body;
        assert_eq!(
            seen["desiredCapacity"].as_f64(),
            Some(number as f64 + 0.5),
            "{id}"
        );
    }
    for (id, message) in [
        (
            "a%2Fb".to_owned(),
            "scalableTargetDimensionId must not contain a slash (/).",
        ),
        (
            "%00".to_owned(),
            "scalableTargetDimensionId must be printable text, but its character 1 is U+0000.",
        ),
        (
            "x".repeat(256),
            "scalableTargetDimensionId must be at most 255 characters long, but has 256.",
        ),
    ] {
        for (method, body) in [("GET", ""), ("PATCH", r#"{"desiredCapacity":2.0}"#)] {
            let refused = server
                .send(method, &format!("/scalableTargetDimensions/{id}"), body)
                .await;
            assert_eq!(
                (refused.status, &refused.body["message"]),
                (400, &json!(message)),
                "{method}"
            );
            assert_eq!(refused.body.get("error_message"), None);
        }
    }
}

#[tokio::test]
async fn a_patch_that_is_wrong_changes_nothing() {
    let server = TestServer::start().await;
    let path = "/v1/scalableTargetDimensions/a";
    for (body, message) in [
        ("", "The request body must be a JSON object, but is empty."),
        ("{}", "desiredCapacity is missing."),
        (
            r#"{"desiredCapacity":-1.0}"#,
            "Illegal desired capacity -1.0",
        ),
        (
            r#"{"desiredCapacity":"2"}"#,
            "desiredCapacity must be a number, but is a string.",
        ),
        (
            r#"{"desiredCapacity":2,"colour":"red"}"#,
            "Unknown field `colour`; only desiredCapacity is allowed.",
        ),
        (
            r#"{"desiredCapacity":NaN}"#,
            "Invalid request body: not valid JSON (line 1, column 20).",
        ),
    ] {
        let refused = server.send("PATCH", path, body).await;
        assert_eq!(
            (refused.status, &refused.body["message"]),
            (400, &json!(message)),
            "{body}"
        );
        assert_eq!(
            refused.body["request_id"],
            refused.header("x-amzn-requestid")
        );
    }
    assert_eq!(
        server.get(path).await.body,
        state("a", 1.0, 1.0, "Successful")
    );
}

#[tokio::test]
async fn a_test_failure_stays_until_the_next_patch() {
    let server = Binary::start_with(
        &["--in-memory"],
        &[
            ("SCALING_TEST_FAILURE", "true"),
            ("SCALING_RESOURCE_NAME", "Shop"),
        ],
    )
    .await;
    let path = "/v1/scalableTargetDimensions/a";
    let send = async |method, body: &'static str| {
        client::send(server.address(), method, path, body)
            .await
            .body
    };
    assert_eq!(
        send("PATCH", r#"{"desiredCapacity":2.0}"#).await["scalingStatus"],
        "Pending"
    );
    assert_eq!(send("GET", "").await["scalingStatus"], "InProgress");
    let failed = send("GET", "").await;
    assert_eq!(
        (
            &failed["scalingStatus"],
            &failed["actualCapacity"],
            &failed["resourceName"]
        ),
        (&json!("Failed"), &json!(1.0), &json!("Shop"))
    );
    assert!(failed["failureReason"].is_string());
    assert_eq!(send("GET", "").await, failed);
    let again = send("PATCH", r#"{"desiredCapacity":2.0}"#).await;
    assert_eq!(
        (&again["scalingStatus"], again.get("failureReason")),
        (&json!("Pending"), None)
    );
}

#[tokio::test]
async fn a_production_dimension_is_what_its_writers_say() {
    let server = Binary::start_with(&["--in-memory"], &[("SCALING_MODE", "production")]).await;
    let send = async |method, body: &'static str| {
        client::send(
            server.address(),
            method,
            "/scalableTargetDimensions/a",
            body,
        )
        .await
    };
    let patched = async |body| send("PATCH", body).await.body;
    assert_eq!(
        patched(r#"{"desiredCapacity":4.0,"scalingStatus":"Successful"}"#).await,
        state("a", 1.0, 4.0, "Pending")
    );
    assert_eq!(send("GET", "").await.body, state("a", 1.0, 4.0, "Pending"));
    assert_eq!(
        patched(r#"{"actualCapacity":2.0,"scalingStatus":"InProgress"}"#).await,
        state("a", 2.0, 4.0, "InProgress")
    );
    let mut failed = state("a", 2.0, 4.0, "Failed");
    failed["failureReason"] = json!("no quota");
    assert_eq!(
        patched(r#"{"scalingStatus":"Failed","failureReason":"no quota"}"#).await,
        failed
    );
    assert_eq!(send("GET", "").await.body, failed);
    let refused = send(
        "PATCH",
        r#"{"scalingStatus":"Successful","failureReason":"why"}"#,
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (
            400,
            &json!("failureReason is allowed only with scalingStatus Failed.")
        )
    );
    assert_eq!(send("PATCH", "{}").await.status, 400);
    assert_eq!(
        patched(r#"{"desiredCapacity":4.0}"#).await,
        state("a", 2.0, 4.0, "Pending")
    );
    assert_eq!(
        patched(r#"{"actualCapacity":3.0,"scalingStatus":"Successful"}"#).await,
        state("a", 3.0, 4.0, "Pending")
    );
    assert_eq!(
        patched(r#"{"actualCapacity":4.0,"scalingStatus":"Successful"}"#).await,
        state("a", 4.0, 4.0, "Successful")
    );
}

#[tokio::test]
async fn if_match_keeps_an_owner_from_what_it_has_not_seen() {
    let server = Binary::start_with(&["--in-memory"], &[("SCALING_MODE", "production")]).await;
    let path = "/v1/scalableTargetDimensions/a";
    let send = async |method, if_match: &str, body: &'static str| {
        let headers = [("if-match", if_match)];
        let headers = if if_match.is_empty() {
            &[][..]
        } else {
            &headers
        };
        let answer = client::send_with(server.address(), method, path, headers, body).await;
        (answer.status, answer.header("etag").to_owned(), answer.body)
    };
    let (_, initial, _) = send("GET", "", "").await;
    let (_, ordered, _) = send("PATCH", "", r#"{"desiredCapacity":4.0}"#).await;
    assert_ne!(initial, ordered);
    assert_eq!(send("GET", "", "").await.1, ordered);
    let claim = r#"{"scalingStatus":"InProgress"}"#;
    let (status, claimed, _) = send("PATCH", &ordered, claim).await;
    assert_eq!(status, 200);
    // A second owner that saw the same order, and a newer order while the first is in progress.
    assert_eq!(send("PATCH", &ordered, claim).await.0, 412);
    let (_, newer, _) = send("PATCH", "", r#"{"desiredCapacity":8.0}"#).await;
    let echo = r#"{"desiredCapacity":4.0,"actualCapacity":4.0,"scalingStatus":"Successful"}"#;
    let (status, present, body) = send("PATCH", &claimed, echo).await;
    assert_eq!((status, &present), (412, &newer));
    assert_eq!(
        (&body["desiredCapacity"], &body["scalingStatus"]),
        (&json!(8.0), &json!("Pending"))
    );
    assert_eq!(send("GET", "", "").await.2, state("a", 1.0, 8.0, "Pending"));
}

#[tokio::test]
async fn the_list_pages_through_what_is_stored_and_moves_nothing() {
    let server = TestServer::start().await;
    for id in 0..5 {
        let path = format!("/v1/scalableTargetDimensions/d{id}");
        server
            .send("PATCH", &path, r#"{"desiredCapacity":2.0}"#)
            .await;
        // In demo mode, reading some of them moves them on.
        for _ in 0..id {
            server.get(&path).await;
        }
    }
    for root in ["/scalableTargetDimensions", "/v1/scalableTargetDimensions"] {
        let listed = async |filter: &str| {
            let (mut found, mut token) = (Vec::new(), String::new());
            loop {
                let page = server
                    .get(&format!("{root}?limit=2&other=1{filter}{token}"))
                    .await;
                assert_eq!(page.status, 200, "{}", page.text);
                let dimensions = page.body["dimensions"].as_array().unwrap();
                assert!(dimensions.len() <= 2, "{}", page.text);
                found.extend(dimensions.iter().cloned());
                match page.body["next_token"].as_str() {
                    Some(next) => token = format!("&next_token={next}"),
                    None => break,
                }
            }
            found.sort_by_key(|dimension| dimension["scalableTargetDimensionId"].to_string());
            found
        };
        let all = listed("").await;
        let ids: Vec<&Value> = all
            .iter()
            .map(|d| &d["scalableTargetDimensionId"])
            .collect();
        assert_eq!(ids, ["d0", "d1", "d2", "d3", "d4"]);
        let statuses: Vec<&Value> = all.iter().map(|d| &d["scalingStatus"]).collect();
        assert_eq!(
            statuses,
            [
                "Pending",
                "InProgress",
                "Successful",
                "Successful",
                "Successful"
            ]
        );
        assert_eq!(listed("&scalingStatus=Successful").await, all[2..]);
        assert_eq!(listed("&scalingStatus=Failed").await, [] as [Value; 0]);
        let mut first = all[0].clone();
        let updated_at = first.as_object_mut().unwrap().remove("updatedAt").unwrap();
        assert!(
            updated_at
                .as_str()
                .is_some_and(|time| time.len() == 24 && time.ends_with('Z')),
            "{updated_at}"
        );
        assert_eq!(first, state("d0", 1.0, 2.0, "Pending"));
    }
}

#[tokio::test]
async fn writers_at_once_lose_no_field_of_each_other() {
    let server = Binary::start_with(&["--in-memory"], &[("SCALING_MODE", "production")]).await;
    for round in 1..=10 {
        let path = format!("/v1/scalableTargetDimensions/{round}");
        // Each field has its own writers, and all of them send the same last value.
        let bodies = [r#"{"actualCapacity":7.0}"#, r#"{"desiredCapacity":9.0}"#];
        let writers = (0..40)
            .map(|number| client::send(server.address(), "PATCH", &path, bodies[number % 2]));
        let statuses: Vec<u16> = futures_util::future::join_all(writers)
            .await
            .iter()
            .map(|answer| answer.status)
            .collect();
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        let seen = client::send(server.address(), "GET", &path, "").await.body;
        assert_eq!(seen, state(&round.to_string(), 7.0, 9.0, "Pending"));
    }
}

#[tokio::test]
async fn looking_at_unknown_dimensions_stores_nothing() {
    let server = TestServer::start().await;
    let scan = async || {
        let headers = [
            ("x-amz-target", "DynamoDB_20120810.Scan"),
            ("content-type", "application/x-amz-json-1.0"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
            ),
            ("x-amz-date", "20260101T000000Z"),
        ];
        let address = server
            .aws_endpoint_url()
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap();
        let scanned = client::send_with(
            address,
            "POST",
            "/",
            &headers,
            r#"{"TableName":"fleet-dimensions"}"#,
        )
        .await;
        assert_eq!(scanned.status, 200, "{}", scanned.text);
        scanned.body["Count"].as_u64().unwrap()
    };
    for id in 0..50 {
        assert_eq!(
            server
                .get(&format!("/v1/scalableTargetDimensions/{id}"))
                .await
                .status,
            200
        );
    }
    server
        .send(
            "PATCH",
            "/v1/scalableTargetDimensions/0",
            r#"{"desiredCapacity":1.0}"#,
        )
        .await;
    assert_eq!(scan().await, 0);
    server
        .send(
            "PATCH",
            "/v1/scalableTargetDimensions/0",
            r#"{"desiredCapacity":2.0}"#,
        )
        .await;
    assert_eq!(scan().await, 1);
}
