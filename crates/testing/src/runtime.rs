//! The Lambda Runtime API, as far as one invocation needs it: runs a function's binary as Lambda does.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{process::Stdio, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::header::HeaderMap,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    process::Command,
    sync::{Mutex, mpsc},
    time::timeout,
};

use crate::TestEvent;

/// Far longer than an invocation takes; only a hanging function reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of the functions that use the inventory.
pub const INVENTORY: &[(&str, &str)] = &[
    (
        "DB_CLUSTER_ARN",
        "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
    ),
    ("DB_SECRET", "fleet-db"),
    ("DB_NAME", "ec2_inventory_db"),
];

/// The settings of the functions that use the dimensions.
pub const DIMENSIONS: &[(&str, &str)] = &[("DIMENSIONS_TABLE", "fleet-dimensions")];

struct Invocation {
    event: Mutex<Option<String>>,
    trace: Option<String>,
    answers: mpsc::UnboundedSender<Result<Value, String>>,
}

/// The request id of an invocation, which Lambda assigns.
pub const REQUEST_ID: &str = "6f6c7b2e-0000-4000-8000-000000000000";

/// The result of one invocation.
#[derive(Clone, Debug)]
pub struct InvocationResult {
    /// The function's response, as API Gateway would get it.
    pub response: Value,
    /// All that the function wrote to its log.
    pub log: String,
}

/// Starts the function `binary` with `settings`, sends it `event` and returns its response, as API Gateway would get it.
///
/// # Panics
/// If the function does not answer, or reports an error.
pub async fn invoke(binary: &str, settings: &[(&str, &str)], event: &TestEvent) -> Value {
    invoke_raw(binary, settings, &event.to_json())
        .await
        .response
}

/// Like [`invoke`], with any text as event.
///
/// # Panics
/// If the function does not answer, or reports an error.
pub async fn invoke_raw(binary: &str, settings: &[(&str, &str)], event: &str) -> InvocationResult {
    invoke_traced(binary, settings, event, None).await
}

/// Like [`invoke_raw`], with the header of an X-Ray trace.
///
/// # Panics
/// If the function does not answer, or reports an error.
pub async fn invoke_traced(
    binary: &str,
    settings: &[(&str, &str)],
    event: &str,
    trace: Option<&str>,
) -> InvocationResult {
    let (outcome, log) = attempt(binary, settings, event, trace).await;
    let response = outcome.unwrap_or_else(|error| panic!("the function reports an error: {error}"));
    InvocationResult { response, log }
}

/// What the function answers, or else the error that it reports to Lambda, and what it logs.
///
/// # Panics
/// If the function does neither.
pub async fn attempt(
    binary: &str,
    settings: &[(&str, &str)],
    event: &str,
    trace: Option<&str>,
) -> (Result<Value, String>, String) {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let invocation = Arc::new(Invocation {
        event: Mutex::new(Some(event.to_owned())),
        trace: trace.map(str::to_owned),
        answers: sender,
    });
    let api = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(invocation);
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port on loopback");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address")
        .to_string();
    let api = tokio::spawn(async move { axum::serve(listener, api).await });
    let mut function = command(binary, settings, &address)
        .spawn()
        .unwrap_or_else(|error| panic!("{binary}: {error}"));
    let mut output = function.stdout.take().expect("the log is a pipe");
    // While it runs: a full pipe would stop the function.
    let log = tokio::spawn(async move {
        let mut log = String::new();
        output.read_to_string(&mut log).await.map(|_| log)
    });
    let answer = timeout(PATIENCE, answers.recv()).await;
    function.kill().await.expect("the function can be ended");
    api.abort();
    let log = log
        .await
        .expect("the log is read")
        .expect("the log is text");
    let outcome = answer
        .expect("the function answers in time")
        .expect("the function answers");
    (outcome, log)
}

/// Like [`invoke`], on AWS as far as the function can tell, with a store that must not be called: not by the start, which
/// rehearses a request, and not by `event`, which must be the first request in the log.
///
/// # Panics
/// If it is called, or if the function does not answer.
pub async fn invoke_without_calls(
    binary: &str,
    settings: &[(&str, &str)],
    event: &TestEvent,
) -> Value {
    let store = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    store
        .set_nonblocking(true)
        .expect("a listener need not block");
    let address = store.local_addr().expect("a bound listener has an address");
    let on_aws = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", &format!("https://{address}")),
    ];
    let invoked = invoke_raw(binary, &[settings, &on_aws].concat(), &event.to_json()).await;
    assert!(store.accept().is_err(), "the store is called");
    assert!(
        invoked.log.contains(r#""cold_start":true"#),
        "{}",
        invoked.log
    );
    assert_eq!(invoked.log.lines().count(), 1, "{}", invoked.log);
    invoked.response
}

/// Starts the function `binary` without each of `settings` in turn: it must fail with a message that names it.
///
/// # Panics
/// When it does not.
pub async fn needs_each_setting(binary: &str, settings: &[(&str, &str)]) {
    for (missing, _) in settings {
        let others: Vec<_> = settings
            .iter()
            .copied()
            .filter(|(name, _)| name != missing)
            .collect();
        let log = refusal(binary, &others).await;
        assert!(
            log.contains(&format!(
                "cannot start: The environment variable {missing} is not set"
            )),
            "{log}"
        );
    }
}

/// Starts the function `binary` with `settings` and a wrong one: it must fail with a message that names it and its `rule`.
///
/// # Panics
/// When it does not.
pub async fn refuses_setting(
    binary: &str,
    settings: &[(&str, &str)],
    (name, value): (&str, &str),
    rule: &str,
) {
    let log = refusal(binary, &[settings, &[(name, value)]].concat()).await;
    assert!(
        log.contains(&format!("The environment variable {name} must be {rule}.")),
        "{log}"
    );
}

/// What the function `binary` logs when it does not start with `settings`.
///
/// # Panics
/// When it starts.
pub async fn refusal(binary: &str, settings: &[(&str, &str)]) -> String {
    // Nothing listens there, and a function that cannot start must not try.
    let function = command(binary, settings, "127.0.0.1:9").output();
    let ended = timeout(PATIENCE, function)
        .await
        .expect("the function ends in time")
        .expect("the function can be run");
    let log = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{log}");
    log
}

/// The environment is Lambda's and the settings, nothing of this process's.
fn command(binary: &str, settings: &[(&str, &str)], runtime_api: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "under-test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_REGION", "us-east-1")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn next(State(invocation): State<Arc<Invocation>>) -> (HeaderMap, String) {
    let Some(event) = invocation.event.lock().await.take() else {
        // One invocation is all there is: as for an idle function, the next one never comes.
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", REQUEST_ID),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:under-test",
        ),
    ];
    let header = |(name, value): (&'static str, &'static str)| {
        (
            name.parse().expect("a header name"),
            value.parse().expect("a header value"),
        )
    };
    let mut headers: HeaderMap = headers.into_iter().map(header).collect();
    if let Some(trace) = &invocation.trace {
        headers.insert(
            "lambda-runtime-trace-id",
            trace.parse().expect("a header value"),
        );
    }
    (headers, event)
}

async fn response(State(invocation): State<Arc<Invocation>>, answer: String) {
    // The receiver is only gone when the test is over.
    let _ = invocation.answers.send(Ok(
        serde_json::from_str(&answer).unwrap_or(Value::String(answer))
    ));
}

async fn error(State(invocation): State<Arc<Invocation>>, report: String) {
    // As above.
    let _ = invocation.answers.send(Err(report));
}
