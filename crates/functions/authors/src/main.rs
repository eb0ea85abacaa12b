//! The Lambda function `authors`.

use std::process::ExitCode;

use authors::Authors;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || Ok(Authors::new()?)).await
}
