//! Application Auto Scaling for custom resources, and the part of CloudWatch that it needs: the simulator's core, run
//! against the local API in real time.
//!
//! Definitions are stored in the data folder; measurements and activities are lost at shutdown.

mod cloudwatch;
mod definitions;
mod error;
mod expressions;
mod fields;
mod math;
mod metrics;
mod operations;
mod pace;
mod registry;
mod runner;

use std::{path::PathBuf, sync::Arc};

use http::StatusCode;
use serde_json::Value;

use self::{error::ScalingError, metrics::MetricRegistry, registry::TargetRegistry};
use crate::respond::{self, ServiceResponse};

pub use self::pace::ScalingPace;

pub(crate) use self::cloudwatch::Protocol;

/// The prefix of its operations in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "AnyScaleFrontendService.";
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The service.
#[derive(Debug)]
pub(crate) struct AutoScaling {
    registry: Arc<TargetRegistry>,
    metrics: Arc<MetricRegistry>,
}

impl AutoScaling {
    /// Starts with the definitions in `folder`, if there is one. `api` is the local API's base address, which stands
    /// for that of an API on AWS.
    pub(crate) fn start(
        folder: Option<PathBuf>,
        api: Option<String>,
        pace: ScalingPace,
        (region, account): (&str, &str),
    ) -> Self {
        let metrics = Arc::new(MetricRegistry::new(
            folder.as_ref().map(|folder| folder.join("metrics")),
        ));
        let registry = TargetRegistry::new(
            folder,
            api,
            pace,
            Arc::clone(&metrics),
            format!("{region}:{account}"),
            runner::start,
        );
        registry.resume();
        Self { registry, metrics }
    }

    /// Stops all scaling.
    pub(crate) fn stop(&self) {
        self.registry.stop();
    }

    pub(crate) async fn answer(&self, target: &str, body: &[u8]) -> ServiceResponse {
        let operation = target.strip_prefix(TARGET_PREFIX).unwrap_or(target);
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return refuse(&ScalingError(
                "SerializationException",
                "The request is not a JSON object for this operation.".to_owned(),
            ));
        };
        match operations::answer(&self.registry, operation, &request).await {
            Ok(answer) => respond::answer(StatusCode::OK, CONTENT_TYPE, answer.to_string()),
            Err(refused) => refuse(&refused),
        }
    }

    /// CloudWatch's response, in either of its protocols.
    pub(crate) fn cloudwatch(
        &self,
        protocol: Protocol,
        operation: &str,
        body: &[u8],
    ) -> ServiceResponse {
        let answered = cloudwatch::answer(&self.metrics, protocol, operation, body);
        self.registry.alarms_changed();
        answered
    }
}

fn refuse(ScalingError(kind, message): &ScalingError) -> ServiceResponse {
    respond::error(StatusCode::BAD_REQUEST, CONTENT_TYPE, kind, message)
}
