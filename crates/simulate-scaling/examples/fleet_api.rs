//! The API in a separate process, so that a test can choose its environment.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fleet_server::program("fleet_api").await
}
