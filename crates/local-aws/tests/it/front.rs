//! Requests that belong to none of the services, and broken ones.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Aws, CLUSTER, DATABASE, SECRET, SIGNATURE};

async fn post(aws: &Aws, path: &str, target: Option<&str>, body: String) -> (u16, String, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{}{path}", aws.local.endpoint_url()))
        .header("authorization", SIGNATURE)
        .body(body);
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    let response = request.send().await.unwrap();
    let kind = response
        .headers()
        .get("x-amzn-errortype")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    (
        response.status().as_u16(),
        kind,
        response.json().await.unwrap_or_default(),
    )
}

#[tokio::test]
async fn an_unknown_path_or_target_is_an_unknown_operation() {
    let aws = Aws::start().await;
    let (status, kind, body) = post(&aws, "/", None, String::new()).await;
    assert_eq!((status, kind.as_str()), (404, "UnknownOperationException"));
    assert_eq!(body["__type"], "UnknownOperationException");
    let (status, ..) = post(&aws, "/", Some("AmazonSQS.SendMessage"), "{}".into()).await;
    assert_eq!(status, 404);
    let response = reqwest::get(format!("{}/Execute", aws.local.endpoint_url()))
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 404);
    let (status, ..) = post(&aws, "/ExecuteSql", None, "{}".into()).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_broken_body_is_a_bad_request_that_names_the_field() {
    let aws = Aws::start().await;
    for (body, named) in [
        ("{".to_owned(), "not valid JSON (line 1, column 1)"),
        (json!({"resourceArn": CLUSTER, "secretArn": SECRET}).to_string(), "sql is required"),
        (json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": 1}).to_string(), "sql must be a string"),
        (
            json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": "SELECT 1", "parameters": [{"name": "a", "value": {"oddValue": 1}}]})
                .to_string(),
            "parameters[0].value must be an object with exactly one of",
        ),
    ] {
        let (status, kind, body) = post(&aws, "/Execute", None, body).await;
        assert_eq!((status, kind.as_str()), (400, "BadRequestException"));
        assert!(body["message"].as_str().unwrap().contains(named), "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_as_a_request_is_refused_in_the_services_shape() {
    let aws = Aws::start().await;
    let long = "x".repeat(500_000);
    for (request, status, message) in [
        (
            "POST /Execute HTTP/1.1\r\nhost a\r\n\r\n".to_owned(),
            400,
            "The request line or a header cannot be read as HTTP/1.1.",
        ),
        (
            format!("POST / HTTP/1.1\r\nhost: a\r\nx-large: {long}"),
            431,
            "The request headers are too large.",
        ),
    ] {
        let mut connection = TcpStream::connect(aws.local.local_addr()).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            answer.push(connection.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} "))
                && head.contains("x-amzn-errortype: BadRequestException")
                && head.matches("x-amzn-requestid: ").count() == 1,
            "{head}"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            body,
            json!({"__type": "BadRequestException", "message": message})
        );
    }
}

#[tokio::test]
async fn no_signature_is_verified() {
    let aws = Aws::start().await;
    let body = json!({"resourceArn": CLUSTER, "secretArn": SECRET, "database": DATABASE, "sql": "SELECT 1"}).to_string();
    let (status, _, body) = post(&aws, "/Execute", None, body).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({"records": [[{"longValue": 1}]], "numberOfRecordsUpdated": 0})
    );
}

#[tokio::test]
async fn an_error_body_has_a_message_and_a_request_id_header() {
    let aws = Aws::start().await;
    let body =
        json!({"resourceArn": CLUSTER, "secretArn": "other-secret", "sql": "SELECT 1"}).to_string();
    let response = reqwest::Client::new()
        .post(format!("{}/Execute", aws.local.endpoint_url()))
        .header("authorization", SIGNATURE)
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("x-amzn-requestid"));
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.json::<Value>().await.unwrap()["message"].is_string());
}

#[tokio::test]
async fn a_request_that_a_web_page_can_send_is_refused() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    let client = reqwest::Client::new();
    let page = |path: &str| {
        let url = format!("{}{path}", aws.local.endpoint_url());
        client
            .post(url)
            .header("origin", "https://evil.example")
            .header("content-type", "text/plain")
    };
    let delete =
        json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": "DELETE FROM ec2"}).to_string();
    let read = json!({"SecretId": SECRET}).to_string();
    for (sent, content_type) in [
        (page("/Execute").body(delete.clone()), "application/json"),
        (
            page("/BatchExecute").body(delete.clone()),
            "application/json",
        ),
        (
            page("/BeginTransaction").body(delete.clone()),
            "application/json",
        ),
        (
            page("/CommitTransaction").body(delete.clone()),
            "application/json",
        ),
        (
            page("/RollbackTransaction").body(delete.clone()),
            "application/json",
        ),
        (
            page("/Execute")
                .basic_auth("any", Some("any"))
                .body(delete.clone()),
            "application/json",
        ),
        (
            page("/")
                .header("x-amz-target", "secretsmanager.GetSecretValue")
                .body(read),
            "application/x-amz-json-1.1",
        ),
    ] {
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403);
        assert_eq!(
            answer.headers()["x-amzn-errortype"],
            "MissingAuthenticationTokenException"
        );
        assert_eq!(answer.headers()["content-type"], content_type);
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({"message": "Missing Authentication Token"})
        );
    }
    assert_eq!(aws.count(None).await, 1);
}

#[tokio::test]
async fn dynamodb_is_behind_the_same_gate() {
    let aws = Aws::start().await;
    let url = aws.local.endpoint_url();
    let client = reqwest::Client::new();
    let preflight = client
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", "https://evil.example");
    let preflight = preflight
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-amz-target");
    let answer = preflight.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert!(
        !answer
            .headers()
            .keys()
            .any(|name| name.as_str().starts_with("access-control-")),
        "{answer:?}"
    );

    let list = || {
        client
            .post(&url)
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .header("content-type", "application/json")
    };
    let unsigned = list().body("{}").send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 400);
    assert!(
        unsigned
            .text()
            .await
            .unwrap()
            .contains("MissingAuthenticationTokenException")
    );
    let signed = |host: &str| {
        list()
            .header("authorization", SIGNATURE)
            .header("x-amz-date", "20260101T000000Z")
            .header("host", host)
    };
    assert_eq!(
        signed("evil.example")
            .body("{}")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        403
    );
    assert_eq!(
        signed("host.docker.internal:4566")
            .body("{}")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn a_host_that_a_web_page_can_have_is_refused_and_a_containers_name_for_this_machine_is_not()
{
    let aws = Aws::start().await;
    let body = json!({"resourceArn": CLUSTER, "secretArn": SECRET, "sql": "SELECT 1"}).to_string();
    let client = reqwest::Client::new();
    let named = |host: &str| {
        let request = client
            .post(format!("{}/Execute", aws.local.endpoint_url()))
            .header("authorization", SIGNATURE);
        request.header("host", host).body(body.clone()).send()
    };
    for host in [
        "localhost:4566",
        "127.0.0.1",
        "[::1]:4566",
        "fleet:4566",
        "host.docker.internal:4566",
    ] {
        assert_eq!(named(host).await.unwrap().status().as_u16(), 200, "{host}");
    }
    let answer = named("evil.example:4566").await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
    let message = "The Host header must be an IP address, localhost, a name without dots, or a name that ends with .internal.";
    assert_eq!(answer.json::<Value>().await.unwrap()["message"], message);
}
