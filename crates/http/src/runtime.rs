//! The Lambda runtime around a function.

use std::{convert::Infallible, process::ExitCode};

use fleet_core::store::Cause;
use lambda_http::{LambdaEvent, service_fn};
use tracing::{Level, error, level_filters::LevelFilter};

use crate::{
    Function,
    function::invoke_raw,
    host::Host,
    metrics::MetricsSettings,
    raw_event::RawEvent,
    telemetry::{self, Format, Targets},
};

/// The log target of errors that functions report to the Lambda runtime. Our own line has already given the cause.
const REPORTED_ERRORS: &str = "lambda_runtime::layers::panic";

/// Runs the function that `build` returns, under the Lambda Runtime API, until Lambda ends it.
///
/// `build` reads the settings and creates the clients. If it fails, the function does not start, and the log says why.
pub async fn run<F: Function>(build: impl AsyncFnOnce() -> Result<F, Cause>) -> ExitCode {
    start(F::NAME, build, async |host, function| {
        let function = &function;
        let handler = |event: LambdaEvent<RawEvent>| async move {
            Ok::<_, Infallible>(invoke_raw(host, function, event.payload, event.context).await)
        };
        lambda_runtime::run(service_fn(handler)).await
    })
    .await
}

/// What every function does before and after serving: set up logging and metrics, log its build, and log why it ended.
pub(crate) async fn start<F>(
    name: &'static str,
    build: impl AsyncFnOnce() -> Result<F, Cause>,
    serve: impl AsyncFnOnce(Host, F) -> Result<(), lambda_runtime::Error>,
) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let levels = telemetry::levels(variable, "info");
    telemetry::init(
        telemetry::format(variable, Format::Json),
        levels
            .clone()
            .unwrap_or_else(|_| Targets::new().with_default(Level::INFO))
            .with_target(REPORTED_ERRORS, LevelFilter::OFF),
    );
    let built = async {
        levels?;
        let host = Host::read(variable)?;
        if let Some(metrics) = MetricsSettings::read(variable)? {
            metrics.start();
        }
        Ok::<_, Cause>((host, build().await?))
    };
    let (host, function) = match built.await {
        Ok(built) => built,
        Err(cause) => {
            error!(function = name, "cannot start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    match serve(host, function).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(function = name, "the Lambda runtime stopped: {cause}");
            ExitCode::FAILURE
        }
    }
}
