//! Monitoring of waiting dimensions: the events that a rule in template.yaml sends, and the resulting metric.

use fleet_testing::{FakeAws, emf, runtime};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_scalable-dimension-list");

/// The events of the rule, in the template's order.
fn events() -> Vec<String> {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../template.yaml");
    let template = std::fs::read_to_string(template).expect("the template can be read");
    let inputs = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Input: '"));
    inputs
        .map(|input| input.trim_end_matches('\'').to_owned())
        .filter(|input| input.contains("/v1/scalableTargetDimensions"))
        .collect()
}

#[tokio::test]
async fn what_waits_is_measured_by_the_rules_events() {
    let events = events();
    assert_eq!(events.len(), 2, "Pending and InProgress: {events:?}");
    for (event, status) in events.iter().zip(["Pending", "InProgress"]) {
        assert!(event.contains(&format!(r#""{status}""#)), "{event}");
        let text = |text: &str| json!({ "S": text });
        let item = |id: &str, updated_at: &str| {
            json!({
                "scalableTargetDimensionId": text(id), "actualCapacity": text("1.0"), "desiredCapacity": text("4.0"),
                "scalingStatus": text(status), "revision": {"N": "1"}, "writeId": text("w"), "updatedAt": text(updated_at),
            })
        };
        let items = [
            item("a", "2026-01-05T08:00:00.000Z"),
            item("b", "2026-01-04T08:00:00.000Z"),
        ];
        let store = FakeAws::start([(200, json!({ "Items": items }))]).await;
        let settings = [
            runtime::DIMENSIONS,
            &store.settings(),
            &[("METRICS_NAMESPACE", "FleetApi/test")],
        ]
        .concat();
        let invoked = runtime::invoke_raw(BINARY, &settings, event).await;
        assert_eq!(invoked.response["statusCode"], 200, "{}", invoked.log);
        let metrics = emf::read(invoked.log.trim());
        let [longest, other] = metrics["PendingSeconds{}"].values[..] else {
            panic!("{metrics:?}")
        };
        let day = longest - other;
        assert!((86_399.0..86_401.0).contains(&day), "{day}");
    }
}
