//! The effect of the local Data API's statements on the API: none that a client would notice.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    binary::Binary,
    client::{self, ServerAnswer},
};

/// The time limit for a health response meanwhile.
const HEALTHY: Duration = Duration::from_millis(100);
/// How many times health is requested.
const ASKED: usize = 21;

async fn execute(address: SocketAddr, sql: String) -> ServerAnswer {
    let body = json!({
        "resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        "secretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:fleet-db",
        "database": "ec2_inventory_db",
        "sql": sql,
        "continueAfterTimeout": true,
    });
    let signed = ("authorization", "AWS4-HMAC-SHA256 Credential=any");
    client::send_with(address, "POST", "/Execute", &[signed], body.to_string()).await
}

/// Statements that run longer than any test, each with a different kind of work.
fn endless() -> Vec<String> {
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)";
    let join = "FROM numbers a, numbers b, numbers c, numbers d, numbers e, numbers f, numbers g, numbers h";
    // No index helps.
    let never = "WHERE a.i + b.i + c.i + d.i + e.i + f.i + g.i + h.i < 0";
    vec![
        format!("{numbers} SELECT COUNT(*) FROM n a, n b, n c, n d"),
        format!("{numbers} SELECT MAX(a.i + b.i) FROM n a, n b, n c, n d"),
        format!("SELECT COUNT(*) {join}"),
        format!("SELECT SUM(a.i * b.i) {join} {never}"),
        format!("SELECT a.i, COUNT(*) {join} GROUP BY a.i ORDER BY COUNT(*)"),
        format!("SELECT DISTINCT a.i, b.i, c.i, d.i {join}"),
        // The writer.
        format!("INSERT INTO numbers (i) SELECT a.i + 1000000 {join} {never}"),
        format!("SELECT COUNT(*) {join} WHERE a.t LIKE '%a%b%c%d%e%' AND h.t LIKE '%x%y%z%'"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_answers_while_eight_endless_statements_run() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    // In a separate process, which can be killed while they run.
    let server = Binary::start(&["--data-dir", data]).await;
    let address = server.aws_address();
    let rows: Vec<String> = (0..1_000)
        .map(|i| format!("({i}, '{}')", "abcde".repeat(5)))
        .collect();
    for sql in [
        "CREATE TABLE numbers (i BIGINT PRIMARY KEY, t VARCHAR(200))".to_owned(),
        format!("INSERT INTO numbers VALUES {}", rows.join(", ")),
    ] {
        let made = execute(address, sql).await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
    let mut statements = JoinSet::new();
    for sql in endless() {
        statements.spawn(async move { execute(address, sql).await.text });
    }
    let mut waits = Vec::new();
    for _ in 0..ASKED {
        let asked = Instant::now();
        let health = client::send(server.address(), "GET", "/v1/health", "").await;
        waits.push(asked.elapsed());
        assert_eq!((health.status, health.body), (200, json!({"status": "ok"})));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = statements.try_join_next();
    assert!(ended.is_none(), "not endless: {ended:?}");
    // A machine that is busy otherwise may delay most of them; a server that waits for a statement delays all.
    waits.sort_unstable();
    assert!(waits[ASKED / 4] <= HEALTHY, "health took {waits:?}");
    drop(statements);
    server.kill().await;
}
