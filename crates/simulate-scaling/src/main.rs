//! `simulate-scaling`: Application Auto Scaling against any endpoint.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    simulate_scaling::program().await
}
