//! Each kind of request: its rate, its latency, and the processor time and store calls per request.

use std::time::Duration;

use http::Method;

use crate::{
    error::BenchError,
    load::{Load, LoadRequest, run},
    report::{Report, ReportCell},
    server::{BenchServer, INSTANCE, ServerSetup},
    statistics::median,
};

/// Creates a request from the round and the numbers of the connection and of the request on it. The round keeps runs
/// apart.
type RequestOf = fn(usize, usize, usize) -> LoadRequest;

/// The kinds of requests. The others are compared with the first one.
const KINDS: [(&str, RequestOf); 7] = [
    ("health", |_, _, _| {
        LoadRequest::get("/v1/health".to_owned())
    }),
    ("books", |_, _, _| LoadRequest::get("/api/books".to_owned())),
    ("inventory read", |_, _, _| {
        LoadRequest::get("/ec2/instance-002".to_owned())
    }),
    ("inventory list", |_, _, _| {
        LoadRequest::get("/ec2?aws_region=us-east-1".to_owned())
    }),
    ("dimension read", |_, _, _| {
        LoadRequest::get("/scalableTargetDimensions/1-23456789".to_owned())
    }),
    ("inventory add, 2 packages", |round, connection, number| {
        LoadRequest::new(
            Method::POST,
            format!("/ec2/i-{round}-{connection}-{number}"),
            INSTANCE,
        )
    }),
    ("dimension change", |round, connection, number| {
        let path = format!("/scalableTargetDimensions/{connection}");
        let body = format!(r#"{{"desiredCapacity":{round}{number}.5}}"#);
        LoadRequest::new(Method::PATCH, path, &body)
    }),
];

/// What to measure, and how often.
#[derive(Clone, Copy)]
pub(crate) struct RequestPlan {
    pub(crate) setup: ServerSetup,
    pub(crate) span: Duration,
    pub(crate) runs: usize,
}

/// One kind, measured once.
struct RequestSample {
    rate: f64,
    ratio: f64,
    median: f64,
    worst: f64,
    processor: f64,
    not_ok: usize,
}

/// Measures every kind with that many connections.
pub(crate) async fn measure(plan: RequestPlan, connections: usize) -> Result<Report, BenchError> {
    let (server, ready) = BenchServer::start(plan.setup).await?;
    let mut notes = vec![
        format!(
            "{connections} connections, medians of {} runs of {} s each, {} processors, which the load shares; the server was ready \
             after {} ms.",
            plan.runs,
            plan.span.as_secs(),
            std::thread::available_parallelism()?,
            ready.as_millis()
        ),
        format!(
            "Resident memory after the start {} MiB.",
            server.resident_mib()?
        ),
    ];
    server
        .send(Method::POST, "/ec2/instance-002", INSTANCE)
        .await?;
    server
        .send(
            Method::PATCH,
            "/scalableTargetDimensions/1-23456789",
            r#"{"desiredCapacity":2.0}"#,
        )
        .await?;
    let mut samples: Vec<Vec<RequestSample>> = KINDS.iter().map(|_| Vec::new()).collect();
    let mut calls = Vec::new();
    for round in 1..=plan.runs {
        let mut health = None;
        for (kind, (_, request)) in KINDS.iter().enumerate() {
            let load = Load {
                request: &|connection, number| Some(request(round, connection, number)),
                span: plan.span,
            };
            let before = server.processor_time()?;
            let measured = run(&server.address, &load, connections).await?;
            let spent = server.processor_time()?.saturating_sub(before);
            let rate = measured.rate();
            samples[kind].push(RequestSample {
                rate,
                ratio: rate / *health.get_or_insert(rate),
                median: measured.at(0.5),
                worst: measured.at(0.99),
                processor: 1e6 * spent.as_secs_f64() / measured.count().max(1) as f64,
                not_ok: measured.not_ok(),
            });
            if round == 1 {
                calls.push(server.last_calls());
            }
        }
    }
    notes.push(format!(
        "Resident memory after the load {} MiB.",
        server.resident_mib()?
    ));
    server.stop().await?;
    let rows = KINDS
        .iter()
        .zip(&samples)
        .zip(calls)
        .map(|(((name, _), samples), calls)| {
            let of = |part: fn(&RequestSample) -> f64| median(samples.iter().map(part));
            let not_ok: usize = samples.iter().map(|sample| sample.not_ok).sum();
            vec![
                ReportCell::text(*name),
                ReportCell::number(of(|sample| sample.rate), 0),
                ReportCell::number(of(|sample| sample.ratio), 3),
                ReportCell::number(of(|sample| sample.median), 2),
                ReportCell::number(of(|sample| sample.worst), 2),
                ReportCell::number(of(|sample| sample.processor), 0),
                ReportCell::number(calls.map(f64::from), 0),
                ReportCell::Number(not_ok as f64, 0),
            ]
        });
    Ok(Report {
        title: format!("Requests, {connections} connections"),
        notes,
        columns: vec![
            "request",
            "per second",
            "× health",
            "median ms",
            "99th percentile ms",
            "server's processor µs",
            "store calls",
            "not 200",
        ],
        rows: rows.collect(),
    })
}
