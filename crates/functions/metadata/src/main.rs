//! The Lambda function `metadata`.

use std::process::ExitCode;

use metadata::{Deployment, Metadata};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || Ok(Metadata::new(Deployment::from_env()))).await
}
