//! The function's binary under the Lambda Runtime API, with an issuer on loopback.

use fleet_testing::{
    issuer::{AUDIENCE, Issuer, IssuerBehavior, SigningKey},
    runtime,
};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_jwt-authorizer");

/// API Gateway's event for an authorizer of the type REQUEST.
fn event(authorization: Option<&str>) -> String {
    let values: Vec<_> = authorization.into_iter().collect();
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/GET/ec2/i-1",
        "resource": "/ec2/{aws_instance_id}",
        "path": "/ec2/i-1",
        "httpMethod": "GET",
        "headers": {"Authorization": values.last(), "Host": "a1b2c3.execute-api.us-east-1.amazonaws.com"},
        "multiValueHeaders": {"Authorization": values, "Host": ["a1b2c3.execute-api.us-east-1.amazonaws.com"]},
        "queryStringParameters": null,
        "pathParameters": {"aws_instance_id": "i-1"},
        "stageVariables": null,
        "requestContext": {"resourcePath": "/ec2/{aws_instance_id}", "httpMethod": "GET", "requestId": "request-1",
            "stage": "prod", "apiId": "a1b2c3"}
    })
    .to_string()
}

async fn attempt(issuer: &Issuer, event: &str) -> (Result<Value, String>, String) {
    let settings = [
        ("JWT_ISSUER", issuer.url()),
        ("JWT_AUDIENCE", AUDIENCE),
        ("METRICS_NAMESPACE", "FleetApi/test"),
    ];
    runtime::attempt(BINARY, &settings, event, None).await
}

#[tokio::test]
async fn a_good_token_is_a_policy_and_no_line() {
    let key = SigningKey::curve("key-1");
    let issuer = Issuer::start(&[&key]).await;
    let bearer = format!("Bearer {}", key.token(&issuer.claims()));
    let (outcome, log) = attempt(&issuer, &event(Some(&bearer))).await;
    let allowed = outcome.unwrap();
    assert_eq!(allowed["principalId"], "somebody");
    assert_eq!(
        allowed["policyDocument"]["Statement"][0]["Resource"],
        "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/*"
    );
    assert_eq!(log, "");
}

#[tokio::test]
async fn a_refusal_is_unauthorized_and_one_line_that_says_why() {
    let key = SigningKey::curve("key-1");
    let issuer = Issuer::start(&[&key]).await;
    let mut claims = issuer.claims();
    claims["exp"] = 0.into();
    let bearer = format!("Bearer {}", key.token(&claims));
    let (outcome, log) = attempt(&issuer, &event(Some(&bearer))).await;
    let reported: Value = serde_json::from_str(&outcome.unwrap_err()).unwrap();
    assert_eq!(reported["errorMessage"], "Unauthorized");
    let line: Value = serde_json::from_str(&log).unwrap_or_else(|_| panic!("one line: {log}"));
    for (name, value) in [
        ("level", json!("INFO")),
        ("message", json!("request")),
        ("function", json!("jwt-authorizer")),
        ("method", json!("GET")),
        ("route", json!("/ec2/{aws_instance_id}")),
        ("status", json!(401)),
        ("code", json!("Unauthorized")),
        ("cause", json!("the token has expired")),
        ("request_id", json!("request-1")),
        ("Errors", json!(1)),
    ] {
        assert_eq!(line[name], value, "{name} in {log}");
    }
    assert!(!log.contains(&bearer[7..40]), "{log}");
}

#[tokio::test]
async fn an_issuer_that_is_down_is_a_failure_and_nobody_gets_in() {
    let key = SigningKey::curve("key-1");
    let issuer = Issuer::start(&[&key]).await;
    issuer.answer(IssuerBehavior::Status(500));
    let bearer = format!("Bearer {}", key.token(&issuer.claims()));
    let (outcome, log) = attempt(&issuer, &event(Some(&bearer))).await;
    let reported: Value = serde_json::from_str(&outcome.unwrap_err()).unwrap();
    assert_eq!(reported["errorMessage"], "Unavailable");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [start, request] = lines.as_slice() else {
        panic!("the start's line and the request's: {log}");
    };
    assert_eq!(
        start["message"],
        "starting without keys: the issuer's configuration cannot be fetched: its status is 500"
    );
    assert_eq!(
        (&request["level"], &request["status"], &request["cause"]),
        (
            &json!("WARN"),
            &json!(503),
            &json!("the issuer's configuration cannot be fetched: its status is 500")
        )
    );
}

#[tokio::test]
async fn a_ping_is_answered_as_by_every_function() {
    let issuer = Issuer::start(&[&SigningKey::curve("key-1")]).await;
    let (outcome, log) = attempt(&issuer, "{}").await;
    assert_eq!(
        (outcome.unwrap(), log.as_str()),
        (json!({"statusCode": 200}), "")
    );
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    let settings = [
        ("JWT_ISSUER", "https://issuer.example"),
        ("JWT_AUDIENCE", "fleet"),
    ];
    runtime::needs_each_setting(BINARY, &settings).await;
}
