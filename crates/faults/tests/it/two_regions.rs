//! Two regions that write one dimension concurrently, with both kinds of consistency of a global table.
//!
//! The table is a model of what AWS documents, beneath the SDK of two adapters, one in each region. With `EVENTUAL` each
//! region decides by its own replica, and of two writes the later one eventually wins. With `STRONG` all writes
//! have one order, and one that conflicts with the other region's gets a `ReplicatedWriteConflictException`:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html>.

use std::{
    fmt,
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
};
use aws_smithy_types::body::SdkBody;
use fastrand::Rng;
use fleet_aws::{DimensionsSettings, DynamoDimensions, SdkConfig};
use fleet_core::scaling::{DimensionId, ReadDimension as _};
use fleet_faults::Run;
use serde_json::{Value, json};
use todc_utils::linearizability::{
    WGLChecker,
    history::{Action, History},
};
use tokio::{task::JoinSet, time::sleep};

use crate::linearizability::{Actions, Memory, Operation, Register, Writer, operate, push, seen};

const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];
const CLIENTS: usize = 6;
const HISTORIES: u64 = 20;
/// How many operations each client does before all of them wait for the replicas.
const SEGMENT: usize = 20;
const SEGMENTS: usize = 3;
/// With strong consistency, one in this many writes conflicts with one in the other region.
const CONFLICT: u32 = 5;
/// How long a call, and a write on its way to the other region, take at most, in milliseconds.
const CALL: u64 = 10;
const REPLICATION: u64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consistency {
    Eventual,
    Strong,
}

/// The one item of each replica, with the moment of its write. With strong consistency there is one for both.
type Replica = Option<(u64, Value)>;

struct Table {
    consistency: Consistency,
    replicas: Mutex<[Replica; 2]>,
    rng: Mutex<Rng>,
    writes: AtomicUsize,
    conflicts: AtomicUsize,
}

impl Table {
    fn new(consistency: Consistency, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            consistency,
            replicas: Mutex::default(),
            rng: Mutex::new(Rng::with_seed(seed)),
            writes: AtomicUsize::new(0),
            conflicts: AtomicUsize::new(0),
        })
    }

    /// The replica that a region's calls are decided by.
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
    ) -> HttpResponse {
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
            "PutItem" => self.put(region, &body),
            other => panic!("an operation that the adapter does not use: {other}"),
        };
        sleep(self.wait(CALL)).await;
        answer
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
        let moment = self.writes.fetch_add(1, Ordering::Relaxed) as u64;
        let item = body["Item"].clone();
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
    fn dimensions(self: &Arc<Self>, region: usize) -> DynamoDimensions {
        let connector = SharedHttpConnector::new(Connector(Arc::clone(self), region));
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

/// Whether the condition of a put holds for the existing item: that there is none, or that attributes are equal.
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

struct Connector(Arc<Table>, usize);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (table, region) = (Arc::clone(&self.0), self.1);
        HttpConnectorFuture::new(async move { Ok(table.answer(region, operation, body).await) })
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

/// Records what clients of both regions do and get. Returns whether an order explains it.
async fn explained(table: &Arc<Table>, seed: u64) -> bool {
    // What the adapters draw lots with; this test has its thread to itself.
    fastrand::seed(seed);
    let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
    let mut clients: Vec<(DynamoDimensions, Rng, Memory)> = (0..CLIENTS)
        .map(|client| {
            let rng = Rng::with_seed(seed * 1_000 + client as u64);
            (table.dimensions(client % 2), rng, Memory::default())
        })
        .collect();
    let watcher = table.dimensions(0);
    for _ in 0..SEGMENTS {
        let found = Operation::Found(seen(&watcher.read(&id).await.unwrap()));
        let actions = Actions::default();
        push(&actions, CLIENTS, Action::Call(found.clone()));
        push(&actions, CLIENTS, Action::Response(found));
        let mut tasks = JoinSet::new();
        for (client, (dimensions, mut rng, mut memory)) in clients.drain(..).enumerate() {
            let (id, actions) = (Arc::clone(&id), Arc::clone(&actions));
            tasks.spawn(async move {
                let (mut open, mut process) = (Vec::new(), client);
                for _ in 0..SEGMENT {
                    let place = (&actions, process);
                    let writer = Writer::Conditional;
                    if let Some(operation) =
                        operate(&dimensions, &id, &mut rng, &mut memory, place, writer).await
                    {
                        open.push((process, operation));
                        process += CLIENTS + 1;
                    }
                }
                ((dimensions, rng, memory), open)
            });
        }
        let mut open = Vec::new();
        for (client, operations) in tasks.join_all().await {
            clients.push(client);
            open.extend(operations);
        }
        // Until every write has reached both regions.
        sleep(Duration::from_millis(REPLICATION + 1)).await;
        let last = Operation::Read(seen(&watcher.read(&id).await.unwrap()));
        push(&actions, CLIENTS, Action::Call(last.clone()));
        push(&actions, CLIENTS, Action::Response(last));
        for (process, operation) in open {
            push(&actions, process, Action::Response(operation));
        }
        let recorded = std::mem::take(&mut *actions.lock().unwrap());
        if !WGLChecker::<Register>::is_linearizable(History::from_actions(recorded)) {
            return false;
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn with_eventual_consistency_updates_of_two_regions_are_lost() {
    for seed in 0..HISTORIES {
        let table = Table::new(Consistency::Eventual, seed);
        assert!(
            !explained(&table, seed).await,
            "an order explains history {seed}, whose regions overwrite each other"
        );
    }
    Run::of("two regions, EVENTUAL").seen(format_args!(
        "lost updates in {HISTORIES} histories of {HISTORIES}"
    ));
}

#[tokio::test(start_paused = true)]
async fn with_strong_consistency_no_update_of_two_regions_is_lost() {
    let mut conflicts = 0;
    for seed in 0..HISTORIES {
        let table = Table::new(Consistency::Strong, seed);
        assert!(
            explained(&table, seed).await,
            "no order explains history {seed}"
        );
        let met = table.conflicts.load(Ordering::Relaxed);
        assert!(met > 0, "history {seed} has no conflict of two regions");
        conflicts += met;
    }
    Run::of("two regions, STRONG").seen(format_args!(
        "{HISTORIES} histories, each explained by an order; conflicts between regions: {conflicts}"
    ));
}
