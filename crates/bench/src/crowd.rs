//! Many clients, each with a connection of its own, over many dimensions and instances.

use std::time::Duration;

use http::Method;

use crate::{
    BenchError, INSTANCE,
    load::{Load, LoadRequest, run},
    report::{Report, ReportCell},
    server::{BenchServer, ServerSetup},
};

const CLIENTS: usize = 1_000;
/// How many dimensions there are, and how many instances.
const EACH: usize = 10_000;
/// How many connections fill the stores.
const FILLERS: usize = 16;

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
        // 45 % reads of each kind, 5 % changes, 5 % lists.
        request: &|connection, request| {
            let draw = fastrand::usize(..100);
            let item = fastrand::usize(..EACH);
            Some(match draw {
                0..45 => LoadRequest::get(format!("/ec2/i-{item}")),
                45..90 => LoadRequest::get(format!("/scalableTargetDimensions/{item}")),
                90..93 => LoadRequest::new(
                    Method::PATCH,
                    format!("/scalableTargetDimensions/{item}"),
                    &format!(r#"{{"desiredCapacity":{}.5}}"#, request % 100),
                ),
                93..95 => LoadRequest::new(
                    Method::POST,
                    format!("/ec2/new-{connection}-{request}"),
                    INSTANCE,
                ),
                _ => LoadRequest::get("/ec2?aws_region=us-east-1&limit=20".to_owned()),
            })
        },
        span,
    };
    let measured = run(&server.address, &load, CLIENTS).await?;
    let after = server.resident_mib()?;
    server.stop().await?;
    let (half, most) = (measured.at(0.5), measured.at(0.99));
    Ok(Report {
        title: format!("{CLIENTS} clients"),
        notes: vec![format!(
            "{EACH} dimensions and {EACH} instances made in {:.1} s, {} of them not 200. 45 % reads of each kind, 5 % changes and adds, 5 % \
             lists.",
            filled.span().as_secs_f64(),
            filled.not_ok()
        )],
        columns: vec![
            "per second",
            "median ms",
            "99th percentile ms",
            "99th percentile × median",
            "not 200",
            "idle MiB",
            "loaded MiB",
        ],
        rows: vec![vec![
            ReportCell::Number(measured.rate(), 0),
            ReportCell::Number(half, 2),
            ReportCell::Number(most, 2),
            ReportCell::Number(most / half, 1),
            ReportCell::Number(measured.not_ok() as f64, 0),
            ReportCell::Number(idle as f64, 0),
            ReportCell::Number(after as f64, 0),
        ]],
    })
}
