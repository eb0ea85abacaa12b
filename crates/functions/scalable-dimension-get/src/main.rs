//! The Lambda function `scalable-dimension-get`.

use std::process::ExitCode;

use fleet_aws::{DimensionsSettings, DynamoDimensions, function_config};
use fleet_core::settings::ScalingSettings;
use scalable_dimension_get::Get;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let (table, scaling) = (
            DimensionsSettings::from_env()?,
            ScalingSettings::from_env()?,
        );
        Ok(Get::new(
            DynamoDimensions::new(&function_config().await?, table),
            scaling,
        ))
    })
    .await
}
