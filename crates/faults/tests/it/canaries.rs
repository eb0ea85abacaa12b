//! Secrets never appear, neither in a log line nor in a response, however a request fails.

use fleet_faults::{
    ClientResponse, Fault, FaultRun, Proxy, ServerConnection, ServerProcess, Stores,
};
use fleet_local_aws::SecretOption;
use serde_json::{Value, json};

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");
/// The text that every canary contains.
const CANARY: &str = "CANARY";

fn body() -> String {
    json!({"aws_region": "CANARY-body", "aws_account": "CANARY-body",
        "packages": [{"package_name": "CANARY-body", "package_version": "CANARY-body"}]})
    .to_string()
}

/// Every way in which a store can fail, with messages that quote values where the database does.
fn faults() -> Vec<Option<Fault>> {
    let refuse = |status, exception, message: &str| {
        Some(Fault::Refuse {
            status,
            exception: Some(exception),
            message: message.to_owned(),
            done: false,
        })
    };
    vec![
        None,
        Some(Fault::ResetAnswer(3)),
        Some(Fault::TruncateAnswer(200)),
        refuse(
            500,
            "InternalServerErrorException",
            "An internal error occurred.",
        ),
        refuse(400, "StatementTimeoutException", "The statement timed out."),
        refuse(403, "AccessDeniedException", "User is not authorized."),
        refuse(400, "InvalidSecretException", "The secret has no username."),
        refuse(
            400,
            "ValidationException",
            "One or more parameter values were invalid.",
        ),
        refuse(
            400,
            "DatabaseErrorException",
            "Duplicate entry 'CANARY-body-it''s 'quoted'-1' for key 'ec2_package.PRIMARY'; Error code: 1062; SQLState: 23000",
        ),
        refuse(
            400,
            "DatabaseErrorException",
            "Incorrect string value: 'CANARY-body' for column 'aws_region' at row 1; Error code: 1366; SQLState: HY000",
        ),
        refuse(
            400,
            "BadRequestException",
            "Truncated incorrect DOUBLE value: 'CANARY-body'; Error code: 1292; SQLState: 22007",
        ),
        refuse(
            400,
            "DatabaseErrorException",
            "Data too long for column 'aws_region' at row 1; Error code: 1406; SQLState: 22001",
        ),
    ]
}

/// Sends a request in which everything that may be secret is a canary.
async fn ask(
    connection: &mut ServerConnection,
    method: &str,
    path: &str,
    body: &str,
) -> ClientResponse {
    let headers = [
        ("x-api-key", "CANARY-header"),
        ("authorization", "Bearer CANARY-header"),
        ("cookie", "session=CANARY-header"),
        ("user-agent", "CANARY-header"),
        ("x-forwarded-for", "CANARY-header"),
    ];
    connection
        .send_with(method, path, &headers, body.to_owned())
        .await
        .unwrap()
}

/// An error may contain the client's own id, which the message for a duplicate does by contract, and nothing else.
fn assert_tells_nothing(answer: &ClientResponse) {
    let told = answer.text.replace("CANARY-path", "");
    assert!(
        answer.status < 400 || !told.contains(CANARY),
        "{}",
        answer.text
    );
    assert!(
        !["CANARY-header", "CANARY-secret"]
            .iter()
            .any(|secret| answer.text.contains(secret)),
        "{}",
        answer.text
    );
    assert!(answer.headers.values().all(|value| {
        !value
            .as_bytes()
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes())
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_shows_in_a_log_line_or_an_error() {
    let run = FaultRun::of("canaries");
    let secret = SecretOption {
        name: "fleet-db".into(),
        username: "CANARY-secret".into(),
        password: "CANARY-secret".into(),
    };
    let stores = Stores::start_with(|options| options.secret = secret).await;
    let proxy = Proxy::start(stores.address()).await;
    let endpoint = proxy.endpoint_url();
    let variables = [
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        // Not a secret: it is in plain text in every request, and the SDK logs it.
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "CANARY-secret"),
        ("AWS_SESSION_TOKEN", "CANARY-secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("RUST_LOG", "trace"),
    ];
    let server = ServerProcess::start(SERVER, &["--backend", "aws"], &variables).await;
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    let (mut answers, mut errors) = (0, 0);
    let instance = "/ec2/CANARY-path";
    let dimension = "/v1/scalableTargetDimensions/CANARY-path?x=CANARY-query";
    for (number, fault) in faults().into_iter().enumerate() {
        // At every call, so that it lasts; and only at the third one, where an add inserts its packages.
        for only in [None, Some(2)] {
            let fault = fault.clone();
            // A persistent one counts as a duplicate only for an insert; other calls would be retried for seconds.
            if only.is_none()
                && matches!(&fault, Some(Fault::Refuse { message, .. }) if message.starts_with("Duplicate"))
            {
                continue;
            }
            proxy.plan(move |call| {
                if only.is_none_or(|nth| call.nth == nth) {
                    fault.clone()
                } else {
                    None
                }
            });
            let capacity = format!(r#"{{"desiredCapacity":{}}}"#, number + 2);
            for (method, path, body) in [
                ("POST", instance, body().as_str()),
                ("POST", instance, body().as_str()),
                ("GET", instance, ""),
                (
                    "GET",
                    "/ec2?aws_region=CANARY-query&package_name=CANARY-query&package_version=CANARY-query",
                    "",
                ),
                ("DELETE", instance, ""),
                ("PATCH", dimension, capacity.as_str()),
                ("GET", dimension, ""),
                ("GET", "/v1/health/ready", ""),
                ("GET", "/_ui/instances?search=CANARY-query", ""),
                ("GET", "/_ui/dimensions", ""),
            ] {
                let answer = ask(&mut connection, method, path, body).await;
                assert_tells_nothing(&answer);
                answers += 1;
                errors += usize::from(answer.status >= 400);
            }
        }
    }
    proxy.plan(|_| None);
    for (method, path, body) in [
        (
            "POST",
            "/ec2/CANARY-path",
            r#"{"aws_region":"CANARY-body","aws_account":["CANARY-body"]}"#,
        ),
        (
            "POST",
            "/ec2/CANARY-path",
            r#"{"aws_region":"CANARY-body" "CANARY-body"}"#,
        ),
        (
            "POST",
            "/ec2/CANARY-path",
            r#"{"aws_region":"CANARY-body that is much too long for a region","aws_account":"a"}"#,
        ),
        ("POST", "/ec2/CANARY-path%00", "CANARY-body"),
        ("PATCH", dimension, r#"{"desiredCapacity":"CANARY-body"}"#),
        ("GET", "/ec2?limit=CANARY-query", ""),
        ("GET", "/ec2?next_token=CANARY-query", ""),
        ("GET", "/nowhere/CANARY-path?x=CANARY-query", ""),
        ("GET", "/api/books/CANARY-path", ""),
        ("PUT", "/ec2/CANARY-path", "CANARY-body"),
        ("GET", "/ec2/%FFCANARY-path", ""),
    ] {
        let answer = ask(&mut connection, method, path, body).await;
        assert!(
            (400..500).contains(&answer.status),
            "{method} {path}: {}",
            answer.text
        );
        assert_tells_nothing(&answer);
        answers += 1;
        errors += 1;
    }
    let lines = server.output();
    assert!(
        lines.len() > answers,
        "{} lines for {answers} answers",
        lines.len()
    );
    let is_change = |line: &str| {
        serde_json::from_str::<Value>(line).is_ok_and(|line| line["message"] == "dimension changed")
    };
    let told: Vec<&String> = lines
        .iter()
        .filter(|line| {
            // The event of a dimension's change contains the dimension's id, by contract, and the line of an unknown
            // route its path; neither contains anything else.
            let is_unknown = line.contains("no such route");
            let line = if line.contains("dimension changed") || is_change(line) || is_unknown {
                line.replace("CANARY-path", "")
            } else {
                (*line).clone()
            };
            line.contains(CANARY)
        })
        .collect();
    assert!(told.is_empty(), "{told:#?}");
    run.report(format_args!(
        "{answers} answers, {errors} of them errors, {} lines of the log; none shows one",
        lines.len()
    ));
}
