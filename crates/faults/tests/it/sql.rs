//! SQL in every field is text.

use fleet_core::settings::ScalingMode;
use fleet_faults::{FaultRun, Functions, Stores};
use serde_json::{Value, json};

const PAYLOADS: [&str; 16] = [
    "'; DROP TABLE ec2; --",
    "' OR '1'='1",
    "') ON DUPLICATE KEY UPDATE aws_region=('x",
    "x'), ('y', 'y', 'y', NOW(), 'y') -- ",
    "\\'; DELETE FROM ec2; #",
    "\"; DROP TABLE ec2_package; --",
    "`; TRUNCATE ec2; `",
    "1 UNION SELECT add_token FROM ec2",
    ":id",
    ":token",
    "?",
    "?1",
    "/* x */ SELECT SLEEP(9)",
    "%' AND 1=1 AND '%'='",
    "_%",
    "SELECT X'00'",
];

/// The payload cut to the length of the field.
fn cut(payload: &str, max: usize) -> String {
    payload
        .chars()
        .take(max)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_in_every_field_is_text() {
    let run = FaultRun::of("SQL in every field");
    let stores = Stores::start().await;
    let functions = Functions::new(&stores.config(), ScalingMode::Production);
    let record = |payload: &str| {
        let package =
            json!({"package_name": cut(payload, 100), "package_version": cut(payload, 50)});
        json!({"aws_region": cut(payload, 30), "aws_account": cut(payload, 13), "packages": [package]})
    };
    for payload in PAYLOADS {
        let id = cut(payload, 255);
        let new = record(payload);
        let added = functions.instance("POST", &id, Some(&new)).await;
        assert_eq!(
            (added.status, &added.body),
            (200, &json!({ "new_record": new }))
        );
        let again = functions.instance("POST", &id, Some(&new)).await;
        assert!(
            again.status == 400 && again.text.contains("Duplicate entry"),
            "{}",
            again.text
        );

        let state = json!({"scalingStatus": "Failed", "failureReason": payload.trim()});
        let id = payload.replace('/', "");
        let patched = functions.dimension("PATCH", &id, Some(&state)).await;
        assert_eq!(
            (patched.status, &patched.body["failureReason"]),
            (200, &json!(payload.trim()))
        );
        assert_eq!(
            functions.dimension("GET", &id, None).await.body,
            patched.body
        );
    }
    let stored = (
        stores.count("SELECT COUNT(*) FROM ec2").await,
        stores.count("SELECT COUNT(*) FROM ec2_package").await,
    );
    assert_eq!(stored, (PAYLOADS.len() as i64, PAYLOADS.len() as i64));

    for payload in PAYLOADS {
        let id = cut(payload, 255);
        let read = functions.instance("GET", &id, None).await;
        let new = record(payload);
        let stored = &read.body["record"];
        assert_eq!(
            (
                &stored["aws_instance_id"],
                &stored["aws_region"],
                &stored["packages"]
            ),
            (&json!(id), &new["aws_region"], &new["packages"])
        );
        let package = &new["packages"][0];
        for filter in [
            json!({"aws_region": [new["aws_region"]]}),
            json!({"aws_account": [new["aws_account"]]}),
            json!({"package_name": [package["package_name"]]}),
            json!({"package_name": [package["package_name"]], "package_version": [package["package_version"]]}),
        ] {
            let found = functions.list(&filter).await;
            assert_eq!(found.status, 200, "{}", found.text);
            let found: Vec<&Value> = found.body["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| &record["aws_instance_id"])
                .collect();
            assert_eq!(found, [&json!(id)], "{filter}");
        }
        assert_eq!(
            functions
                .list(&json!({ "next_token": [payload] }))
                .await
                .status,
            400
        );
        assert_eq!(functions.list(&json!({ payload: ["x"] })).await.status, 400);
    }
    for payload in PAYLOADS {
        assert_eq!(
            functions
                .instance("DELETE", &cut(payload, 255), None)
                .await
                .body,
            json!({"record_deleted": true})
        );
    }
    assert_eq!(stores.count("SELECT COUNT(*) FROM ec2_package").await, 0);
    run.report(format_args!(
        "{} texts in 10 fields, each of them text",
        PAYLOADS.len()
    ));
    stores.stop().await;
}
