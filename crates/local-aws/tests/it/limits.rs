//! The service's limits, on both sides.

use std::time::Duration;

use aws_sdk_rdsdata::{
    operation::execute_statement::ExecuteStatementError,
    types::{Field, RecordsFormatType},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Aws, CLUSTER, DATABASE, SECRET, SIGNATURE, parameter, text};

/// Sends a statement with its text parameters on its own connection; returns the status, the body, and how many bytes
/// the request had: path, headers with their colons and line ends, and body.
async fn execute(aws: &Aws, sql: &str, parameters: &[(&str, usize)]) -> (u16, String, usize) {
    let texts = parameters.iter().map(
        |(name, bytes)| json!({ "name": name, "value": { "stringValue": "x".repeat(*bytes) } }),
    );
    let parameters: Vec<_> = texts.collect();
    let body =
        json!({ "resourceArn": CLUSTER, "secretArn": SECRET, "database": DATABASE, "sql": sql, "parameters": parameters }).to_string();
    let (address, length) = (aws.local.local_addr().to_string(), body.len().to_string());
    let headers = [
        ("host", address.as_str()),
        ("authorization", SIGNATURE),
        ("content-length", &length),
        ("connection", "close"),
    ];
    let bytes = "/Execute".len()
        + headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum::<usize>()
        + body.len();
    let head: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream
        .write_all(format!("POST /Execute HTTP/1.1\r\n{head}\r\n{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
        bytes,
    )
}

/// A SELECT that returns this many rows of this many bytes.
fn rows(count: usize, bytes: usize) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         SELECT '{}' AS v FROM n a, n b LIMIT {count}",
        "x".repeat(bytes)
    )
}

fn too_large(error: &ExecuteStatementError) -> bool {
    matches!(error, ExecuteStatementError::UnsupportedResultException(_))
}

#[tokio::test]
async fn sql_may_have_65536_characters() {
    let aws = Aws::start().await;
    let sql =
        |characters: usize| format!("SELECT '{}'", "é".repeat(characters - "SELECT ''".len()));
    assert!(
        aws.sql(&sql(65_536), &[])
            .await
            .is_err_and(|error| !error.is_bad_request_exception())
    );
    assert!(
        aws.sql(&sql(65_537), &[])
            .await
            .unwrap_err()
            .is_bad_request_exception()
    );
    let fits = format!("SELECT 1{}", " ".repeat(65_536 - "SELECT 1".len()));
    assert!(aws.sql(&fits, &[]).await.is_ok());
    assert!(
        aws.sql(&format!("{fits} "), &[])
            .await
            .unwrap_err()
            .is_bad_request_exception()
    );
}

#[tokio::test]
async fn a_row_may_have_64_kib() {
    let aws = Aws::start().await;
    let value = |bytes: usize| [("v", text(&"x".repeat(bytes)))];
    assert!(aws.sql("SELECT :v", &value(65_536)).await.is_ok());
    let error = aws.sql("SELECT :v", &value(65_537)).await.unwrap_err();
    assert!(too_large(&error), "{error:?}");
    assert_eq!(
        error.meta().message(),
        Some("Packet for query is too large")
    );
}

#[tokio::test]
async fn a_response_may_have_one_mebibyte() {
    let aws = Aws::start().await;
    // `[{"stringValue":"…"}],` around 1,000 bytes: 1,022 bytes a row.
    let fitting = 1_048_576 / 1_022;
    assert_eq!(
        aws.sql(&rows(fitting, 1_000), &[])
            .await
            .unwrap()
            .records()
            .len(),
        fitting
    );
    let error = aws.sql(&rows(fitting + 1, 1_000), &[]).await.unwrap_err();
    assert!(too_large(&error), "{error:?}");
    assert_eq!(
        error.meta().message(),
        Some("Database returned more than the allowed response size limit")
    );
    let more = aws.sql(&rows(200, 60_000), &[]).await.unwrap_err();
    assert!(too_large(&more), "{more:?}");
}

#[tokio::test]
async fn a_response_may_have_one_mebibyte_to_the_byte() {
    let aws = Aws::start().await;
    let sql = format!("{}SELECT :b", "SELECT :a AS v UNION ALL ".repeat(16));
    let answer = async |last: usize| {
        let (status, body, _) = execute(&aws, &sql, &[("a", 65_000), ("b", last)]).await;
        (status, body)
    };
    let (status, short) = answer(1).await;
    assert_eq!(status, 200);
    let left = 1_048_576 - short.len();
    let (status, full) = answer(1 + left).await;
    assert_eq!((status, full.len()), (200, 1_048_576));
    let (status, refused) = answer(2 + left).await;
    assert!(
        status == 400
            && refused.contains("Database returned more than the allowed response size limit"),
        "{status}: {refused:.200}"
    );
}

#[tokio::test]
async fn json_may_have_ten_megabytes() {
    let aws = Aws::start().await;
    let json = |sql: String| {
        let call = aws
            .data
            .execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .database(DATABASE);
        call.sql(sql)
            .format_records_as(RecordsFormatType::Json)
            .send()
    };
    assert_eq!(
        json(rows(150, 60_000))
            .await
            .unwrap()
            .formatted_records()
            .map(str::len),
        Some(150 * 60_009 + 1)
    );
    assert!(too_large(
        &json(rows(170, 60_000))
            .await
            .unwrap_err()
            .into_service_error()
    ));
}

#[tokio::test]
async fn a_request_may_have_four_mebibytes() {
    let aws = &Aws::start().await;
    let send = |bytes: usize| async move {
        let parameters = [("v", text(&"x".repeat(bytes)))];
        aws.sql("SELECT CHAR_LENGTH(:v)", &parameters)
            .await
            .map(|output| output.records()[0][0].clone())
    };
    // Headers and JSON take less than 4 KiB.
    assert_eq!(
        send(4 * 1024 * 1024 - 4096).await.unwrap(),
        Field::LongValue(4 * 1024 * 1024 - 4096)
    );
    assert!(
        send(4 * 1024 * 1024)
            .await
            .unwrap_err()
            .is_bad_request_exception()
    );
    assert!(
        send(20 * 1024 * 1024)
            .await
            .unwrap_err()
            .is_bad_request_exception()
    );
}

#[tokio::test]
async fn a_request_may_have_four_mebibytes_to_the_byte() {
    let aws = Aws::start().await;
    let limit = 4 * 1024 * 1024;
    // The number of digits of the length stays the same.
    let (_, _, bytes) = execute(&aws, "SELECT CHAR_LENGTH(:v)", &[("v", 4_000_000)]).await;
    let fits = 4_000_000 + limit - bytes;
    let (status, body, bytes) = execute(&aws, "SELECT CHAR_LENGTH(:v)", &[("v", fits)]).await;
    assert_eq!((status, bytes), (200, limit), "{body:.200}");
    let (status, body, bytes) = execute(&aws, "SELECT CHAR_LENGTH(:v)", &[("v", fits + 1)]).await;
    assert_eq!((status, bytes), (400, limit + 1), "{body:.200}");
    assert!(
        body.contains("larger than the allowed size of 4194304 bytes"),
        "{body:.200}"
    );
}

#[tokio::test]
async fn a_batch_may_have_as_many_sets_as_a_request_holds() {
    let aws = Aws::start().await;
    let batch = |count: usize| {
        let sets = (0..count)
            .map(|n| vec![parameter("name", text(&n.to_string()))])
            .collect();
        let call = aws
            .data
            .batch_execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .database(DATABASE);
        call.sql("INSERT IGNORE INTO kinds (name) VALUES (:name)")
            .set_parameter_sets(Some(sets))
            .send()
    };
    assert_eq!(batch(1_500).await.unwrap().update_results().len(), 1_500);
}

/// A practically endless join.
const ENDLESS: &str = "SELECT COUNT(*) FROM numbers a, numbers b, numbers c, numbers d, numbers e, numbers f, numbers g, numbers h";

async fn with_numbers(change: impl FnOnce(&mut fleet_local_aws::Timeouts)) -> Aws {
    let aws = Aws::with_timeouts(change).await;
    let create = "CREATE TABLE numbers (n INT PRIMARY KEY)";
    aws.sql(create, &[]).await.unwrap();
    let rows: Vec<String> = (0..1_000).map(|n| format!("({n})")).collect();
    let insert = format!("INSERT INTO numbers VALUES {}", rows.join(", "));
    aws.sql(&insert, &[]).await.unwrap();
    aws
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_requests_are_answered_while_endless_statements_run_and_a_stop_ends_them() {
    let aws = with_numbers(|timeouts| timeouts.statement = Duration::from_secs(2)).await;
    let endless = || async {
        let call = aws.data.execute_statement();
        let sent = call
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .sql(ENDLESS)
            .continue_after_timeout(true)
            .send()
            .await;
        sent.unwrap_err().into_service_error()
    };
    let others = async {
        for _ in 0..5 {
            let id = aws.begin().await;
            aws.rollback(&id).await.unwrap();
        }
    };
    let (a, b, c, d, e, f, g, h, others) = tokio::join!(
        endless(),
        endless(),
        endless(),
        endless(),
        endless(),
        endless(),
        endless(),
        endless(),
        tokio::time::timeout(Duration::from_secs(20), others)
    );
    for error in [a, b, c, d, e, f, g, h] {
        assert!(error.is_statement_timeout_exception(), "{error:?}");
    }
    others.unwrap();
    // Some of them continue, but hold no slot.
    let one = aws.sql("SELECT n FROM numbers WHERE n = 1", &[]).await;
    assert!(one.is_ok(), "{one:?}");
    let stopped = tokio::time::timeout(Duration::from_secs(60), aws.local.stop()).await;
    assert!(stopped.is_ok(), "a statement outlived the stop");
}

#[tokio::test]
async fn what_would_take_the_memory_or_the_stack_is_refused() {
    let aws = Aws::start().await;
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let refused = aws.refusal(&deep, &[]).await;
    assert!(refused.contains("nested too deeply"), "{refused}");
    // Each REPLACE doubles the text.
    let mut doubled = "'aaaaaaaaaaaaaaaa'".to_owned();
    for _ in 0..30 {
        doubled = format!("REPLACE({doubled}, 'a', 'aa')");
    }
    let refused = aws.refusal(&format!("SELECT LENGTH({doubled})"), &[]).await;
    assert!(refused.contains("Error code: 1153"), "{refused}");
    assert!(aws.sql("SELECT 1", &[]).await.is_ok());
}
