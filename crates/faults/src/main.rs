//! The server, in a separate process that a test may kill, starve or observe.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fleet_server::program("fleet-faults-server").await
}
