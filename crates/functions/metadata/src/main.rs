//! The Lambda function `metadata`.

use std::process::ExitCode;

use metadata::{Metadata, Place};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || Ok(Metadata::new(Place::from_env()))).await
}
