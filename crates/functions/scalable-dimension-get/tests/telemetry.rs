//! The metrics and the trace of the function's binary, read as CloudWatch and X-Ray's daemon read them.

use std::{net::UdpSocket, time::Duration};

use fleet_testing::{FakeAws, TestEvent, emf, runtime};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_scalable-dimension-get");

/// A sampled trace, as Lambda passes it.
const TRACE: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0";

/// Refuses the first call, then returns a dimension that has been waiting since 2026-01-05.
async fn store() -> FakeAws {
    let text = |text: &str| json!({ "S": text });
    let item = json!({
        "scalableTargetDimensionId": text("CANARY-1"), "actualCapacity": text("1.0"), "desiredCapacity": text("4.0"),
        "scalingStatus": text("InProgress"), "revision": {"N": "2"}, "writeId": text("w-2"),
        "updatedAt": text("2026-01-05T08:00:00.000Z"),
    });
    let throttled = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
    FakeAws::start([
        (400, json!({ "__type": throttled, "message": "CANARY-2" })),
        (200, json!({ "Item": item })),
    ])
    .await
}

/// Requests the dimension. Returns the log's lines.
async fn ask(more: &[(&str, &str)], trace: Option<&str>) -> Vec<String> {
    let store = store().await;
    let settings = [
        runtime::DIMENSIONS,
        &store.settings(),
        &[
            ("SCALING_MODE", "production"),
            ("METRICS_NAMESPACE", "FleetApi/test"),
        ],
        more,
    ]
    .concat();
    let event = TestEvent::read("get-scalable-dimension")
        .path_parameter("scalableTargetDimensionId", "CANARY-1")
        .to_json();
    let invoked = runtime::invoke_traced(BINARY, &settings, &event, trace).await;
    assert_eq!(invoked.response["statusCode"], 200, "{}", invoked.log);
    invoked.log.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn capacities_store_calls_and_retries_are_metrics_of_the_requests_line() {
    let lines = ask(&[], None).await;
    let [line] = &lines[..] else {
        panic!("one line a request: {lines:?}")
    };
    let metrics = emf::read(line);
    let is = |key: &str, value: f64| {
        assert!(
            (emf::value(&metrics, key) - value).abs() < f64::EPSILON,
            "{key}: {line}"
        );
    };
    is("StoreCalls{}", 2.0);
    is("Retries{}", 1.0);
    is("ActualCapacity{dimension=CANARY-1}", 1.0);
    is("DesiredCapacity{dimension=CANARY-1}", 4.0);
    let waiting = emf::value(&metrics, "PendingSeconds{dimension=CANARY-1}");
    is("PendingSeconds{}", waiting);
    assert!(waiting > 86_400.0, "{line}");
    assert_eq!(metrics["PendingSeconds{}"].unit, "Seconds");
}

#[tokio::test]
async fn capacities_are_not_told_by_dimension_where_that_is_not_wanted() {
    let lines = ask(&[("METRICS_BY_DIMENSION", "false")], None).await;
    let metrics = emf::read(&lines[0]);
    assert!(metrics.contains_key("PendingSeconds{}"), "{metrics:?}");
    assert!(!lines[0].contains("CANARY"), "{}", lines[0]);
}

#[tokio::test]
async fn a_sampled_request_tells_the_daemon_of_each_call_and_never_a_value() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let lines = ask(&[("AWS_XRAY_DAEMON_ADDRESS", &address)], Some(TRACE)).await;
    let mut datagram = [0; 65_536];
    let length = daemon.recv(&mut datagram).unwrap();
    let text = std::str::from_utf8(&datagram[..length]).unwrap();
    let (header, document) = text.split_once('\n').unwrap();
    assert_eq!(header, r#"{"format":"json","version":1}"#);
    let document: Value = serde_json::from_str(document).unwrap();
    let id = document["id"].as_str().unwrap();
    assert!(
        id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(
        [
            &document["trace_id"],
            &document["parent_id"],
            &document["type"],
            &document["name"],
            &document["namespace"]
        ],
        [
            "1-5759e988-bd862e3fe1be46a994272793",
            "53995c3f42cd8ad8",
            "subsegment",
            "DynamoDB",
            "aws"
        ]
    );
    assert_eq!(
        document["aws"],
        json!({"operation": "GetItem", "retries": 1, "table_name": "fleet-dimensions", "request_id": "aws-request-1"})
    );
    assert_eq!(document["http"]["response"]["status"], 200);
    assert!(document["end_time"].as_f64().unwrap() >= document["start_time"].as_f64().unwrap());
    assert!(!text.contains("CANARY"), "{text}");
    daemon.set_nonblocking(true).unwrap();
    assert!(
        daemon.recv(&mut datagram).is_err(),
        "one subsegment a call, with its attempts"
    );
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
}

#[tokio::test]
async fn an_unsampled_request_and_one_without_a_daemon_tell_nothing_and_are_answered() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let unsampled = TRACE.replace("Sampled=1", "Sampled=0");
    let lines = ask(&[("AWS_XRAY_DAEMON_ADDRESS", &address)], Some(&unsampled)).await;
    daemon.set_nonblocking(true).unwrap();
    assert!(daemon.recv(&mut [0; 64]).is_err());
    // The id is still useful: a client may know it.
    assert!(lines[0].contains("1-5759e988-bd862e3fe1be46a994272793"));
    assert_eq!(ask(&[], Some(TRACE)).await.len(), 1);
    assert_eq!(
        ask(&[("AWS_XRAY_DAEMON_ADDRESS", "nowhere")], Some(TRACE))
            .await
            .len(),
        1
    );
}
