//! Requests within the process and over a connection get the same responses.

use std::time::Duration;

use bytes::Bytes;
use fleet_local_aws::{InProcessError, LocalAws, Storage};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::json;

use crate::support::{CLUSTER, DATABASE, KEY, SECRET, SHORT, SIGNATURE, TABLE, options};

/// A statement that would run for hours.
const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT COUNT(*) FROM n a, n b, n c, n d";

/// A request to send.
#[derive(Debug, Clone)]
struct SentRequest {
    method: Method,
    path: &'static str,
    target: Option<&'static str>,
    signature: &'static str,
    host: Option<&'static str>,
    body: String,
}

impl SentRequest {
    fn post(path: &'static str, body: String) -> Self {
        Self {
            method: Method::POST,
            path,
            target: None,
            signature: SIGNATURE,
            host: None,
            body,
        }
    }

    fn sql(sql: &str) -> Self {
        Self::execute(sql, &[])
    }

    fn execute(sql: &str, parameters: &[serde_json::Value]) -> Self {
        let body = json!({
            "resourceArn": CLUSTER, "secretArn": SECRET, "database": DATABASE, "sql": sql, "parameters": parameters,
        });
        Self::post("/Execute", body.to_string())
    }

    fn to(target: &'static str, body: serde_json::Value) -> Self {
        Self {
            target: Some(target),
            ..Self::post("/", body.to_string())
        }
    }

    fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let content_type = if self.target.is_some() {
            "application/x-amz-json-1.0"
        } else {
            "application/json"
        };
        let mut headers = vec![
            ("content-type", content_type),
            ("x-amz-date", "20260101T000000Z"),
        ];
        if !self.signature.is_empty() {
            headers.push(("authorization", self.signature));
        }
        headers.extend(self.host.map(|host| ("host", host)));
        headers.extend(self.target.map(|target| ("x-amz-target", target)));
        headers
    }

    /// The response over a connection.
    async fn by_connection(&self, local: &LocalAws) -> (StatusCode, Vec<(String, String)>, String) {
        let url = format!("{}{}", local.endpoint_url(), self.path);
        let mut request = reqwest::Client::new()
            .request(self.method.clone(), url)
            .body(self.body.clone());
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), compared(answer.headers()));
        (status, headers, answer.text().await.unwrap())
    }

    fn request(&self, local: &LocalAws) -> Request<Bytes> {
        let mut request = Request::builder().method(&self.method).uri(format!(
            "{}{}",
            local.endpoint_url(),
            self.path
        ));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.body(Bytes::from(self.body.clone())).unwrap()
    }

    /// The response within the process.
    async fn within(&self, local: &LocalAws) -> (StatusCode, Vec<(String, String)>, String) {
        let answer = local.in_process().send(self.request(local)).await.unwrap();
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        (answer.status(), compared(answer.headers()), body)
    }

    /// The response, which must be the same both ways.
    async fn both(&self, local: &LocalAws) -> (StatusCode, String) {
        let by_connection = self.by_connection(local).await;
        let within = self.within(local).await;
        assert_eq!(by_connection, within, "{} {:?}", self.path, self.target);
        (within.0, within.2)
    }
}

/// A response's headers, except for those of the connection and those that differ each time.
fn compared(headers: &HeaderMap) -> Vec<(String, String)> {
    let own = ["connection", "content-length", "date", "x-amzn-requestid"];
    let mut headers: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    headers
}

#[tokio::test]
async fn both_ways_answer_alike() {
    let local = LocalAws::start(options(Storage::InMemory)).await.unwrap();
    let key = json!({KEY: {"S": "1"}});
    let get = |table: &str| {
        SentRequest::to(
            "DynamoDB_20120810.GetItem",
            json!({"TableName": table, "Key": key}),
        )
    };
    let requests = [
        (SentRequest::sql("SELECT 1 AS one"), 200),
        (SentRequest::sql("SELECT none FROM ec2"), 400),
        (SentRequest::sql(" "), 400),
        (SentRequest::post("/Execute", "{".to_owned()), 400),
        (SentRequest::post("/Execute", String::new()), 400),
        (SentRequest::post("/Other", String::new()), 404),
        (SentRequest::to("AmazonSQS.SendMessage", json!({})), 404),
        (
            SentRequest::to(
                "DynamoDB_20120810.PutItem",
                json!({"TableName": TABLE, "Item": key}),
            ),
            200,
        ),
        (get(TABLE), 200),
        (get("another"), 400),
        (
            SentRequest::to("DynamoDB_20120810.NoOperation", json!({})),
            400,
        ),
        (
            SentRequest::to("secretsmanager.DescribeSecret", json!({"SecretId": SECRET})),
            200,
        ),
        (
            SentRequest::to("secretsmanager.GetSecretValue", json!({"SecretId": "x"})),
            400,
        ),
        (
            SentRequest::to(
                "AnyScaleFrontendService.DescribeScalableTargets",
                json!({"ServiceNamespace": "custom-resource"}),
            ),
            200,
        ),
    ];
    for (sent, status) in requests {
        let answer = sent.both(&local).await;
        assert_eq!(answer.0.as_u16(), status, "{sent:?}: {answer:?}");
        let method = Method::GET;
        SentRequest {
            method,
            ..sent.clone()
        }
        .both(&local)
        .await;
        // No AWS client would send these.
        let signature = "";
        SentRequest {
            signature,
            ..sent.clone()
        }
        .both(&local)
        .await;
        let host = Some("page.example");
        let foreign = SentRequest { host, ..sent }.both(&local).await;
        assert_eq!(foreign.0, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    local.stop().await;
}

#[tokio::test]
async fn both_ways_have_the_same_limits() {
    let mut limited = options(Storage::InMemory);
    limited.timeouts.statement = SHORT;
    let local = LocalAws::start(limited).await.unwrap();
    let (status, body) = SentRequest::sql(ENDLESS).both(&local).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("Request timed out"), "{body}");
    let text = |bytes: usize| json!({"name": "v", "value": {"stringValue": "x".repeat(bytes)}});
    let large = SentRequest::execute("SELECT LENGTH(:v)", &[text(4 * 1024 * 1024)]);
    let (status, body) = large.both(&local).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("larger than the allowed size"), "{body}");
    // Three quarters of the limit is accepted both ways.
    let fits = SentRequest::execute("SELECT LENGTH(:v)", &[text(3 * 1024 * 1024)]);
    assert_eq!(fits.both(&local).await.0, StatusCode::OK);
    let item = json!({"TableName": TABLE, "Item": {KEY: {"S": "x".repeat(16 * 1024 * 1024)}}});
    let large = SentRequest::to("DynamoDB_20120810.PutItem", item);
    let (status, body) = large.both(&local).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    assert!(body.contains("RequestEntityTooLargeException"), "{body}");
    local.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_within_the_process_and_takes_no_more() {
    let mut limited = options(Storage::InMemory);
    limited.timeouts.statement = Duration::from_millis(500);
    let local = LocalAws::start(limited).await.unwrap();
    let within = local.in_process();
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (within, request) = (within.clone(), SentRequest::sql(ENDLESS).request(&local));
        under_way.spawn(async move { within.send(request).await });
    }
    let later = SentRequest::sql("SELECT 1").request(&local);
    // On one thread, tasks spawned earlier have begun by the time this one is done.
    SentRequest::sql("SELECT 1").within(&local).await;
    local.stop().await;
    while let Some(answer) = under_way.join_next().await {
        let answer = answer.unwrap().unwrap();
        let body = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert!(body.contains("Request timed out"), "{body}");
    }
    let refused = within.send(later).await.unwrap_err();
    assert!(matches!(refused, InProcessError::Stopped), "{refused}");
}
