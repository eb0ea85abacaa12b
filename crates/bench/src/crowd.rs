//! Many clients, each with a separate connection, over many dimensions and instances.

use std::time::Duration;

use http::Method;

use crate::{
    error::BenchError,
    load::{Load, LoadRequest, LoadResult, run},
    report::{Report, ReportCell},
    server::{BenchServer, INSTANCE, ServerSetup},
};

const CLIENTS: usize = 1_000;
/// The number of dimensions, and of instances.
const EACH: usize = 10_000;
/// How many connections fill the stores.
const FILLERS: usize = 16;
/// The kinds of requests.
const KINDS: [&str; 5] = [
    INVENTORY_READ,
    DIMENSION_READ,
    DIMENSION_CHANGE,
    INVENTORY_ADD,
    INVENTORY_LIST,
];
const INVENTORY_READ: &str = "inventory read";
const DIMENSION_READ: &str = "dimension read";
const DIMENSION_CHANGE: &str = "dimension change";
const INVENTORY_ADD: &str = "inventory add";
const INVENTORY_LIST: &str = "inventory list";

pub(crate) async fn measure(setup: ServerSetup, span: Duration) -> Result<Report, BenchError> {
    let (server, _) = BenchServer::start(setup).await?;
    let fill = Load {
        request: &|connection, request| {
            let number = request * FILLERS + connection;
            (number < 2 * EACH).then(|| {
                let item = number / 2;
                if number.is_multiple_of(2) {
                    LoadRequest::new(Method::POST, format!("/ec2/i-{item}"), INSTANCE)
                } else {
                    let path = format!("/scalableTargetDimensions/{item}");
                    LoadRequest::new(Method::PATCH, path, r#"{"desiredCapacity":2.0}"#)
                }
            })
        },
        span: Duration::MAX,
    };
    let filled = run(&server.address, &fill, FILLERS).await?;
    let idle = server.resident_mib()?;
    let load = Load {
        // 45 % reads of each kind, 5 % changes and adds, 5 % lists.
        request: &|connection, request| {
            let draw = fastrand::usize(..100);
            let item = fastrand::usize(..EACH);
            Some(match draw {
                0..45 => LoadRequest::get(format!("/ec2/i-{item}")).of_kind(INVENTORY_READ),
                45..90 => LoadRequest::get(format!("/scalableTargetDimensions/{item}"))
                    .of_kind(DIMENSION_READ),
                90..93 => LoadRequest::new(
                    Method::PATCH,
                    format!("/scalableTargetDimensions/{item}"),
                    &format!(r#"{{"desiredCapacity":{}.5}}"#, request % 100),
                )
                .of_kind(DIMENSION_CHANGE),
                93..95 => LoadRequest::new(
                    Method::POST,
                    format!("/ec2/new-{connection}-{request}"),
                    INSTANCE,
                )
                .of_kind(INVENTORY_ADD),
                _ => LoadRequest::get("/ec2?aws_region=us-east-1&limit=20".to_owned())
                    .of_kind(INVENTORY_LIST),
            })
        },
        span,
    };
    let measured = run(&server.address, &load, CLIENTS).await?;
    let after = server.resident_mib()?;
    server.stop().await?;
    let row = |name: &str, result: &LoadResult, memory: [ReportCell; 2]| {
        let (half, most) = (result.at(0.5), result.at(0.99));
        let mut cells = vec![
            ReportCell::text(name),
            ReportCell::Number(result.rate(), 0),
            ReportCell::Number(half, 2),
            ReportCell::Number(most, 2),
            ReportCell::Number(most / half, 1),
        ];
        cells.extend(memory);
        cells
    };
    let memory = [idle, after].map(|mib| ReportCell::Number(mib as f64, 0));
    let mut rows = vec![row("all", &measured, memory)];
    rows.extend(KINDS.map(|kind| {
        row(
            kind,
            &measured.of_kind(kind),
            [ReportCell::Missing, ReportCell::Missing],
        )
    }));
    Ok(Report {
        title: format!("{CLIENTS} clients"),
        notes: vec![format!(
            "{EACH} dimensions and {EACH} instances made in {:.1} s, {} of them not 200; of \
             the measured requests {} were not 200.",
            filled.span().as_secs_f64(),
            filled.not_ok(),
            measured.not_ok()
        )],
        columns: vec![
            "requests",
            "per second",
            "median ms",
            "99th percentile ms",
            "99th percentile × median",
            "idle MiB",
            "loaded MiB",
        ],
        rows,
    })
}
