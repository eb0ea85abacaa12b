//! The SDK's configuration, shared by all clients of a process.

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

/// How long a connection may take to be made. AWS answers within milliseconds or, when it is in trouble, not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Reads the SDK's standard configuration from the environment: `AWS_REGION`, `AWS_ENDPOINT_URL` and its forms for one
/// service, and credentials. A variable that is there and empty is one that is not there.
///
/// Nothing else is checked here: what is missing shows in the first call.
pub async fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .build();
    without_empty_settings(
        aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .load()
            .await,
    )
}

/// `config` without the empty settings of single services: the SDK would take an empty `AWS_ENDPOINT_URL_RDS_DATA`, as
/// templates and compose files leave it, for an address, and panic in each call.
fn without_empty_settings(config: SdkConfig) -> SdkConfig {
    config
        .clone()
        .into_builder()
        .service_config(NotEmpty(config))
        .build()
}

/// The settings of single services in another configuration, except empty ones.
#[derive(Debug)]
struct NotEmpty(SdkConfig);

impl LoadServiceConfig for NotEmpty {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0
            .service_config()?
            .load_config(key)
            .filter(|setting| !setting.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every service's endpoint is this.
    #[derive(Debug)]
    struct Environment(&'static str);

    impl LoadServiceConfig for Environment {
        fn load_config(&self, _: ServiceConfigKey<'_>) -> Option<String> {
            Some(self.0.to_owned())
        }
    }

    #[test]
    fn an_empty_setting_of_a_service_is_none() {
        for (variable, setting) in [
            ("", None),
            (" ", None),
            ("http://127.0.0.1:4566", Some("http://127.0.0.1:4566")),
        ] {
            let config = without_empty_settings(
                SdkConfig::builder()
                    .service_config(Environment(variable))
                    .build(),
            );
            let key = ServiceConfigKey::builder()
                .service_id("RDS Data")
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build()
                .unwrap();
            assert_eq!(
                config.service_config().unwrap().load_config(key).as_deref(),
                setting,
                "{variable:?}"
            );
        }
        let key = ServiceConfigKey::builder()
            .service_id("RDS Data")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .unwrap();
        let config = without_empty_settings(SdkConfig::builder().build());
        assert_eq!(config.service_config().unwrap().load_config(key), None);
    }
}
