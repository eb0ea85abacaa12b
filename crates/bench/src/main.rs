//! The measurements in the documents, repeated by one command: `cargo run --release -p fleet-bench`.
//!
//! Starts the whole server in a separate process, with embedded storage in a separate folder, and measures what matters
//! to users: the start, memory, and requests per second over loopback. The load client shares the machine with the
//! server. It also starts each function's program as Lambda does. Nothing is asserted here; timings are not tests.

mod crowd;
mod error;
mod growth;
mod instructions;
mod load;
mod memory;
mod report;
mod requests;
mod server;
mod start;
mod statistics;

use std::{
    env, fs,
    io::{self, Write as _},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use serde_json::Value;

use crate::{error::BenchError, report::Report, requests::RequestPlan, server::ServerSetup};

/// Measures Fleet API's server and functions on this machine.
///
/// Each subject starts a server of its own on an empty data folder. The load comes from this process, so leave the machine alone
/// meanwhile. `start` and `instructions` build the functions as a release first, which takes a while. The output is Markdown.
#[derive(Parser)]
#[command(name = "fleet-bench", version)]
struct BenchOptions {
    /// What to measure; all of it, if nothing is named
    #[arg(value_enum)]
    subjects: Vec<BenchSubject>,
    /// What runs the SQL; mariadb needs an installed MariaDB
    #[arg(long, value_enum, default_value_t = BenchEngine::Sqlite)]
    engine: BenchEngine,
    /// Seconds of load for each measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Concurrent connections, of which `requests` measures each number
    #[arg(long, value_delimiter = ',', default_values = ["16", "256"])]
    connections: Vec<NonZeroUsize>,
    /// How often `requests` measures each kind; the median is shown
    #[arg(long, default_value = "3")]
    runs: NonZeroUsize,
    /// How often `start` starts each function; the median is shown
    #[arg(long, default_value = "15")]
    starts: NonZeroUsize,
    /// The functions that `start` and `instructions` measure; all of them, if nothing is named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    functions: Vec<String>,
    /// Where the functions' programs are, target/release say, instead of building them
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Write the results here too, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail if a function takes over a tenth more instructions than in this file, which --json wrote
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Draw the first table of `requests`, `start` or `instructions` here, each row beside the first one
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchSubject {
    /// Start, and each kind of request: rate, latency, processor time and calls to stores
    Requests,
    /// Resident memory after 10,000 and 100,000 requests, and after 1,000,000 reads
    Memory,
    /// 1,000 clients over 10,000 dimensions and 10,000 instances
    Crowd,
    /// Lists of 1,000,000 instances
    Growth,
    /// Cold start of each function beside a bare one, over plain HTTP and TLS, at Lambda's shares of a processor
    Start,
    /// Instructions of each function's requests; needs valgrind
    Instructions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchEngine {
    Sqlite,
    Mariadb,
}

/// The columns to draw, from the first table that has one of them.
const DRAWN: [&str; 3] = ["× health", "first × bare", "instructions × bare"];

#[tokio::main]
async fn main() -> ExitCode {
    // The server under measurement is this program as well, selected by the environment.
    let outcome = if env::var_os(server::SERVE).is_some() {
        server::serve().await
    } else {
        measure(BenchOptions::parse()).await
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fleet-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: BenchOptions) -> Result<(), BenchError> {
    let subjects = if options.subjects.is_empty() {
        BenchSubject::value_variants()
    } else {
        &options.subjects
    };
    let mut reports = Vec::new();
    for subject in subjects {
        for report in reports_of(*subject, &options).await? {
            writeln!(io::stdout(), "{}", report.markdown())?;
            reports.push(report);
        }
    }
    let all: Vec<Value> = reports.iter().map(Report::json).collect();
    // Read first, since it may be the file that is written.
    let before: Option<Value> = match &options.against {
        Some(file) => Some(serde_json::from_slice(&fs::read(file)?)?),
        None => None,
    };
    if let Some(file) = &options.json {
        fs::write(file, format!("{:#}\n", Value::from(all.clone())))?;
    }
    if let Some(file) = &options.svg {
        let drawn = reports
            .iter()
            .find_map(|report| DRAWN.iter().find_map(|column| report.svg(column)))
            .ok_or("--svg draws requests, start or instructions, and none of them was measured")?;
        fs::write(file, drawn)?;
    }
    let regressions = match &before {
        Some(before) => instructions::regressions(&all, before)?,
        None => Vec::new(),
    };
    if regressions.is_empty() {
        Ok(())
    } else {
        Err(regressions.join("; ").into())
    }
}

async fn reports_of(
    subject: BenchSubject,
    options: &BenchOptions,
) -> Result<Vec<Report>, BenchError> {
    let setup = ServerSetup {
        mariadb: options.engine == BenchEngine::Mariadb,
    };
    let span = Duration::from_secs(options.seconds);
    let fewest = options.connections.first().map_or(16, |first| first.get());
    let starts = start::StartPlan {
        starts: options.starts.get(),
        binaries: options.binaries.clone(),
        only: options.functions.clone(),
    };
    Ok(match subject {
        BenchSubject::Requests => {
            let plan = RequestPlan {
                setup,
                span,
                runs: options.runs.get(),
            };
            let mut reports = Vec::new();
            for connections in &options.connections {
                reports.push(requests::measure(plan, connections.get()).await?);
            }
            reports
        }
        BenchSubject::Memory => vec![memory::measure(setup, fewest).await?],
        BenchSubject::Crowd => vec![crowd::measure(setup, span).await?],
        BenchSubject::Growth => vec![growth::measure(setup).await?],
        BenchSubject::Start => start::measure(starts).await?,
        BenchSubject::Instructions => vec![instructions::measure(starts).await?],
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn options_are_read() {
        BenchOptions::command().debug_assert();
        let options = BenchOptions::parse_from([
            "fleet-bench",
            "crowd",
            "requests",
            "--connections",
            "4,8",
            "--engine",
            "mariadb",
            "--functions",
            "books,health",
            "--against",
            "before.json",
        ]);
        assert!(options.subjects == [BenchSubject::Crowd, BenchSubject::Requests]);
        assert!(options.engine == BenchEngine::Mariadb);
        let connections: Vec<usize> = options.connections.iter().map(|one| one.get()).collect();
        assert_eq!(connections, [4, 8]);
        assert_eq!(options.functions, ["books", "health"]);
        assert_eq!(options.against.unwrap().to_str(), Some("before.json"));
        let zeros = ["--connections", "--seconds", "--runs", "--starts"].map(|name| [name, "0"]);
        for wrong in zeros {
            assert!(BenchOptions::try_parse_from([&["fleet-bench"][..], &wrong].concat()).is_err());
        }
    }
}
