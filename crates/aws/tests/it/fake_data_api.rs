//! The Data API of a database with one row, whose calls fail when a test says so.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fleet_aws::{DataApiInventory, InventorySettings};
use fleet_core::inventory::{AccountId, InstanceId, NewInstance, Package, PackageName, PackageVersion, Packages, Region};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::canned::{Reply, Request, config};

/// How a call fails, and whether it did its work before.
pub(crate) struct Fault {
    pub(crate) reply: Reply,
    pub(crate) done: bool,
}

/// A call that is about to be answered.
pub(crate) struct Step<'a> {
    /// `begin`, `insert`, `packages`, `commit`, `rollback`, `token`, `get`, `next`, `list`, `delete` or `one`.
    pub(crate) name: &'a str,
    /// Which call of this name it is, from 1.
    pub(crate) nth: usize,
    /// How long after the start of the test.
    pub(crate) at: Duration,
}

#[derive(Default)]
struct State {
    /// The token of the stored row.
    stored: Option<String>,
    /// The token of a row inserted in the open transaction.
    pending: Option<String>,
    calls: Vec<String>,
    /// The longest SQL text (in characters) and the longest request (in bytes) seen.
    widest: (usize, usize),
}

/// The database, seen from the test.
#[derive(Clone)]
pub(crate) struct FakeDataApi(Arc<Mutex<State>>);

impl FakeDataApi {
    /// An empty database with an inventory on it. `faults` decides of each call whether it fails.
    pub(crate) fn start(mut faults: impl FnMut(&Step<'_>) -> Option<Fault> + Send + 'static) -> (Self, DataApiInventory) {
        let fake = Self(Arc::default());
        let begun = Instant::now();
        let state = Arc::clone(&fake.0);
        let config = config(move |request| {
            let mut state = state.lock().unwrap();
            let name = step_name(&request);
            state.calls.push(name.to_owned());
            let nth = state.calls.iter().filter(|call| *call == name).count();
            let fault = faults(&Step { name, nth, at: begun.elapsed() });
            match fault {
                Some(Fault { reply, done: false }) => reply,
                Some(Fault { reply, done: true }) => {
                    state.answer(name, &request);
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

    /// Puts another's row where ours would be.
    pub(crate) fn occupied(self) -> Self {
        self.0.lock().unwrap().stored = Some("another".into());
        self
    }

    /// Whether there is a row.
    pub(crate) fn has_row(&self) -> bool {
        self.0.lock().unwrap().stored.is_some()
    }

    /// Whether a transaction that wrote is still open.
    pub(crate) fn holds_locks(&self) -> bool {
        self.0.lock().unwrap().pending.is_some()
    }

    /// The calls so far, by name, in one text.
    pub(crate) fn calls(&self) -> String {
        self.0.lock().unwrap().calls.join(" ")
    }

    pub(crate) fn widest(&self) -> (usize, usize) {
        self.0.lock().unwrap().widest
    }
}

impl State {
    fn answer(&mut self, name: &str, request: &Request) -> Reply {
        let sql = request.body["sql"].as_str().unwrap_or_default().chars().count();
        self.widest = (self.widest.0.max(sql), self.widest.1.max(request.bytes));
        match name {
            "begin" => Reply::ok(&json!({ "transactionId": "transaction-1" })),
            "insert" if self.stored.is_some() => duplicate(),
            "insert" => {
                let token = parameter(&request.body, "token");
                if request.body["transactionId"].is_string() {
                    self.pending = token
                } else {
                    self.stored = token
                }
                updated(1)
            }
            "packages" => updated(1),
            "commit" => {
                self.stored = self.pending.take();
                Reply::ok(&json!({ "transactionStatus": "Transaction Committed" }))
            }
            "rollback" => {
                self.pending = None;
                Reply::ok(&json!({ "transactionStatus": "Rollback Complete" }))
            }
            "token" => {
                let rows: Vec<Value> = self.stored.iter().map(|token| json!([{ "stringValue": token }])).collect();
                Reply::ok(&json!({ "records": rows, "numberOfRecordsUpdated": 0 }))
            }
            "delete" => updated(usize::from(self.stored.take().is_some())),
            "get" if self.stored.is_some() => Reply::ok(&json!({ "records": [[
                { "longValue": 0 }, { "stringValue": "us-east-1" }, { "stringValue": "1" }, { "stringValue": "2019-03-06 02:45:32" }
            ]] })),
            _ => Reply::ok(&json!({ "records": [] })),
        }
    }
}

fn step_name(request: &Request) -> &'static str {
    let sql = request.body["sql"].as_str().unwrap_or_default();
    match request.operation.as_str() {
        "/BeginTransaction" => "begin",
        "/CommitTransaction" => "commit",
        "/RollbackTransaction" => "rollback",
        _ if sql.starts_with("INSERT INTO ec2 ") => "insert",
        _ if sql.starts_with("INSERT INTO ec2_package ") => "packages",
        _ if sql.starts_with("SELECT add_token") => "token",
        _ if sql.starts_with("SELECT 0 AS kind") => "get",
        _ if sql.starts_with("SELECT 1 AS kind") => "next",
        _ if sql.starts_with("SELECT e.") => "list",
        _ if sql.starts_with("DELETE") => "delete",
        _ => "one",
    }
}

fn parameter(body: &Value, name: &str) -> Option<String> {
    let found = body["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == name)?;
    found["value"]["stringValue"].as_str().map(ToOwned::to_owned)
}

fn updated(rows: usize) -> Reply {
    Reply::ok(&json!({ "generatedFields": [], "numberOfRecordsUpdated": rows }))
}

pub(crate) fn duplicate() -> Reply {
    Reply::error(400, "DatabaseErrorException", "Duplicate entry 'i-1' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000")
}

/// An instance `i-1` with so many packages.
pub(crate) fn instance(packages: usize) -> NewInstance {
    let package = |n: usize| Package { name: PackageName::parse("p").unwrap(), version: PackageVersion::parse(n.to_string()).unwrap() };
    NewInstance {
        id: InstanceId::parse("i-1").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        account: AccountId::parse("123456789012").unwrap(),
        packages: Packages::new((0..packages).map(package).collect()).unwrap(),
    }
}

/// The widest instance that there can be: every text as long as it may be, of characters of 4 bytes, and 10,000 packages.
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
