//! The local Application Auto Scaling on the local API: definitions, and scaling with a fast clock.

use std::{net::SocketAddr, time::Duration};

use fleet_local_aws::ScalingPace;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{
    client::{self, ServerAnswer},
    support::TestServer,
};

/// Far longer than anything here takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);
const SCALING: &str = "AnyScaleFrontendService";
const CLOUDWATCH: &str = "GraniteServiceVersion20100801";

async fn start() -> TestServer {
    TestServer::start_with(|options| options.pace = fast()).await
}

fn fast() -> ScalingPace {
    ScalingPace {
        period: Duration::from_millis(100),
        poll: Duration::from_millis(20),
    }
}

async fn ask(server: &TestServer, service: &str, operation: &str, body: Value) -> ServerAnswer {
    let url = server.aws_endpoint_url();
    let address: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    let target = format!("{service}.{operation}");
    let headers = [
        ("x-amz-target", target.as_str()),
        ("authorization", "AWS4-HMAC-SHA256 Credential=any"),
    ];
    client::send_with(address, "POST", "/", &headers, body.to_string()).await
}

/// Calls an operation on a target, which must succeed.
async fn scaling(server: &TestServer, operation: &str, id: &str, mut body: Value) -> Value {
    body["ServiceNamespace"] = json!("custom-resource");
    body["ResourceId"] = json!(id);
    body["ScalableDimension"] = json!("custom-resource:ResourceType:Property");
    let answer = ask(server, SCALING, operation, body).await;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
    answer.body
}

async fn cloudwatch(server: &TestServer, operation: &str, body: Value) {
    let answer = ask(server, CLOUDWATCH, operation, body).await;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
}

fn id(server: &TestServer) -> String {
    format!("http://{}/scalableTargetDimensions/1", server.address())
}

async fn register(server: &TestServer, id: &str) {
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 10});
    scaling(server, "RegisterScalableTarget", id, bounds).await;
}

/// Publishes a value until the dimension reaches the desired capacity.
async fn publish_until(server: &TestServer, value: f64, desired: f64) {
    let reached = async {
        loop {
            let data = json!({
                "Namespace": "MyService",
                "MetricData": [{"MetricName": "Utilization", "Value": value}],
            });
            cloudwatch(server, "PutMetricData", data).await;
            let state = server.get("/scalableTargetDimensions/1").await.body;
            if state["desiredCapacity"] == desired {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap();
}

/// Waits for an activity with this description, and returns it.
async fn activity(server: &TestServer, id: &str, description: &str) -> Value {
    let found = async {
        loop {
            let told = scaling(server, "DescribeScalingActivities", id, json!({})).await;
            let activities = told["ScalingActivities"].as_array().unwrap();
            let done = activities.iter().find(|activity| {
                activity["Description"] == description && activity.get("EndTime").is_some()
            });
            if let Some(done) = done {
                return done.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

#[tokio::test]
async fn target_tracking_scales_by_what_is_published() {
    let server = start().await;
    let id = id(&server);
    register(&server, &id).await;
    let policy = json!({
        "PolicyName": "half-busy",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 50.0,
            "CustomizedMetricSpecification": {"Namespace": "MyService", "MetricName": "Utilization", "Statistic": "Average"},
        },
    });
    let put = scaling(&server, "PutScalingPolicy", &id, policy).await;
    assert!(
        put["PolicyARN"]
            .as_str()
            .unwrap()
            .contains(":policyName/half-busy")
    );
    assert_eq!(put["Alarms"].as_array().unwrap().len(), 2);
    publish_until(&server, 200.0, 4.0).await;
    let done = activity(&server, &id, "Setting desired capacity to 4.").await;
    assert_eq!(done["StatusCode"], "Successful");
    assert!(
        done["Cause"]
            .as_str()
            .unwrap()
            .ends_with("in state ALARM triggered policy half-busy"),
        "{done}"
    );
}

#[tokio::test]
async fn metric_math_divides_a_total_by_the_capacity() {
    let server = start().await;
    let id = id(&server);
    register(&server, &id).await;
    let policy = |expression: &str| {
        let metric = |id: &str, stat: &str, namespace: &str, name: &str, dimensions: Value| {
            json!({"Id": id, "ReturnData": false, "MetricStat": {"Stat": stat, "Metric": {
                "Namespace": namespace, "MetricName": name, "Dimensions": dimensions,
            }}})
        };
        let dimensions = json!([{"Name": "dimension", "Value": "1"}]);
        json!({
            "PolicyName": "per-unit",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 50.0,
                "CustomizedMetricSpecification": {"Metrics": [
                    {"Id": "perUnit", "Expression": expression},
                    {"Id": "capacity", "ReturnData": false, "Expression": "FILL(measured, REPEAT)"},
                    metric("measured", "Maximum", "FleetApi/local", "ActualCapacity", dimensions),
                    metric("total", "Average", "MyService", "Utilization", json!([])),
                ]},
            },
        })
    };
    let mut refused = policy("total / RATE(capacity)");
    refused["ServiceNamespace"] = json!("custom-resource");
    refused["ResourceId"] = json!(id);
    refused["ScalableDimension"] = json!("custom-resource:ResourceType:Property");
    let answer = ask(&server, SCALING, "PutScalingPolicy", refused).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .text
            .contains("the function RATE is not available here"),
        "{}",
        answer.text
    );
    let taken = policy("total / IF(capacity < 1, 1, capacity)");
    scaling(&server, "PutScalingPolicy", &id, taken).await;
    // 200 for one unit become 50 for each of four, where it stays.
    publish_until(&server, 200.0, 4.0).await;
    activity(&server, &id, "Setting desired capacity to 4.").await;
    for _ in 0..20 {
        publish_until(&server, 200.0, 4.0).await;
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn step_scaling_scales_by_its_own_alarm() {
    let server = start().await;
    let id = id(&server);
    register(&server, &id).await;
    let policy = json!({
        "PolicyName": "busy",
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 3},
            ],
        },
    });
    let put = scaling(&server, "PutScalingPolicy", &id, policy).await;
    let alarm = json!({
        "AlarmName": "too-busy",
        "Namespace": "MyService",
        "MetricName": "Utilization",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 70.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [put["PolicyARN"]],
    });
    cloudwatch(&server, "PutMetricAlarm", alarm).await;
    publish_until(&server, 95.0, 4.0).await;
    let done = activity(&server, &id, "Setting desired capacity to 4.").await;
    assert_eq!(
        done["Cause"],
        "monitor alarm too-busy in state ALARM triggered policy busy"
    );
}

#[tokio::test]
async fn a_scheduled_action_and_new_bounds_bring_the_capacity_back() {
    let server = start().await;
    // The local API stands in for the one on AWS.
    let id = "https://abc.execute-api.us-east-1.amazonaws.com/dev/scalableTargetDimensions/1";
    register(&server, id).await;
    let action = json!({
        "ScheduledActionName": "more",
        "Schedule": "rate(1 minute)",
        "StartTime": 1_600_000_000.0,
        "ScalableTargetAction": {"MinCapacity": 3},
    });
    scaling(&server, "PutScheduledAction", id, action).await;
    let described = scaling(&server, "DescribeScheduledActions", id, json!({})).await;
    assert_eq!(
        described["ScheduledActions"][0]["Schedule"],
        "rate(1 minute)"
    );
    let bounds = json!({"MinCapacity": 2});
    scaling(&server, "RegisterScalableTarget", id, bounds).await;
    let done = activity(&server, id, "Setting desired capacity to 2.").await;
    assert_eq!(done["Cause"], "minimum capacity was set to 2");
    let state = server.get("/scalableTargetDimensions/1").await.body;
    assert_eq!(state["desiredCapacity"], 2.0);
}

#[tokio::test]
async fn what_is_defined_outlives_the_server_until_it_is_taken_back() {
    let folder = TempDir::new().unwrap();
    let start = || {
        TestServer::start_with(|options| {
            options.in_memory = false;
            options.data_dir = folder.path().to_owned();
        })
    };
    let id = "https://abc.execute-api.us-east-1.amazonaws.com/dev/scalableTargetDimensions/1";
    let server = start().await;
    register(&server, id).await;
    server.stop().await;

    let server = start().await;
    let list = scaling(&server, "DescribeScalableTargets", id, json!({})).await;
    let target = &list["ScalableTargets"][0];
    assert_eq!(
        (
            &target["ResourceId"],
            &target["MinCapacity"],
            &target["MaxCapacity"]
        ),
        (&json!(id), &json!(1), &json!(10))
    );
    let arn = target["ScalableTargetARN"].clone();
    let tag = json!({"ResourceARN": arn, "Tags": {"team": "render"}});
    assert_eq!(ask(&server, SCALING, "TagResource", tag).await.status, 200);
    let tags = ask(
        &server,
        SCALING,
        "ListTagsForResource",
        json!({"ResourceARN": arn}),
    )
    .await;
    assert_eq!(tags.body, json!({"Tags": {"team": "render"}}));
    scaling(&server, "DeregisterScalableTarget", id, json!({})).await;
    let list = scaling(&server, "DescribeScalableTargets", id, json!({})).await;
    assert_eq!(list, json!({"ScalableTargets": []}));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_told() {
    let server = start().await;
    let (here, key) = (id(&server), "custom-resource:ResourceType:Property");
    let request = |id: &str, namespace: &str| json!({"ServiceNamespace": namespace, "ScalableDimension": key, "ResourceId": id, "MinCapacity": 1, "MaxCapacity": 2});
    let mut upside_down = request(&here, "custom-resource");
    upside_down["MinCapacity"] = json!(3);
    for (operation, body, kind, words) in [
        (
            "RegisterScalableTarget",
            request(&here, "ecs"),
            "ValidationException",
            "scales only custom-resource",
        ),
        (
            "RegisterScalableTarget",
            upside_down,
            "ValidationException",
            "Minimum capacity cannot be greater",
        ),
        (
            "RegisterScalableTarget",
            request(
                "http://192.0.2.1/scalableTargetDimensions/1",
                "custom-resource",
            ),
            "ValidationException",
            "must be a dimension of this machine",
        ),
        (
            "RegisterScalableTarget",
            request(
                &format!("http://{}/v1/health", server.address()),
                "custom-resource",
            ),
            "ValidationException",
            "breaks the contract",
        ),
        (
            "DeregisterScalableTarget",
            request(&here, "custom-resource"),
            "ObjectNotFoundException",
            "No scalable target registered",
        ),
        (
            "GetPredictiveScalingForecast",
            json!({}),
            "UnknownOperationException",
            "does not answer",
        ),
    ] {
        let answer = ask(&server, SCALING, operation, body).await;
        assert_eq!(answer.status, 400, "{operation}");
        assert_eq!(answer.body["__type"], kind, "{}", answer.text);
        assert!(
            answer.body["message"].as_str().unwrap().contains(words),
            "{}",
            answer.text
        );
    }
}
