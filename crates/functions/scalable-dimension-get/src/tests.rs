//! The handler with events of API Gateway, over a dimension in memory.

use fleet_core::scaling::{Capacity, Dimension, DimensionNames, ScalingStatus, demo::DemoOutcome};
use fleet_core::settings::{ScalingMode, ScalingSettings};
use fleet_testing::{OneDimension, TestEvent};
use serde_json::{Value, json};

use crate::GetDimensionFunction;

/// The function over a dimension that was just told to scale from 1 to 2.
fn pending(mode: ScalingMode) -> GetDimensionFunction<OneDimension> {
    let state = Dimension {
        desired: Capacity::new(2.0).unwrap(),
        status: ScalingStatus::Pending,
        ..Dimension::INITIAL
    };
    GetDimensionFunction::new(
        OneDimension::new(state),
        ScalingSettings {
            mode,
            names: DimensionNames::default(),
        },
    )
}

async fn looked(function: &GetDimensionFunction<OneDimension>) -> (Value, Value, Option<Value>) {
    let (status, body) = TestEvent::read("get-scalable-dimension")
        .send(function)
        .await
        .parts();
    assert_eq!(status, 200, "{body}");
    (
        body["scalingStatus"].clone(),
        body["actualCapacity"].clone(),
        body.get("failureReason").cloned(),
    )
}

#[tokio::test]
async fn a_dimension_answers_all_its_keys() {
    for route in ["get-scalable-dimension", "get-v1-scalable-dimension"] {
        let names = DimensionNames {
            version: "1.0".into(),
            resource_name: "Shop".into(),
            dimension_name: "Desks".into(),
        };
        let settings = ScalingSettings {
            mode: ScalingMode::Production,
            names,
        };
        let answer = TestEvent::read(route)
            .send(&GetDimensionFunction::new(
                OneDimension::new(Dimension::INITIAL),
                settings,
            ))
            .await;
        assert_eq!(answer.response.headers["etag"], "\"initial\"");
        let expected = json!({
            "scalableTargetDimensionId": "1-23456789",
            "version": "1.0",
            "resourceName": "Shop",
            "dimensionName": "Desks",
            "actualCapacity": 1.0,
            "desiredCapacity": 1.0,
            "scalingStatus": "Successful",
        });
        assert_eq!(answer.parts(), (200, expected));
    }
}

#[tokio::test]
async fn in_demo_mode_every_look_is_a_step() {
    let function = pending(ScalingMode::Demo(DemoOutcome::Succeed));
    assert_eq!(
        looked(&function).await,
        (json!("InProgress"), json!(1.0), None)
    );
    assert_eq!(
        looked(&function).await,
        (json!("Successful"), json!(2.0), None)
    );
    assert_eq!(
        looked(&function).await,
        (json!("Successful"), json!(2.0), None)
    );
}

#[tokio::test]
async fn in_demo_mode_a_test_failure_stays() {
    let function = pending(ScalingMode::Demo(DemoOutcome::Fail));
    assert_eq!(
        looked(&function).await,
        (json!("InProgress"), json!(1.0), None)
    );
    let failed = (
        json!("Failed"),
        json!(1.0),
        Some(json!(
            "Scaling fails on purpose while SCALING_TEST_FAILURE is true."
        )),
    );
    assert_eq!(looked(&function).await, failed);
    assert_eq!(looked(&function).await, failed);
}

#[tokio::test]
async fn in_demo_mode_a_step_changes_the_tag_and_a_look_at_the_end_does_not() {
    let function = pending(ScalingMode::Demo(DemoOutcome::Succeed));
    let mut tags = Vec::new();
    for _ in 0..3 {
        let answer = TestEvent::read("get-scalable-dimension")
            .send(&function)
            .await;
        tags.push(answer.response.headers["etag"].to_str().unwrap().to_owned());
    }
    assert_ne!(tags[0], tags[1]);
    assert_eq!(tags[1], tags[2]);
}

#[tokio::test]
async fn in_production_mode_a_look_changes_nothing() {
    let function = pending(ScalingMode::Production);
    assert_eq!(
        looked(&function).await,
        (json!("Pending"), json!(1.0), None)
    );
    assert_eq!(
        looked(&function).await,
        (json!("Pending"), json!(1.0), None)
    );
}

/// The event is as recorded from AWS, with the id encoded.
#[tokio::test]
async fn an_encoded_id_is_decoded() {
    for (raw, id) in [("a%20b", "a b"), ("a%2525", "a%25")] {
        let (status, body) = TestEvent::read("get-scalable-dimension")
            .raw_path_parameter("scalableTargetDimensionId", raw)
            .send(&pending(ScalingMode::Production))
            .await
            .parts();
        assert_eq!(
            (status, &body["scalableTargetDimensionId"]),
            (200, &json!(id))
        );
    }
}

#[tokio::test]
async fn a_rehearsal_reads_a_dimension() {
    for mode in [
        ScalingMode::Production,
        ScalingMode::Demo(DemoOutcome::Succeed),
    ] {
        assert_eq!(fleet_http::rehearsal(&pending(mode)).await, Some(200));
    }
}
