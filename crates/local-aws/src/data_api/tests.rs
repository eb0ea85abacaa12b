//! What is logged about a failed call whose cause the client does not see.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;

use super::*;
use crate::{
    engine::sqlite,
    options::Storage,
    secrets::{DatabaseSecret, StoredSecret},
};

const CLUSTER: &str = "arn:aws:rds:us-east-1:000000000000:cluster:fleet";

/// Captures this thread's log output while the guard lives.
#[derive(Clone, Default)]
struct LogGuard(Arc<Mutex<Vec<u8>>>);

impl LogGuard {
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
        .unwrap()
    }

    /// The only log line.
    fn line(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

impl io::Write for LogGuard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the engine before the test starts capturing its log.
async fn data_api() -> (DataApi, sqlite::SqliteEngine) {
    let engine = sqlite::SqliteEngine::open(&Storage::InMemory, "d").unwrap();
    // `SELECT 1` leaves an idle connection in the pool, which a definition does not.
    for sql in ["CREATE TABLE notes (note LONGTEXT)", "SELECT 1"] {
        let statement = SqlStatement {
            sql: sql.into(),
            sets: vec![Parameters::default()],
            timeout: Timeouts::default().statement,
            continue_after_timeout: false,
            metadata: false,
            max_bytes: limits::MAX_RESPONSE_BYTES,
        };
        engine.execute(statement).await.unwrap();
    }
    let secret = DatabaseSecret {
        username: "fleet",
        password: "p",
        host: "127.0.0.1",
        port: 3306,
        database: "d",
    };
    let secrets = Arc::new(Secrets::new(vec![StoredSecret::new(
        "us-east-1",
        "000000000000",
        "fleet-db",
        &secret,
    )]));
    let data_api = DataApi::new(
        vec![Database::Sqlite(engine.clone())],
        secrets,
        CLUSTER.into(),
        "d".into(),
        Timeouts::default(),
        Arc::new(DataFile::watch(None).unwrap()),
    );
    (data_api, engine)
}

/// The request id in the header, and the body, of an internal error.
async fn told(answer: ServiceResponse) -> (String, Value) {
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        answer.headers()["x-amzn-errortype"],
        "InternalServerErrorException"
    );
    parts(answer).await
}

async fn parts(answer: ServiceResponse) -> (String, Value) {
    let id = answer.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    (
        id,
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap(),
    )
}

#[tokio::test]
async fn a_full_disk_is_named_in_the_log_beside_the_request_id_and_not_to_the_client() {
    let (data_api, engine) = data_api().await;
    engine.fill_disk();
    let value = "canary".repeat(10_000);
    let parameters = json!([{"name": "note", "value": {"stringValue": value}}]);
    let sql = "INSERT INTO notes VALUES (:note), ('canary')";
    let body = json!({"resourceArn": CLUSTER, "secretArn": "fleet-db", "sql": sql, "parameters": parameters}).to_string();
    let (log, _guard) = LogGuard::start();
    let answer = data_api
        .answer(DataApiOperation::Execute, 0, &body.into())
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.headers()["x-amzn-errortype"],
        "InvalidResourceStateException"
    );
    let (id, body) = parts(answer).await;
    assert_eq!(
        body,
        json!({"message": "The DB cluster cannot store anything at the moment: the disk is full"})
    );
    let line = log.line();
    assert_eq!(
        [
            &line["level"],
            &line["message"],
            &line["request_id"],
            &line["cause"]
        ],
        [
            "ERROR",
            "a Data API call failed",
            id.as_str(),
            "the disk is full"
        ]
    );
    assert!(!log.text().contains("canary"));
}

#[tokio::test]
async fn a_panic_is_named_in_the_log_without_a_value_that_its_message_may_hold() {
    let composed = "canary".to_owned();
    let panics = [
        (
            tokio::spawn(async { panic!("a literal") }),
            "panic: a literal",
        ),
        (
            tokio::spawn(async move { panic!("not a number: {composed}") }),
            "panic",
        ),
    ];
    for (task, cause) in panics {
        let error = task.await.map(|never: ()| never).unwrap_err();
        let (log, _guard) = LogGuard::start();
        let (id, body) = told(unfinished_response(error)).await;
        assert_eq!(body, json!({"message": "An internal error occurred."}));
        let line = log.line();
        assert_eq!(
            [&line["level"], &line["request_id"], &line["cause"]],
            ["ERROR", id.as_str(), cause]
        );
        assert!(!log.text().contains("canary"));
    }
}
