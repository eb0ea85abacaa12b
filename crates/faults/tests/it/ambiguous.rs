//! Responses that are lost, late or truncated between a function and its store: each request takes effect exactly once.

mod unheard;

use std::{sync::Arc, time::Duration};

use fleet_core::inventory::{GetInstance as _, InstanceId};
use fleet_faults::{Fault, FaultKind, FaultRun, Functions, Proxy, Stores, stores::config};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// A function's connection to its stores, with faults on it, and the stores behind it.
struct Way {
    stores: Stores,
    proxy: Proxy,
    functions: Functions,
}

impl Way {
    async fn start() -> Self {
        Self::to(Stores::start().await).await
    }

    async fn to(stores: Stores) -> Self {
        let proxy = Proxy::start(stores.address()).await;
        let functions = Functions::demo(&config(&proxy.endpoint_url()));
        Self {
            stores,
            proxy,
            functions,
        }
    }
}

fn record(number: usize, packages: usize) -> Value {
    let packages: Vec<Value> =
        (0..packages).map(|package| json!({"package_name": format!("p{package}"), "package_version": number.to_string()})).collect();
    json!({"aws_region": format!("r{number}"), "aws_account": "123456789012", "packages": packages})
}

/// Runs `request` `count` times, on several connections at once, and reports the number.
async fn each<F>(name: &str, kind: FaultKind, request: impl Fn(Arc<Way>, fastrand::Rng, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let name = format!("{name}, {kind:?}");
    let run = FaultRun::of(&name);
    // A call without a response takes 5 to 10 s, so these wait concurrently; most of them are in `unheard`.
    let (count, ways) = if kind == FaultKind::Silence {
        (run.count(2, 50), run.count(2, 50))
    } else {
        (run.count(16, 1_000), run.count(8, 25))
    };
    let mut workers = JoinSet::new();
    for worker in 0..ways {
        let way = Arc::new(Way::start().await);
        let mut rng = run.rng(worker);
        let requests: Vec<F> = (worker..count)
            .step_by(ways)
            .map(|number| request(Arc::clone(&way), rng.fork(), number))
            .collect();
        workers.spawn(async move {
            for request in requests {
                request.await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    run.report(format_args!("{count} requests, 0 inconsistencies"));
}

/// Adds an instance while one of its calls meets a fault, and adds it again.
async fn add(way: Arc<Way>, mut rng: fastrand::Rng, number: usize, kind: FaultKind) {
    let (id, packages) = (format!("i-{number}"), rng.usize(0..3));
    let new = record(number, packages);
    let nth = rng.usize(..if packages == 0 { 3 } else { 4 });
    way.proxy
        .fail_once(nth, move |operation| kind.fault(operation, &mut rng));
    let added = way.functions.instance("POST", &id, Some(&new)).await;
    assert_eq!(
        (added.status, &added.body),
        (200, &json!({ "new_record": new })),
        "call {nth} of the add of {id}"
    );
    assert_eq!(way.proxy.counts().1, 1);
    let found = way
        .stores
        .inventory()
        .get(&InstanceId::parse(&id).unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            found.summary.region.as_str(),
            found.packages.as_slice().len()
        ),
        (format!("r{number}").as_str(), packages)
    );
    way.proxy.plan(|_| None);
    let again = way
        .functions
        .instance("POST", &id, Some(&record(0, 1)))
        .await;
    assert!(
        again.status == 400
            && again
                .text
                .contains(&format!("Duplicate entry '{id}' for key 'PRIMARY'")),
        "{}",
        again.text
    );
}

/// Removes an instance while one of its calls meets a fault.
async fn remove(way: Arc<Way>, mut rng: fastrand::Rng, number: usize, kind: FaultKind) {
    let id = format!("i-{number}");
    assert_eq!(
        way.functions
            .instance("POST", &id, Some(&record(number, 2)))
            .await
            .status,
        200
    );
    let nth = rng.usize(0..3);
    way.proxy
        .fail_once(nth, move |operation| kind.fault(operation, &mut rng));
    let removed = way.functions.instance("DELETE", &id, None).await;
    assert_eq!(
        (removed.status, removed.body),
        (200, json!({ "record_deleted": true })),
        "{id}"
    );
    assert_eq!(way.proxy.counts().1, 1);
    let left = "SELECT (SELECT COUNT(*) FROM ec2) + (SELECT COUNT(*) FROM ec2_package)";
    assert_eq!(way.stores.count(left).await, 0);
}

/// Patches a dimension while its read or its write meets a fault.
async fn patch(way: Arc<Way>, mut rng: fastrand::Rng, number: usize, kind: FaultKind) {
    let desired = number as f64 + 2.0;
    let before = way.stores.revision("1-23456789").await;
    let nth = rng.usize(0..2);
    let fault = kind.fault("PutItem", &mut rng);
    // The one status that the SDK does not treat as transient: the client sends its patch again.
    let sent_twice = matches!(fault, Fault::Refuse { status: 501, .. });
    way.proxy.fail_once(nth, move |_| fault);
    let patch = json!({ "desiredCapacity": desired });
    let mut patched = way
        .functions
        .dimension("PATCH", "1-23456789", Some(&patch))
        .await;
    if sent_twice {
        assert_eq!(patched.status, 503);
        patched = way
            .functions
            .dimension("PATCH", "1-23456789", Some(&patch))
            .await;
    }
    assert_eq!(
        (
            patched.status,
            &patched.body["desiredCapacity"],
            &patched.body["scalingStatus"]
        ),
        (200, &json!(desired), &json!("Pending"))
    );
    assert_eq!(way.proxy.counts().1, 1);
    // Written once: neither lost nor repeated.
    assert_eq!(
        way.stores.revision("1-23456789").await,
        before + 1,
        "call {nth} of the patch to {desired}"
    );
}

macro_rules! kinds {
    ($($test:ident: $kind:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            tokio::join!(
                each("adds", FaultKind::$kind, |way, rng, number| add(way, rng, number, FaultKind::$kind)),
                each("removals", FaultKind::$kind, |way, rng, number| remove(way, rng, number, FaultKind::$kind)),
                each("patches", FaultKind::$kind, |way, rng, number| patch(way, rng, number, FaultKind::$kind)),
            );
        }
    )+};
}

kinds! {
    a_late_answer_is_heard: Delay,
    a_call_that_is_never_answered_happens_once: Silence,
    a_request_that_is_reset_at_any_byte_happens_once: ResetRequest,
    an_answer_that_is_reset_at_any_byte_is_found_out: ResetAnswer,
    an_answer_that_is_cut_at_any_byte_is_found_out: TruncateAnswer,
    a_call_that_was_done_and_answered_with_an_error_happens_once: ErrorAfter,
    a_call_that_was_answered_with_an_error_happens_once: ErrorInstead,
}

/// Each call fails with this chance.
const CHANCE: f64 = 0.3;
/// The number of clients. Each has a separate store, and spends most of its time waiting before it tries again.
const CLIENTS: usize = 100;
/// The time after which a transaction ends whose rollback was lost too. Its client waits for its own lock until then;
/// with Aurora's three minutes no client would get far.
const IDLE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_that_is_sent_until_it_is_answered_ends_as_one_record() {
    let run = FaultRun::of("adds in a storm");
    let count = run.count(8, 1_000);
    let mut workers = JoinSet::new();
    for worker in 0..CLIENTS.min(count) {
        let mut rng = run.rng(worker);
        workers.spawn(async move {
            let way = Way::to(Stores::start_with(|options| options.timeouts.transaction_idle = IDLE).await).await;
            let mut refused = 0;
            for number in (worker..count).step_by(CLIENTS) {
                let new = record(number, 2);
                let mut faults = rng.fork();
                let kinds = [FaultKind::ResetRequest, FaultKind::ResetAnswer, FaultKind::TruncateAnswer, FaultKind::ErrorAfter, FaultKind::ErrorInstead];
                way.proxy
                    .plan(move |call| (faults.f64() < CHANCE).then(|| faults.choice(kinds).unwrap().fault(call.operation, &mut faults)));
                let mut told_to_wait = false;
                loop {
                    let answer = way.functions.instance("POST", &format!("i-{number}"), Some(&new)).await;
                    match answer.status {
                        200 => break,
                        503 => assert!((1..=15).contains(&answer.header("retry-after").parse::<u32>().unwrap())),
                        // Only a client that was told that the result is unknown may find that the request was done.
                        400 => {
                            assert!(told_to_wait && answer.text.contains("Duplicate entry"), "{}", answer.text);
                            break;
                        }
                        _ => panic!("{answer:?}"),
                    }
                    told_to_wait = true;
                    refused += 1;
                }
                let found = way.stores.inventory().get(&InstanceId::parse(format!("i-{number}")).unwrap()).await.unwrap().unwrap();
                assert_eq!(found.packages.as_slice().len(), 2);
            }
            let half =
                "SELECT COUNT(*) FROM ec2 WHERE (SELECT COUNT(*) FROM ec2_package p WHERE p.aws_instance_id = ec2.aws_instance_id) <> 2";
            assert_eq!(way.stores.count(half).await, 0);
            refused
        });
    }
    let refused: usize = workers.join_all().await.iter().sum();
    run.report(format_args!(
        "{count} instances, each one record; answered 503 and sent again: {refused}"
    ));
}
