//! The server, in a process of its own that a test may kill, starve or listen to.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use fleet_http::telemetry::{self, Format};
use fleet_server::{Options, run};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    telemetry::init(Format::Json, env::var("RUST_LOG").ok().as_deref());
    match run(options, &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads the error stream the exit code has to do.
            let _ = writeln!(io::stderr(), "fleet-faults-server: {error}");
            ExitCode::FAILURE
        }
    }
}
