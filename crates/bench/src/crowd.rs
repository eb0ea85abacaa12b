//! Many clients, each with a connection of its own, over many dimensions and instances.

use std::{
    error::Error,
    io::{self, Write as _},
    time::Duration,
};

use http::Method;

use crate::{
    INSTANCE,
    load::{Load, Request, run},
    server::{Server, Setup},
};

const CLIENTS: usize = 1_000;
/// How many dimensions there are, and how many instances.
const EACH: usize = 10_000;
/// How many connections fill the stores.
const FILLERS: usize = 16;

pub(crate) async fn measure(span: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut out = io::stdout();
    let (server, _) = Server::start(Setup::default()).await?;
    let fill = Load {
        request: &|connection, request| {
            let number = request * FILLERS + connection;
            (number < 2 * EACH).then(|| {
                let item = number / 2;
                if number.is_multiple_of(2) {
                    Request::new(Method::POST, format!("/ec2/i-{item}"), INSTANCE)
                } else {
                    let path = format!("/scalableTargetDimensions/{item}");
                    Request::new(Method::PATCH, path, r#"{"desiredCapacity":2.0}"#)
                }
            })
        },
        span: Duration::MAX,
    };
    let filled = run(&server.address, &fill, FILLERS).await?;
    let idle = server.resident_mib()?;
    writeln!(
        out,
        "{EACH} dimensions and {EACH} instances made in {:.1} s, {} not 200; resident memory {idle} MiB",
        filled.span().as_secs_f64(),
        filled.not_ok()
    )?;
    let load = Load {
        // 45 % reads of each kind, 5 % changes, 5 % lists.
        request: &|connection, request| {
            let draw = fastrand::usize(..100);
            let item = fastrand::usize(..EACH);
            Some(match draw {
                0..45 => Request::get(format!("/ec2/i-{item}")),
                45..90 => Request::get(format!("/scalableTargetDimensions/{item}")),
                90..93 => Request::new(
                    Method::PATCH,
                    format!("/scalableTargetDimensions/{item}"),
                    &format!(r#"{{"desiredCapacity":{}.5}}"#, request % 100),
                ),
                93..95 => Request::new(
                    Method::POST,
                    format!("/ec2/new-{connection}-{request}"),
                    INSTANCE,
                ),
                _ => Request::get("/ec2?aws_region=us-east-1&limit=20".to_owned()),
            })
        },
        span,
    };
    let measured = run(&server.address, &load, CLIENTS).await?;
    writeln!(
        out,
        "\n| {CLIENTS} clients | per second | median ms | 99th percentile ms | not 200 |\n|---|---|---|---|---|\n{}",
        measured.row("mixed")
    )?;
    writeln!(
        out,
        "\n99th percentile {:.1} × the median; resident memory {} MiB",
        measured.at(0.99) / measured.at(0.5),
        server.resident_mib()?
    )?;
    server.stop().await
}
