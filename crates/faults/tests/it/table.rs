//! A model of a DynamoDB table with one item, used by the adapters' SDK: conditions and global tables as AWS documents
//! them, and lost responses.
//!
//! With `EVENTUAL` each region decides by its own replica, and of two writes the later one eventually wins. With
//! `STRONG` all writes have one order, and one that conflicts with the other region's gets a
//! `ReplicatedWriteConflictException`:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html>.

use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use fastrand::Rng;
use fleet_aws::{DimensionsSettings, DynamoDimensions, SdkConfig};
use serde_json::{Value, json};
use tokio::time::sleep;

const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];
/// With strong consistency, one in this many writes conflicts with one in the other region.
const CONFLICT: u32 = 5;
/// The longest time of a call, and of a write's way to the other region, in milliseconds.
const CALL: u64 = 10;
pub(crate) const REPLICATION: u64 = 60;
/// The longest time that a put whose connection broke is in transit, in milliseconds.
const LATE: u64 = 1_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    Eventual,
    Strong,
}

/// The fate of a put without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PutFate {
    /// It takes effect, and the connection breaks.
    Reset,
    /// It takes effect, and there is no response.
    Silent,
    /// The connection breaks before it takes effect.
    Late,
}

/// The single item of each replica, with the time of its write. With strong consistency both share one.
type Replica = Option<(u64, Value)>;

pub(crate) struct ReplicatedTable {
    consistency: Consistency,
    /// One in this many puts gets no response.
    lost: Option<u32>,
    replicas: Mutex<[Replica; 2]>,
    rng: Mutex<Rng>,
    /// Every item that was put, in order.
    written: Mutex<Vec<Value>>,
    conflicts: AtomicUsize,
    unanswered: AtomicUsize,
}

impl ReplicatedTable {
    pub(crate) fn new(consistency: Consistency, lost: Option<u32>, seed: u64) -> Arc<Self> {
        // The adapters' random numbers come from this; a test with a paused clock has its own thread.
        fastrand::seed(seed);
        Arc::new(Self {
            consistency,
            lost,
            replicas: Mutex::default(),
            rng: Mutex::new(Rng::with_seed(seed)),
            written: Mutex::default(),
            conflicts: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        })
    }

    /// How many writes conflicted with one in the other region.
    pub(crate) fn conflicts(&self) -> usize {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// How many puts got no response.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// Every item that was put, in order.
    pub(crate) fn written(&self) -> Vec<Value> {
        self.written.lock().unwrap().clone()
    }

    /// The replica that decides a region's calls.
    fn replica(&self, region: usize) -> usize {
        match self.consistency {
            Consistency::Eventual => region,
            Consistency::Strong => 0,
        }
    }

    /// A wait of at most this many milliseconds.
    fn wait(&self, at_most: u64) -> Duration {
        Duration::from_millis(self.rng.lock().unwrap().u64(0..=at_most))
    }

    async fn answer(
        self: Arc<Self>,
        region: usize,
        operation: String,
        body: Value,
    ) -> Result<HttpResponse, ConnectorError> {
        sleep(self.wait(CALL)).await;
        let answer = match operation.as_str() {
            "GetItem" => {
                let item = &self.replicas.lock().unwrap()[self.replica(region)];
                response(
                    200,
                    &item
                        .as_ref()
                        .map_or(json!({}), |(_, item)| json!({ "Item": item })),
                )
            }
            "PutItem" => match self.fate() {
                None => self.put(region, &body),
                Some(fate) => return self.unanswered_put(fate, region, body).await,
            },
            other => panic!("an operation that the adapter does not use: {other}"),
        };
        sleep(self.wait(CALL)).await;
        Ok(answer)
    }

    /// The fate of a put without a response; `None` if it gets one.
    fn fate(&self) -> Option<PutFate> {
        let mut rng = self.rng.lock().unwrap();
        let lost = self.lost?;
        (rng.u32(0..lost) == 0)
            .then(|| rng.choice([PutFate::Reset, PutFate::Silent, PutFate::Late]))
            .flatten()
    }

    async fn unanswered_put(
        self: Arc<Self>,
        fate: PutFate,
        region: usize,
        body: Value,
    ) -> Result<HttpResponse, ConnectorError> {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        match fate {
            PutFate::Reset | PutFate::Silent => {
                self.put(region, &body);
            }
            PutFate::Late => {
                tokio::spawn(async move {
                    sleep(self.wait(LATE)).await;
                    self.put(region, &body);
                });
            }
        }
        if fate == PutFate::Silent {
            return pending().await;
        }
        Err(ConnectorError::io("connection reset by peer".into()))
    }

    fn put(self: &Arc<Self>, region: usize, body: &Value) -> HttpResponse {
        if self.consistency == Consistency::Strong && self.rng.lock().unwrap().u32(0..CONFLICT) == 0
        {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
            return refusal("ReplicatedWriteConflictException", None);
        }
        let mut replicas = self.replicas.lock().unwrap();
        let stored = &mut replicas[self.replica(region)];
        let present = stored.as_ref().map(|(_, item)| item);
        if !holds(body, present) {
            return refusal("ConditionalCheckFailedException", present);
        }
        let item = body["Item"].clone();
        let mut written = self.written.lock().unwrap();
        let moment = written.len() as u64;
        written.push(item.clone());
        *stored = Some((moment, item.clone()));
        if self.consistency == Consistency::Eventual {
            let table = Arc::clone(self);
            tokio::spawn(async move {
                sleep(table.wait(REPLICATION)).await;
                let other = &mut table.replicas.lock().unwrap()[1 - region];
                // The last writer wins.
                if other.as_ref().is_none_or(|(at, _)| *at < moment) {
                    *other = Some((moment, item));
                }
            });
        }
        response(200, &json!({}))
    }

    /// The adapter of a function in a region.
    pub(crate) fn dimensions(self: &Arc<Self>, region: usize) -> DynamoDimensions {
        let connector = SharedHttpConnector::new(TableConnector(Arc::clone(self), region));
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGIONS[region]))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url("http://localhost")
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let table = "fleet-dimensions".into();
        DynamoDimensions::new(&config, DimensionsSettings { table })
    }
}

/// Whether the condition of a put holds for the existing item: that it does not exist, or that attributes are equal.
fn holds(put: &Value, present: Option<&Value>) -> bool {
    let condition = put["ConditionExpression"].as_str().unwrap();
    if condition.starts_with("attribute_not_exists(") {
        return present.is_none();
    }
    condition.split(" AND ").all(|equality| {
        let (name, value) = equality.split_once(" = ").unwrap();
        let expected = &put["ExpressionAttributeValues"][value];
        assert!(!expected.is_null(), "{condition}");
        present.is_some_and(|item| &item[name] == expected)
    })
}

struct TableConnector(Arc<ReplicatedTable>, usize);

impl fmt::Debug for TableConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for TableConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (table, region) = (Arc::clone(&self.0), self.1);
        HttpConnectorFuture::new(table.answer(region, operation, body))
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let body = SdkBody::from(body.to_string());
    let mut response = HttpResponse::new(status.try_into().unwrap(), body);
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    response
}

fn refusal(exception: &str, item: Option<&Value>) -> HttpResponse {
    let mut body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{exception}"),
        "message": "refused",
    });
    if let Some(item) = item {
        body["Item"] = item.clone();
    }
    response(400, &body)
}
