//! The handler with events of API Gateway, over a store in memory.

use std::{sync::Mutex, time::Duration};

use fleet_core::{
    inventory::{AddError, AddInstance, NewInstance},
    store::{Store, StoreError},
};
use fleet_testing::{TestEvent, TestResponse};
use serde_json::{Value, json};

use crate::AddInstanceFunction;

/// Stores instances, or fails as configured.
#[derive(Default)]
struct MemoryStore {
    kept: Mutex<Vec<NewInstance>>,
    failure: Option<fn() -> AddError>,
}

impl AddInstance for MemoryStore {
    async fn add(&self, new: &NewInstance) -> Result<(), AddError> {
        if let Some(failure) = self.failure {
            return Err(failure());
        }
        let mut kept = self.kept.lock().unwrap();
        if kept.iter().any(|instance| instance.id == new.id) {
            return Err(AddError::Duplicate);
        }
        kept.push(new.clone());
        Ok(())
    }
}

fn event() -> TestEvent {
    TestEvent::read("post-ec2-instance")
}

async fn send(event: TestEvent) -> TestResponse {
    event
        .send(&AddInstanceFunction::new(MemoryStore::default()))
        .await
}

/// The error for a body; checks that both keys contain it and that nothing is stored.
async fn refusal(event: TestEvent) -> String {
    let add = AddInstanceFunction::new(MemoryStore::default());
    let (status, body) = event.send(&add).await.parts();
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["message"], body["error_message"]);
    assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert!(add.store.kept.lock().unwrap().is_empty());
    body["message"].as_str().unwrap().to_owned()
}

async fn body_refusal(body: Value) -> String {
    refusal(event().body(body.to_string())).await
}

#[tokio::test]
async fn add_answers_the_new_record() {
    let expected = json!({"new_record": {
        "aws_account": "123456789012",
        "aws_region": "us-east-1",
        "packages": [
            {"package_name": "package-1", "package_version": "v1"},
            {"package_name": "package-1", "package_version": "v2"},
        ],
    }});
    assert_eq!(send(event()).await.parts(), (200, expected));
}

#[tokio::test]
async fn packages_may_be_missing_or_empty_and_repeats_are_dropped() {
    let packages = async |body: Value| {
        send(event().body(body.to_string())).await.parts().1["new_record"]["packages"].clone()
    };
    assert_eq!(
        packages(json!({"aws_region": "r", "aws_account": "a"})).await,
        json!([])
    );
    assert_eq!(
        packages(json!({"aws_region": "r", "aws_account": "a", "packages": []})).await,
        json!([])
    );
    let (b, a) = (
        json!({"package_name": "b", "package_version": "1"}),
        json!({"package_name": "a", "package_version": "1"}),
    );
    assert_eq!(
        packages(json!({"aws_region": "r", "aws_account": "a", "packages": [b, a, b]})).await,
        json!([b, a])
    );
}

#[tokio::test]
async fn add_answers_400_when_the_instance_exists() {
    let add = AddInstanceFunction::new(MemoryStore::default());
    assert_eq!(event().send(&add).await.status, 200);
    let (status, body) = event()
        .body(r#"{"aws_region":"other","aws_account":"other"}"#)
        .send(&add)
        .await
        .parts();
    assert_eq!((status, &body["code"]), (400, &json!("DuplicateInstance")));
    assert_eq!(
        body["message"],
        "The instance already exists: Duplicate entry 'instance-002' for key 'PRIMARY'."
    );
    assert_eq!(body["message"], body["error_message"]);
    let kept = add.store.kept.lock().unwrap();
    assert_eq!((kept.len(), kept[0].region.as_str()), (1, "us-east-1"));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let package = |name: Value, version: Value| json!({"aws_region": "r", "aws_account": "a", "packages": [{"package_name": name, "package_version": version}]});
    for (body, message) in [
        (json!({"aws_account": "a"}), "aws_region is missing."),
        (json!({"aws_region": "r"}), "aws_account is missing."),
        (
            json!({"aws_region": "", "aws_account": "a"}),
            "aws_region must not be empty.",
        ),
        (
            json!({"aws_region": "é".repeat(31), "aws_account": "a"}),
            "aws_region must be at most 30 characters long, but has 31.",
        ),
        (
            json!({"aws_region": "r", "aws_account": "1".repeat(14)}),
            "aws_account must be at most 13 characters long, but has 14.",
        ),
        (
            json!({"aws_region": "r", "aws_account": 123}),
            "aws_account must be a string, but is a number.",
        ),
        (
            json!({"aws_region": null, "aws_account": "a"}),
            "aws_region must be a string, but is null.",
        ),
        (
            json!({"aws_region": "r", "aws_account": "a", "x": 1}),
            "Unknown field `x`; allowed are aws_region, aws_account, packages.",
        ),
        (
            json!({"aws_region": "r", "aws_account": "a", "packages": "p"}),
            "packages must be a list, but is a string.",
        ),
        (
            json!({"aws_region": "r", "aws_account": "a", "packages": null}),
            "packages must be a list, but is null.",
        ),
        (
            json!({"aws_region": "r", "aws_account": "a", "packages": [["n", "v"]]}),
            "packages[0] must be an object, but is a list.",
        ),
        (
            package(json!("n"), json!("")),
            "packages[0].package_version must not be empty.",
        ),
        (
            package(json!("n".repeat(101)), json!("v")),
            "packages[0].package_name must be at most 100 characters long, but has 101.",
        ),
        (
            package(json!("n"), json!("v".repeat(51))),
            "packages[0].package_version must be at most 50 characters long, but has 51.",
        ),
        (
            package(json!("n"), json!(1.5)),
            "packages[0].package_version must be a string, but is a number.",
        ),
        (
            json!([]),
            "The request body must be a JSON object, but is a list.",
        ),
    ] {
        assert_eq!(body_refusal(body.clone()).await, message, "{body}");
    }
    assert_eq!(
        refusal(event().body("")).await,
        "The request body must be a JSON object, but is empty."
    );
    assert_eq!(
        refusal(event().base64_body("%%%")).await,
        "The request body must be valid base64."
    );
}

#[tokio::test]
async fn lengths_at_their_limits_are_taken() {
    let packages: Vec<Value> = (0..10_000)
        .map(|i| json!({"package_name": "n".repeat(100), "package_version": format!("{i:050}")}))
        .collect();
    let mut body =
        json!({"aws_region": "𝕏".repeat(30), "aws_account": "1".repeat(13), "packages": packages});
    let taken = send(
        event()
            .path_parameter("aws_instance_id", "𝕏".repeat(255))
            .body(body.to_string()),
    )
    .await;
    assert_eq!(taken.status, 200);
    body["packages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"package_name": "n", "package_version": "v"}));
    assert_eq!(
        body_refusal(body).await,
        "packages must have at most 10000 entries, but has 10001."
    );
}

#[tokio::test]
async fn the_id_is_any_printable_text() {
    for id in [
        "i-01aaae43feb712345",
        "I-A",
        "a/b",
        "..",
        "ид",
        "a b",
        "'; DROP TABLE ec2; --",
        "%2F",
    ] {
        assert_eq!(
            send(event().path_parameter("aws_instance_id", id))
                .await
                .status,
            200,
            "{id}"
        );
    }
    let refused = async |id: &str| refusal(event().path_parameter("aws_instance_id", id)).await;
    assert_eq!(
        refused("a\u{200B}").await,
        "aws_instance_id must be printable text, but its character 2 is U+200B."
    );
    assert_eq!(
        refused(&"x".repeat(256)).await,
        "aws_instance_id must be at most 255 characters long, but has 256."
    );
    assert_eq!(
        refused("a\0").await,
        "aws_instance_id must be printable text, but its character 2 is U+0000."
    );
    assert_eq!(
        refused(" a").await,
        "aws_instance_id must not begin or end with white space."
    );
}

/// Events recorded from AWS have the id percent-encoded, in the path and in the parameter.
#[tokio::test]
async fn the_id_is_decoded_exactly_once() {
    let sent = |raw: &str| event().raw_path_parameter("aws_instance_id", raw);
    for (raw, id) in [
        ("a%20b", "a b"),
        ("a%2525", "a%25"),
        ("d%2Fe", "d/e"),
        (&"%C3%A9".repeat(255), &*"é".repeat(255)),
    ] {
        let add = AddInstanceFunction::new(MemoryStore::default());
        assert_eq!(sent(raw).send(&add).await.status, 200);
        assert_eq!(add.store.kept.lock().unwrap()[0].id.as_str(), id);
    }
    for raw in [
        "%20x",
        "a%0Ab",
        "%00",
        "%FF",
        "%zz",
        "a%2",
        "%EF%BF%BD",
        "%E2%80%AE",
        "%C2%AD",
    ] {
        let sentence = refusal(sent(raw)).await;
        assert!(sentence.starts_with("aws_instance_id must "), "{sentence}");
    }
}

#[tokio::test]
async fn a_base64_body_is_decoded() {
    let taken = send(event().base64_body("eyJhd3NfcmVnaW9uIjoiciIsImF3c19hY2NvdW50IjoiYSJ9")).await;
    assert_eq!(
        taken.parts(),
        (
            200,
            json!({"new_record": {"aws_account": "a", "aws_region": "r", "packages": []}})
        )
    );
}

#[tokio::test]
async fn a_store_that_fails_shows_nothing_of_itself() {
    let failing = |failure| {
        AddInstanceFunction::new(MemoryStore {
            failure: Some(failure),
            ..MemoryStore::default()
        })
    };
    let resuming = || {
        AddError::Store(StoreError::Unavailable {
            store: Store::Inventory,
            retry_after: Duration::from_secs(15),
            source: "arn:aws:rds".into(),
        })
    };
    let answer = event().send(&failing(resuming)).await;
    assert_eq!(
        (
            answer.status,
            answer.response.headers["retry-after"].to_str().unwrap()
        ),
        (503, "15")
    );
    assert_eq!(
        answer.body["error_message"],
        "The service is temporarily unavailable. Try again in 15 s."
    );
    let fault = || {
        AddError::Store(StoreError::Fault {
            store: Store::Inventory,
            source: "SQL".into(),
        })
    };
    let (status, body) = event().send(&failing(fault)).await.parts();
    assert_eq!(
        (status, &body["message"]),
        (
            500,
            &json!("Internal error. It has been logged with this request id.")
        )
    );
}

#[tokio::test]
async fn an_unknown_query_parameter_is_named_and_nothing_is_added() {
    assert_eq!(
        refusal(event().query("dry_run=true")).await,
        "Unknown query parameter `dry_run`; none are allowed."
    );
}

#[tokio::test]
async fn a_rehearsal_adds_an_instance_with_a_package() {
    let function = AddInstanceFunction::new(MemoryStore::default());
    assert_eq!(fleet_http::rehearsal(&function).await, Some(200));
    let kept = function.store.kept.lock().unwrap();
    assert_eq!(kept[0].packages.as_slice().len(), 1);
}
