//! Events that API Gateway never sends and requests that no client should: each gets a response, and none causes a panic.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use fastrand::Rng;
use fleet_faults::{FaultRun, Functions, ServerProcess, Stores, client::send, functions::invoke};
use fleet_http::ApiGatewayProxyRequest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");

/// The events in `events/` that are API Gateway's.
fn events() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let events = files
        .map(|path| fs::read_to_string(path).unwrap())
        .filter_map(|text| serde_json::from_str::<Value>(&text).ok());
    events
        .filter(|event| event.get("httpMethod").is_some())
        .collect()
}

fn junk_text(rng: &mut Rng) -> String {
    let texts = [
        "", " ", "\0", "\r\n", "%", "%zz", "../..", "{", "[]", "{}", "null", "é𝕏", "http://[",
        "a b:c/[", "=", "e30=", "-1", "1e999",
    ];
    match rng.u8(0..6) {
        0 => "x".repeat(rng.usize(0..5_000)),
        1 => (0..rng.usize(0..300)).map(|_| rng.char(..)).collect(),
        _ => texts[rng.usize(..texts.len())].to_owned(),
    }
}

fn junk(rng: &mut Rng) -> Value {
    match rng.u8(0..9) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!(rng.f64()),
        4 => json!([]),
        5 => json!({}),
        6 => json!([junk_text(rng), null, 1]),
        _ => json!(junk_text(rng)),
    }
}

/// Replaces, removes or adds something somewhere in `value`.
fn mutate(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::Object(fields) if !fields.is_empty() && rng.u8(0..20) > 0 => {
            let key = fields
                .keys()
                .nth(rng.usize(..fields.len()))
                .unwrap()
                .clone();
            match rng.u8(0..12) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(format!("{key}{}", rng.alphanumeric()), junk(rng))),
                _ => mutate(&mut fields[&key], rng),
            }
        }
        Value::Array(entries) if !entries.is_empty() && rng.bool() => {
            let entry = rng.usize(..entries.len());
            mutate(&mut entries[entry], rng);
        }
        // Mostly with other text: anything that is not text is rejected before a function sees it.
        Value::String(text) if rng.u8(0..6) > 0 => *text = junk_text(rng),
        other => *other = junk(rng),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_event_is_no_panic_of_any_function() {
    let run = FaultRun::of("malformed events");
    let count = run.count(60, 300);
    let stores = Stores::start().await;
    let functions = Functions::demo(&stores.config());
    let all = events();
    let mut refused = 0;
    for (number, function) in functions.each().enumerate() {
        let mut rng = run.rng(number);
        let is_ours = |event: &&Value| {
            function
                .routes()
                .iter()
                .any(|(_, route)| event["resource"] == *route)
        };
        let own: Vec<&Value> = all.iter().filter(is_ours).collect();
        assert!(!own.is_empty(), "{}", function.name());
        let mut seen = 0;
        while seen < count {
            // Most events are for its own routes; some are for another function's.
            let mut event = if rng.u8(0..10) == 0 {
                all[rng.usize(..all.len())].clone()
            } else {
                own[rng.usize(..own.len())].clone()
            };
            for _ in 0..rng.u8(1..4) {
                mutate(&mut event, &mut rng);
            }
            let mut bytes = event.to_string().into_bytes();
            if rng.u8(0..20) == 0 {
                bytes.truncate(rng.usize(..bytes.len()));
            }
            match serde_json::from_slice::<ApiGatewayProxyRequest>(&bytes) {
                // The runtime responds to these itself, before a function sees them.
                Err(_) => refused += 1,
                Ok(event) => {
                    let answer = invoke(function, event).await;
                    assert!(
                        matches!(answer.status, 200 | 400 | 404),
                        "{}: {answer:?} to {}",
                        function.name(),
                        String::from_utf8_lossy(&bytes)
                    );
                    seen += 1;
                }
            }
        }
    }
    run.report(format_args!(
        "{count} for each of 10 functions, and {refused} that are no event at all; 0 panics"
    ));
}

fn any_request(rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng, from: &[&str]| from[rng.usize(..from.len())].to_owned();
    if rng.u8(0..5) == 0 {
        return (0..rng.usize(0..2_000)).map(|_| rng.u8(..)).collect();
    }
    let method = pick(
        rng,
        &[
            "GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "G\u{e9}T",
            "X", "",
        ],
    );
    let segments = [
        "ec2",
        "i-1",
        "v1",
        "api",
        "books",
        "authors",
        "1",
        "health",
        "ready",
        "metadata",
        "scalableTargetDimensions",
        "..",
        ".",
        "",
        "%",
        "%2F",
        "%00",
        "%ff",
        "%F0%9F%91%A9",
        "a+b",
        "*",
        ";x=1",
        "é",
        " ",
    ];
    let path: String = (0..rng.usize(0..5))
        .map(|_| format!("/{}", pick(rng, &segments)))
        .collect();
    let query = pick(
        rng,
        &[
            "",
            "",
            "?",
            "?limit=1",
            "?limit=99999999999999999999",
            "?limit=1&limit=2",
            "?%=%&&&==",
            "?next_token=AAAA",
            "?aws_region=%ff",
        ],
    );
    let body = match rng.u8(0..6) {
        0 => Vec::new(),
        1 => (0..rng.usize(0..5_000)).map(|_| rng.u8(..)).collect(),
        2 => "[".repeat(rng.usize(0..50_000)).into_bytes(),
        3 => br#"{"aws_region":"r","aws_account":"a","packages":[{"package_name":"p","package_version":"v"}]}"#.to_vec(),
        4 => br#"{"desiredCapacity":2.0}"#.to_vec(),
        _ => {
            let mut body = json!({"aws_region": "r", "aws_account": "a", "packages": [{"package_name": "p", "package_version": "v"}], "desiredCapacity": 1});
            mutate(&mut body, rng);
            body.to_string().into_bytes()
        }
    };
    let length = match rng.u8(0..10) {
        0 => "content-length: -1\r\n".to_owned(),
        1 => format!("content-length: {}\r\n", body.len() + rng.usize(1..100)),
        2 => "transfer-encoding: chunked\r\n".to_owned(),
        3 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    let hosts = [
        "host: a\r\n",
        "host: a b:c/[\r\n",
        "host: \r\n",
        "",
        "host: a\r\nhost: b\r\n",
        "host: user@a\r\n",
    ];
    let others = [
        "",
        "expect: 100-continue\r\n",
        "x: \u{e9}\r\n",
        "content-type: \0\r\n",
        "accept: */*\r\n",
        "connection: close\r\n",
        ": \r\n",
        "x-forwarded-for: ''\r\n",
    ];
    let version = pick(
        rng,
        &[
            "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "",
        ],
    );
    let head = format!(
        "{method} {path}{query} {version}\r\n{}{}{length}\r\n",
        pick(rng, &hosts),
        pick(rng, &others)
    );
    let mut bytes = [head.into_bytes(), body].concat();
    if rng.u8(0..4) == 0 {
        let at = rng.usize(..bytes.len());
        bytes[at] = rng.u8(..);
    }
    bytes
}

/// Sends bytes and closes the sending half; returns the response.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may immediately close a connection that is not HTTP.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
        .await
        .expect("the server neither answers nor closes");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_request_is_no_panic_of_the_server() {
    let run = FaultRun::of("random requests");
    let count = run.count(400, 10_000);
    let mut server = ServerProcess::start(
        SERVER,
        &["--in-memory"],
        &[("RUST_LOG", "info,dynoxide=error")],
    )
    .await;
    let address = server.address();
    let mut tasks = JoinSet::new();
    for worker in 0..8 {
        let mut rng = run.rng(worker);
        tasks.spawn(async move {
            let mut answered = 0;
            for _ in (worker..count).step_by(8) {
                let request = any_request(&mut rng);
                let answer = exchange(address, &request).await;
                let text = String::from_utf8_lossy(&answer);
                assert!(
                    !text.starts_with("HTTP/1.1 5"),
                    "{text}\nto\n{}",
                    String::from_utf8_lossy(&request)
                );
                answered += usize::from(text.starts_with("HTTP/1."));
            }
            answered
        });
    }
    let answered: usize = tasks.join_all().await.iter().sum();
    assert_eq!(
        send(address, "GET", "/v1/health/ready", "").await.status,
        200
    );
    assert!(server.is_running());
    let panics: Vec<String> = server
        .output()
        .into_iter()
        .filter(|line| line.contains("panic"))
        .collect();
    assert_eq!(panics, Vec::<String>::new());
    run.report(format_args!("{count}, {answered} answered, 0 panics"));
}
