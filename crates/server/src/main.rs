//! `fleet-server`: the whole API on one machine.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use fleet_http::telemetry::{self, Format};
use fleet_server::{LOG_LEVELS, Options, run};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    telemetry::init(Format::Text, Some(env::var("RUST_LOG").as_deref().unwrap_or(LOG_LEVELS)));
    match run(options, &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads the error stream the exit code has to do.
            let _ = writeln!(io::stderr(), "fleet-server: {error}");
            ExitCode::FAILURE
        }
    }
}
