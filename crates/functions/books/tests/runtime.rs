//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, emf, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_books");

#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let answer = runtime::invoke(BINARY, &[], &TestEvent::read("get-books")).await;
    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["content-type"]),
        (&200.into(), &"application/json".into())
    );
    let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body.as_array().map(Vec::len), Some(6));
}

const METRICS: &[(&str, &str)] = &[("METRICS_NAMESPACE", "FleetApi/test")];

#[tokio::test]
async fn a_requests_own_line_has_its_metrics() {
    let event = TestEvent::read("get-book")
        .path_parameter("id", "1")
        .to_json();
    let log = runtime::invoke_raw(BINARY, METRICS, &event).await.log;
    let lines: Vec<_> = log.lines().collect();
    let [line] = lines[..] else {
        panic!("one line a request: {log}")
    };
    let metrics = emf::read(line);
    let names: Vec<_> = metrics.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ColdStarts{}",
            "Latency{function=books}",
            "Requests{function=books}"
        ]
    );
    let request = &metrics["Requests{function=books}"];
    assert_eq!(
        (
            request.namespace.as_str(),
            request.unit.as_str(),
            request.values.as_slice()
        ),
        ("FleetApi/test", "Count", &[1.0][..])
    );
    assert!(
        line.contains(r#""message":"request""#) && line.contains(r#""status":200"#),
        "{line}"
    );
}

#[tokio::test]
async fn an_error_is_counted_by_its_code() {
    let event = TestEvent::read("get-book")
        .path_parameter("id", "99")
        .to_json();
    let log = runtime::invoke_raw(BINARY, METRICS, &event).await.log;
    let metrics = emf::read(log.trim());
    assert!(metrics.contains_key("Errors{code=NotFound}"), "{metrics:?}");
}

#[tokio::test]
async fn nothing_is_measured_without_a_namespace_and_a_wrong_one_stops_the_start() {
    let event = TestEvent::read("get-books").to_json();
    let log = runtime::invoke_raw(BINARY, &[], &event).await.log;
    assert_eq!(emf::read(log.trim()).len(), 0);
    let sentence = runtime::refusal(BINARY, &[("METRICS_NAMESPACE", "AWS/Lambda")]).await;
    assert!(
        sentence.contains("cannot start: The environment variable METRICS_NAMESPACE must be"),
        "{sentence}"
    );
}
