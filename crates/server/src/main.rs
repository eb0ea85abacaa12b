//! `fleet-server`: the whole API on one machine.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fleet_server::program("fleet-server").await
}
