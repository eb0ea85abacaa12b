//! The measurements in the README, repeated by one command: `cargo run --release -p fleet-bench`.
//!
//! Starts the whole server in its own process, with embedded storage in its own folder, and measures what a
//! user waits for: the start, memory, and how many requests a second are answered over loopback. The load client
//! shares the machine with the server. Nothing is asserted here; timings are not tests.

mod load;
mod server;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use http::Method;

use crate::{
    load::{Load, run},
    server::Server,
};

/// Measures Fleet API's server on this machine.
#[derive(Parser)]
#[command(name = "fleet-bench", version)]
struct Options {
    /// Seconds of load for each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Concurrent connections
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

const INSTANCE: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"},{"package_name":"package-1","package_version":"v2"}]}"#;

#[tokio::main]
async fn main() -> ExitCode {
    // The server under measurement is this program, told so by the environment.
    let outcome = if env::var_os(server::SERVE).is_some() {
        server::serve().await
    } else {
        measure(Options::parse()).await
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fleet-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (server, ready) = Server::start().await?;
    let mut out = io::stdout();
    writeln!(
        out,
        "{} connections, {} s each, {} processors",
        options.connections,
        options.seconds,
        std::thread::available_parallelism()?
    )?;
    writeln!(out, "ready to answer after {} ms", ready.as_millis())?;
    writeln!(
        out,
        "resident memory after the start {} MiB",
        server.resident_mib()?
    )?;
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

    writeln!(
        out,
        "\n| request | per second | median ms | 99th percentile ms | not 200 |\n|---|---|---|---|---|"
    )?;
    let reads: [(&str, &str); 5] = [
        ("health", "/v1/health"),
        ("books", "/api/books"),
        ("inventory read", "/ec2/instance-002"),
        ("inventory list", "/ec2?aws_region=us-east-1"),
        ("dimension read", "/scalableTargetDimensions/1-23456789"),
    ];
    let span = Duration::from_secs(options.seconds);
    for (name, path) in reads {
        let load = Load {
            method: Method::GET,
            path: &|_, _| path.to_owned(),
            body: &|_| String::new(),
            span,
        };
        writeln!(
            out,
            "{}",
            run(&server.address, &load, options.connections)
                .await?
                .row(name)
        )?;
    }
    let load = Load {
        method: Method::POST,
        path: &|connection, request| format!("/ec2/i-{connection}-{request}"),
        body: &|_| INSTANCE.to_owned(),
        span,
    };
    writeln!(
        out,
        "{}",
        run(&server.address, &load, options.connections)
            .await?
            .row("inventory add, 2 packages")
    )?;
    let load = Load {
        method: Method::PATCH,
        path: &|connection, _| format!("/scalableTargetDimensions/{connection}"),
        body: &|request| format!(r#"{{"desiredCapacity":{request}.5}}"#),
        span,
    };
    writeln!(
        out,
        "{}",
        run(&server.address, &load, options.connections)
            .await?
            .row("dimension change")
    )?;
    writeln!(
        out,
        "\nresident memory after the load {} MiB",
        server.resident_mib()?
    )?;
    server.stop().await
}
