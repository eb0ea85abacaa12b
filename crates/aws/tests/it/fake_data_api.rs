//! The Data API of a database with one row, whose calls fail as a test specifies.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use fleet_aws::{DataApiInventory, InventorySettings};
use fleet_core::inventory::{
    AccountId, InstanceId, NewInstance, Package, PackageName, PackageVersion, Packages, Region,
};
use fleet_testing::data_api_step;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::canned::{CannedReply, CannedRequest, config};

/// How a call fails, and whether it does its work nevertheless.
pub(crate) struct CallFault {
    pub(crate) reply: CannedReply,
    pub(crate) done: WorkMoment,
}

/// When a failing call does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkMoment {
    Never,
    AtOnce,
    /// This long after the start of the test: until then it waits for a lock, and cannot be cancelled. It has no effect
    /// if its transaction has ended by then.
    Later(Duration),
}

/// A call that is about to get its response.
pub(crate) struct CallStep<'a> {
    /// `begin`, `insert`, `packages`, `commit`, `rollback`, `token`, `get`, `next`, `list`, `delete` or `one`.
    pub(crate) name: &'a str,
    /// The number of the call among those with its name, from 1.
    pub(crate) nth: usize,
    /// The time since the start of the test.
    pub(crate) at: Duration,
}

/// The token of a row that is not ours.
const ANOTHER: &str = "another";

/// Longer than any operation.
const PATIENCE: Duration = Duration::from_secs(60);
/// More calls than any test makes.
const MANY: usize = 1_000;

/// The effect of a transaction, or of a single statement, on the row.
enum RowChange {
    /// Inserts it, with this token.
    Put(Option<String>),
    /// Deletes it.
    Take,
}

#[derive(Default)]
struct DatabaseState {
    /// The token of the stored row.
    stored: Option<String>,
    /// The open transactions, with what they did.
    open: BTreeMap<String, Option<RowChange>>,
    /// The calls that wait for a lock, and when they get it.
    waiting: Vec<(Instant, &'static str, CannedRequest)>,
    calls: Vec<String>,
    /// The longest SQL text (in characters) and the longest request (in bytes) seen.
    widest: (usize, usize),
}

/// The database, from the test's point of view.
#[derive(Clone)]
pub(crate) struct FakeDataApi(Arc<Mutex<DatabaseState>>);

impl FakeDataApi {
    /// An empty database with an inventory over it. `faults` decides for each call whether it fails.
    pub(crate) fn start(
        mut faults: impl FnMut(&CallStep<'_>) -> Option<CallFault> + Send + 'static,
    ) -> (Self, DataApiInventory) {
        let fake = Self(Arc::default());
        let begun = Instant::now();
        let state = Arc::clone(&fake.0);
        let config = config(move |request| {
            let mut state = state.lock().unwrap();
            state.run_waiting();
            let name = data_api_step(&request.operation, &request.body);
            state.calls.push(name.to_owned());
            assert!(state.calls.len() <= MANY, "the calls do not end");
            let nth = state.calls.iter().filter(|call| *call == name).count();
            let fault = faults(&CallStep {
                name,
                nth,
                at: begun.elapsed(),
            });
            match fault {
                Some(CallFault { reply, done }) => {
                    match done {
                        WorkMoment::Never => {}
                        WorkMoment::AtOnce => drop(state.answer(name, &request)),
                        WorkMoment::Later(at) => state.waiting.push((begun + at, name, request)),
                    }
                    reply
                }
                None => state.answer(name, &request),
            }
        });
        let settings = InventorySettings {
            cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".into(),
            secret: "fleet-db".into(),
            database: "ec2_inventory_db".into(),
        };
        (fake, DataApiInventory::new(&config, settings))
    }

    /// Inserts another client's row in place of ours.
    pub(crate) fn occupied(self) -> Self {
        self.0.lock().unwrap().stored = Some(ANOTHER.into());
        self
    }

    /// Acts as another client once the calls end with `calls`: inserts its row in place of ours, or deletes the
    /// existing one.
    pub(crate) async fn meddled_with(&self, calls: &str, put: bool) {
        let begun = Instant::now();
        while !self.calls().ends_with(calls) {
            assert!(begun.elapsed() < PATIENCE, "{calls}: {}", self.calls());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.0.lock().unwrap().stored = put.then(|| ANOTHER.into());
    }

    /// Whether there is a row.
    pub(crate) fn has_row(&self) -> bool {
        self.now().stored.is_some()
    }

    /// Whether the row is the one that [`Self::occupied`] inserted.
    pub(crate) fn is_occupied(&self) -> bool {
        self.now().stored.as_deref() == Some(ANOTHER)
    }

    /// Whether a transaction that has written is still open.
    pub(crate) fn holds_locks(&self) -> bool {
        self.now().open.values().any(Option::is_some)
    }

    /// How many calls wait for a lock.
    pub(crate) fn waiting(&self) -> usize {
        self.now().waiting.len()
    }

    /// The state of the database after everything that has happened by now.
    fn now(&self) -> MutexGuard<'_, DatabaseState> {
        let mut state = self.0.lock().unwrap();
        state.run_waiting();
        state
    }

    /// The names of the calls so far, in one text.
    pub(crate) fn calls(&self) -> String {
        self.0.lock().unwrap().calls.join(" ")
    }

    pub(crate) fn widest(&self) -> (usize, usize) {
        self.0.lock().unwrap().widest
    }
}

impl DatabaseState {
    /// Runs the calls that have got their lock by now.
    fn run_waiting(&mut self) {
        let now = Instant::now();
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.waiting = waiting;
        let due: Vec<_> = due;
        for (_, name, request) in due {
            self.answer(name, &request);
        }
    }

    fn answer(&mut self, name: &str, request: &CannedRequest) -> CannedReply {
        let sql = request.body["sql"]
            .as_str()
            .unwrap_or_default()
            .chars()
            .count();
        self.widest = (self.widest.0.max(sql), self.widest.1.max(request.bytes));
        let transaction = request.body["transactionId"].as_str();
        if let Some(id) = transaction
            && !self.open.contains_key(id)
        {
            return CannedReply::error(
                404,
                "TransactionNotFoundException",
                &format!("Transaction {id} is not found"),
            );
        }
        match name {
            "begin" => {
                let id = format!("transaction-{}", self.calls.len());
                self.open.insert(id.clone(), None);
                CannedReply::ok(&json!({ "transactionId": id }))
            }
            "insert" if self.stored.is_some() => duplicate(),
            "insert" => {
                self.change(
                    transaction,
                    RowChange::Put(parameter(&request.body, "token")),
                );
                updated(1)
            }
            "packages" => updated(1),
            "delete" if self.stored.is_none() => updated(0),
            "delete" => {
                self.change(transaction, RowChange::Take);
                updated(1)
            }
            "commit" => {
                if let Some(change) = transaction.and_then(|id| self.open.remove(id)).flatten() {
                    self.change(None, change);
                }
                CannedReply::ok(&json!({ "transactionStatus": "Transaction Committed" }))
            }
            "rollback" => {
                transaction.and_then(|id| self.open.remove(id));
                CannedReply::ok(&json!({ "transactionStatus": "Rollback Complete" }))
            }
            "token" => {
                let rows: Vec<Value> = self
                    .stored
                    .iter()
                    .map(|token| json!([{ "stringValue": token }]))
                    .collect();
                CannedReply::ok(&json!({ "records": rows, "numberOfRecordsUpdated": 0 }))
            }
            "get" if self.stored.is_some() => CannedReply::ok(&json!({ "records": [[
                { "longValue": 0 }, { "stringValue": "us-east-1" }, { "stringValue": "1" }, { "stringValue": "2019-03-06 02:45:32" }
            ]] })),
            "one" => {
                CannedReply::ok(&json!({ "records": [[{ "longValue": 3 }, { "longValue": 0 }]] }))
            }
            _ => CannedReply::ok(&json!({ "records": [] })),
        }
    }

    /// Applies `change` within `transaction`, or directly.
    fn change(&mut self, transaction: Option<&str>, change: RowChange) {
        match (transaction, change) {
            (Some(id), change) => drop(self.open.insert(id.to_owned(), Some(change))),
            (None, RowChange::Put(token)) => self.stored = token,
            (None, RowChange::Take) => self.stored = None,
        }
    }
}

fn parameter(body: &Value, name: &str) -> Option<String> {
    let found = body["parameters"]
        .as_array()?
        .iter()
        .find(|parameter| parameter["name"] == name)?;
    found["value"]["stringValue"]
        .as_str()
        .map(ToOwned::to_owned)
}

fn updated(rows: usize) -> CannedReply {
    CannedReply::ok(&json!({ "generatedFields": [], "numberOfRecordsUpdated": rows }))
}

pub(crate) fn duplicate() -> CannedReply {
    CannedReply::error(
        400,
        "DatabaseErrorException",
        "Duplicate entry 'i-1' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000",
    )
}

/// An instance `i-1` with this many packages.
pub(crate) fn instance(packages: usize) -> NewInstance {
    let package = |n: usize| Package {
        name: PackageName::parse("p").unwrap(),
        version: PackageVersion::parse(n.to_string()).unwrap(),
    };
    NewInstance {
        id: InstanceId::parse("i-1").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        account: AccountId::parse("123456789012").unwrap(),
        packages: Packages::new((0..packages).map(package).collect()).unwrap(),
    }
}

/// The widest possible instance: every text of maximum length, of 4-byte characters, and 10,000 packages.
pub(crate) fn widest() -> NewInstance {
    let wide = |n: usize, max: usize| format!("{}{n:05}", "𝕏".repeat(max - 5));
    let package = |n: usize| Package {
        name: PackageName::parse(wide(n, PackageName::MAX_CHARS)).unwrap(),
        version: PackageVersion::parse(wide(n, PackageVersion::MAX_CHARS)).unwrap(),
    };
    NewInstance {
        id: InstanceId::parse("𝕏".repeat(InstanceId::MAX_CHARS)).unwrap(),
        region: Region::parse("𝕏".repeat(Region::MAX_CHARS)).unwrap(),
        account: AccountId::parse("𝕏".repeat(AccountId::MAX_CHARS)).unwrap(),
        packages: Packages::new((0..Packages::MAX).map(package).collect()).unwrap(),
    }
}
