//! The server, in a process of its own that a test may kill, starve or listen to.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fleet_server::program("fleet-faults-server").await
}
