//! The Lambda function `scalable-dimension-list`.

use std::process::ExitCode;

use fleet_aws::{DimensionsSettings, DynamoDimensions, function_config, rehearse};
use fleet_core::settings::ScalingSettings;
use fleet_http::rehearsal;
use scalable_dimension_list::ListDimensionsFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let (table, scaling) = (
            DimensionsSettings::from_env()?,
            ScalingSettings::from_env()?,
        );
        let list = ListDimensionsFunction::new(
            DynamoDimensions::new(&function_config().await?, table),
            scaling.names,
        );
        rehearse(rehearsal(&list)).await;
        Ok(list)
    })
    .await
}
