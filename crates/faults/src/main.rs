//! The server, in a process of its own that a test may kill, starve or listen to.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use fleet_server::{Options, run, start_log};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse_with_environment();
    let ended = match start_log(options.log_format) {
        Ok(()) => run(options, &mut io::stdout()).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads the error stream the exit code has to do.
            let _ = writeln!(io::stderr(), "fleet-faults-server: {error}");
            ExitCode::FAILURE
        }
    }
}
