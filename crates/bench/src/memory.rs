//! The server's memory after many requests: whether it grows with their number.

use std::time::Duration;

use http::Method;

use crate::{
    error::BenchError,
    load::{Load, LoadRequest, run},
    report::{Report, ReportCell},
    server::{BenchServer, INSTANCE, ServerSetup},
};

/// The numbers of requests after which the memory is read.
const STEPS: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Fewer steps for writes: they take longer, and what they write grows anyway.
const MIXED_STEPS: usize = 2;

/// Measures the memory after reads, and after reads and writes.
pub(crate) async fn measure(setup: ServerSetup, connections: usize) -> Result<Report, BenchError> {
    let reads = resident(setup, connections, &STEPS, &|_, number| read(number)).await?;
    let mixed = resident(setup, connections, &STEPS[..MIXED_STEPS], &mixed_request).await?;
    let steps = [0].into_iter().chain(STEPS);
    let rows = steps.enumerate().map(|(place, requests)| {
        let of = |mib: &[u64]| ReportCell::number(mib.get(place).map(|mib| *mib as f64), 0);
        vec![
            ReportCell::Number(requests as f64, 0),
            of(&reads),
            of(&mixed),
        ]
    });
    Ok(Report {
        title: "Memory".to_owned(),
        notes: vec![format!(
            "Resident memory, {connections} connections. Reads: of both stores in turn. Mixed: the same, a change of a dimension, and an \
             add of an instance with two packages in turn."
        )],
        columns: vec!["requests", "MiB, reads", "MiB, mixed"],
        rows: rows.collect(),
    })
}

fn read(number: usize) -> LoadRequest {
    LoadRequest::get(if number.is_multiple_of(2) {
        "/ec2/instance-002".to_owned()
    } else {
        "/scalableTargetDimensions/1-23456789".to_owned()
    })
}

fn mixed_request(connection: usize, number: usize) -> LoadRequest {
    match number % 4 {
        2 => {
            let body = format!(r#"{{"desiredCapacity":{number}.5}}"#);
            let path = format!("/scalableTargetDimensions/{connection}");
            LoadRequest::new(Method::PATCH, path, &body)
        }
        3 => LoadRequest::new(
            Method::POST,
            format!("/ec2/i-{connection}-{number}"),
            INSTANCE,
        ),
        _ => read(number),
    }
}

/// The memory of a new server in MiB, after its start and after each of the steps.
async fn resident(
    setup: ServerSetup,
    connections: usize,
    steps: &[usize],
    request: &(dyn Fn(usize, usize) -> LoadRequest + Sync),
) -> Result<Vec<u64>, BenchError> {
    let (server, _) = BenchServer::start(setup).await?;
    server
        .send(Method::POST, "/ec2/instance-002", INSTANCE)
        .await?;
    let mut mib = vec![server.resident_mib()?];
    let mut done = 0;
    for step in steps {
        let (first, more) = (done, (step - done).div_ceil(connections));
        let load = Load {
            request: &|connection, number| {
                (number < more).then(|| request(connection, first + number))
            },
            span: Duration::MAX,
        };
        let measured = run(&server.address, &load, connections).await?;
        if measured.not_ok() > 0 {
            return Err(format!("{} answers were not 200", measured.not_ok()).into());
        }
        done = *step;
        mib.push(server.resident_mib()?);
    }
    server.stop().await?;
    Ok(mib)
}
