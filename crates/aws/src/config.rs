//! The SDK's configuration, shared by all clients of a process.

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use aws_types::SdkConfig;

/// How long a connection may take to be made. AWS answers within milliseconds or, when it is in trouble, not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Reads the SDK's standard configuration from the environment: `AWS_REGION`, `AWS_ENDPOINT_URL` and its forms for one
/// service, and credentials.
///
/// Nothing is checked here: what is missing shows in the first call.
pub async fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_LIMIT).build();
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await
}
