//! The measurements in the README, repeated by one command: `cargo run --release -p fleet-bench`.
//!
//! Starts the whole server in its own process, with embedded storage in its own folder, and measures what a
//! user waits for: the start, memory, and how many requests a second are answered over loopback. The load client
//! shares the machine with the server. Nothing is asserted here; timings are not tests.

mod crowd;
mod growth;
mod load;
mod server;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use http::Method;

use crate::{
    load::{Load, Measured, Request, run},
    server::{Server, Setup},
};

/// Measures Fleet API's server on this machine.
#[derive(Parser)]
#[command(name = "fleet-bench", version)]
struct Options {
    /// What to measure
    #[arg(value_enum, default_value_t = Subject::Requests)]
    subject: Subject,
    /// Run the SQL on a MariaDB, which must be installed (growth only)
    #[arg(long)]
    mariadb: bool,
    /// Seconds of load for each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Concurrent connections
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// Start, memory, and each kind of request
    Requests,
    /// 1,000 clients over 10,000 dimensions and 10,000 instances
    Crowd,
    /// Lists of 1,000,000 instances
    Growth,
}

/// The instance that is added.
pub(crate) const INSTANCE: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"},{"package_name":"package-1","package_version":"v2"}]}"#;

/// A request by the number of the connection and of the request on it.
type RequestOf = fn(usize, usize) -> Request;

/// The kinds of requests.
const KINDS: [(&str, RequestOf); 7] = [
    ("health", |_, _| Request::get("/v1/health".to_owned())),
    ("books", |_, _| Request::get("/api/books".to_owned())),
    ("inventory read", |_, _| {
        Request::get("/ec2/instance-002".to_owned())
    }),
    ("inventory list", |_, _| {
        Request::get("/ec2?aws_region=us-east-1".to_owned())
    }),
    ("dimension read", |_, _| {
        Request::get("/scalableTargetDimensions/1-23456789".to_owned())
    }),
    ("inventory add, 2 packages", |connection, number| {
        Request::new(
            Method::POST,
            format!("/ec2/i-{connection}-{number}"),
            INSTANCE,
        )
    }),
    ("dimension change", |connection, number| {
        let path = format!("/scalableTargetDimensions/{connection}");
        let body = format!(r#"{{"desiredCapacity":{number}.5}}"#);
        Request::new(Method::PATCH, path, &body)
    }),
];

#[tokio::main]
async fn main() -> ExitCode {
    // The server under measurement is this program, told so by the environment.
    let outcome = if env::var_os(server::SERVE).is_some() {
        server::serve().await
    } else {
        let options = Options::parse();
        match options.subject {
            Subject::Requests => measure(options).await,
            Subject::Crowd => crowd::measure(Duration::from_secs(options.seconds)).await,
            Subject::Growth => growth::measure(options.mariadb).await,
        }
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
    let (server, ready) = Server::start(Setup::default()).await?;
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
        "\n| request | per second | median ms | 99th percentile ms | not 200 | × health |\n|---|---|---|---|---|---|"
    )?;
    let span = Duration::from_secs(options.seconds);
    let mut health = None;
    for (name, request) in KINDS {
        let load = Load {
            request: &|connection, number| Some(request(connection, number)),
            span,
        };
        let measured: Measured = run(&server.address, &load, options.connections).await?;
        let ratio = measured.rate() / *health.get_or_insert(measured.rate());
        writeln!(out, "{} {ratio:.3} |", measured.row(name))?;
    }
    writeln!(
        out,
        "\nresident memory after the load {} MiB",
        server.resident_mib()?
    )?;
    server.stop().await
}
