//! Every exception of the stores, at every call of every function: the response to the client, how often the call was
//! sent, and what is stored afterwards. The functions, the SDK and the stores are real; the exceptions are the
//! services'.

mod data_api;
mod dynamodb;
mod secret;

use std::{ops::RangeInclusive, time::Duration};

use fleet_aws::budget::WHOLE;
use fleet_core::scaling::demo::DemoOutcome;
use fleet_core::settings::ScalingMode;
use fleet_faults::{
    ClientResponse, FaultRun, Functions, Stores,
    wire::{CallFate, RefusedWork, ServiceException, Wire, on_other_threads},
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The message of a 500.
const FAULT: &str = "Internal error. It has been logged with this request id.";

/// The wait in the response after a failure without a specific wait, in seconds.
const SOON: RangeInclusive<u64> = 1..=5;

/// The client's error if its request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ClientError {
    /// 503, with this many seconds to wait.
    Wait(RangeInclusive<u64>),
    /// 500.
    Fault,
}

/// A test's own stores with all functions in front of them, under a paused clock.
struct PausedApi {
    stores: Option<Stores>,
    wire: Wire,
    production: Functions,
    demo: Functions,
}

impl PausedApi {
    fn start() -> Self {
        let stores = on_other_threads(Stores::start());
        let wire = Wire::to(stores.address());
        let production = Functions::new(&wire.config(), ScalingMode::Production);
        let demo = Functions::new(&wire.config(), ScalingMode::Demo(DemoOutcome::Succeed));
        Self {
            stores: Some(stores),
            wire,
            production,
            demo,
        }
    }

    /// Makes the call `step` fail, the first time or every time.
    fn refuse(&self, step: &'static str, lasts: bool, refusal: ServiceException) {
        self.wire.plan(move |sent, before| {
            (sent == step && (lasts || before == 0)).then(|| CallFate::Refused(refusal.clone()))
        });
    }

    fn refuse_nothing(&self) {
        self.wire.plan(|_, _| None);
    }

    /// The single value that a query returns.
    fn count(&mut self, sql: String) -> i64 {
        let stores = self.stores.take().unwrap();
        let (stores, count) = on_other_threads(async move {
            let count = stores.count(&sql).await;
            (stores, count)
        });
        self.stores = Some(stores);
        count
    }

    /// How often the item of a dimension has been written.
    fn revision(&mut self, id: String) -> u64 {
        let stores = self.stores.take().unwrap();
        let (stores, revision) = on_other_threads(async move {
            let revision = stores.revision(&id).await;
            (stores, revision)
        });
        self.stores = Some(stores);
        revision
    }

    fn stop(mut self) {
        on_other_threads(self.stores.take().unwrap().stop());
    }
}

/// An exception with its message, in the services' format.
fn refusal(
    status: u16,
    exception: &'static str,
    message: &str,
    work: RefusedWork,
) -> ServiceException {
    ServiceException {
        status,
        exception,
        body: json!({ "message": message }),
        work,
    }
}

/// Checks the whole response: status, each key of the body, headers.
fn assert_told(answer: &ClientResponse, told: &ClientError, inventory: bool, case: &str) {
    let wait = answer
        .headers
        .get("retry-after")
        .map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap());
    let (status, code, message) = match told {
        ClientError::Fault => {
            assert_eq!(wait, None, "{case}");
            (500, "Internal", FAULT.to_owned())
        }
        ClientError::Wait(seconds) => {
            let wait = wait.unwrap_or_else(|| panic!("{case}: no Retry-After: {answer:?}"));
            assert!(seconds.contains(&wait), "{case}: Retry-After {wait}");
            (
                503,
                "Unavailable",
                format!("The service is temporarily unavailable. Try again in {wait} s."),
            )
        }
    };
    let mut body = json!({ "code": code, "message": message, "request_id": "faults" });
    if inventory {
        body["error_message"] = json!(message);
    }
    assert_eq!((answer.status, &answer.body), (status, &body), "{case}");
    assert_eq!(answer.header("content-type"), "application/json", "{case}");
}

/// Runs `request` and checks its time.
async fn in_time(request: impl Future<Output = ClientResponse>, case: &str) -> ClientResponse {
    let begun = Instant::now();
    let answer = request.await;
    let took = begun.elapsed();
    assert!(
        took <= WHOLE && took < Duration::from_secs(28),
        "{case}: {took:?}"
    );
    answer
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    let Value::Object(fields) = value else {
        panic!("no object: {value}")
    };
    fields
}
