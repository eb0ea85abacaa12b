//! The Lambda function `jwt-authorizer`.

use std::process::ExitCode;

use fleet_jwt::IssuerSettings;
use jwt_authorizer::JwtAuthorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run_authorizer(async || Ok(JwtAuthorizer::new(IssuerSettings::from_env()?).await?))
        .await
}
