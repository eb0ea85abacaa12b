//! What is none of the three services, and what is broken.

use serde_json::{Value, json};

use crate::support::{Aws, CLUSTER, DATABASE, SECRET};

async fn post(aws: &Aws, path: &str, target: Option<&str>, body: String) -> (u16, String, Value) {
    let mut request = reqwest::Client::new().post(format!("{}{path}", aws.local.endpoint_url())).body(body);
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    let response = request.send().await.unwrap();
    let kind = response.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status().as_u16(), kind, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn an_unknown_path_or_target_is_an_unknown_operation() {
    let aws = Aws::start().await;
    let (status, kind, body) = post(&aws, "/", None, String::new()).await;
    assert_eq!((status, kind.as_str()), (404, "UnknownOperationException"));
    assert_eq!(body["__type"], "UnknownOperationException");
    let (status, ..) = post(&aws, "/", Some("AmazonSQS.SendMessage"), "{}".into()).await;
    assert_eq!(status, 404);
    let response = reqwest::get(format!("{}/Execute", aws.local.endpoint_url())).await.unwrap();
    assert_eq!(response.status().as_u16(), 404);
    let (status, ..) = post(&aws, "/ExecuteSql", None, "{}".into()).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_broken_body_is_a_bad_request_that_names_the_field() {
    let aws = Aws::start().await;
    for (body, named) in [
        ("{".to_owned(), "EOF"),
        (json!({"resourceArn": CLUSTER, "secretArn": SECRET}).to_string(), "sql"),
        (json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": 1}).to_string(), "expected a string"),
        (
            json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": "SELECT 1", "parameters": [{"name": "a", "value": {"oddValue": 1}}]})
                .to_string(),
            "oddValue",
        ),
    ] {
        let (status, kind, body) = post(&aws, "/Execute", None, body).await;
        assert_eq!((status, kind.as_str()), (400, "BadRequestException"));
        assert!(body["message"].as_str().unwrap().contains(named), "{body}");
    }
}

#[tokio::test]
async fn no_signature_is_needed() {
    let aws = Aws::start().await;
    let body = json!({"resourceArn": CLUSTER, "secretArn": SECRET, "database": DATABASE, "sql": "SELECT 1"}).to_string();
    let (status, _, body) = post(&aws, "/Execute", None, body).await;
    assert_eq!(status, 200);
    assert_eq!(body, json!({"records": [[{"longValue": 1}]], "numberOfRecordsUpdated": 0}));
}

#[tokio::test]
async fn an_error_body_has_a_message_and_a_request_id_header() {
    let aws = Aws::start().await;
    let body = json!({"resourceArn": CLUSTER, "secretArn": "other-secret", "sql": "SELECT 1"}).to_string();
    let response = reqwest::Client::new().post(format!("{}/Execute", aws.local.endpoint_url())).body(body).send().await.unwrap();
    assert!(response.headers().contains_key("x-amzn-requestid"));
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.json::<Value>().await.unwrap()["message"].is_string());
}
