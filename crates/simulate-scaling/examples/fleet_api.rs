//! The API in its own process, whose environment a test may choose.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fleet_server::program("fleet_api").await
}
