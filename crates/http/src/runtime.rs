//! The Lambda runtime around a function.

use std::{convert::Infallible, process::ExitCode};

use fleet_core::store::Cause;
use lambda_http::{LambdaEvent, aws_lambda_events::apigw::ApiGatewayProxyRequest, service_fn};
use tracing::{Level, error};

use crate::{
    Function, invoke,
    telemetry::{self, Format, Targets},
};

/// Runs the function that `build` makes, under the Lambda Runtime API, until Lambda ends it.
///
/// `build` reads the settings and makes the clients. When it fails the function does not start, and the log says why.
pub async fn run<F: Function>(build: impl AsyncFnOnce() -> Result<F, Cause>) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let levels = telemetry::levels(variable, "info");
    telemetry::init(
        telemetry::format(variable, Format::Json),
        levels
            .clone()
            .unwrap_or_else(|_| Targets::new().with_default(Level::INFO)),
    );
    let built = match levels {
        Ok(_) => build().await,
        Err(error) => Err(error.into()),
    };
    let function = match built {
        Ok(function) => function,
        Err(cause) => {
            error!(function = F::NAME, "cannot start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    let function = &function;
    let handler = |event: LambdaEvent<ApiGatewayProxyRequest>| async move {
        Ok::<_, Infallible>(invoke(function, event.payload, event.context).await)
    };
    match lambda_runtime::run(service_fn(handler)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(function = F::NAME, "the Lambda runtime stopped: {cause}");
            ExitCode::FAILURE
        }
    }
}
