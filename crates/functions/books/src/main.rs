//! The Lambda function `books`.

use std::process::ExitCode;

use books::Books;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || Ok(Books::new()?)).await
}
