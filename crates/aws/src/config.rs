//! The SDK's configuration, shared by all clients of a process.

use aws_config::{
    BehaviorVersion, ConfigLoader, environment::EnvironmentVariableCredentialsProvider,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::{HttpClientError, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

use crate::{
    connector::{CONNECT_LIMIT, connector},
    rehearsal,
    trust::Trust,
};

/// Reads the SDK's standard configuration from the environment: `AWS_REGION`, `AWS_ENDPOINT_URL` and its
/// service-specific forms, and credentials. An empty variable counts as unset.
///
/// Nothing else is checked here: a missing setting makes the first call fail.
pub async fn sdk_config() -> SdkConfig {
    without_empty_settings(loader().load().await)
}

/// [`sdk_config`] for a function, which should respond as early as possible: one HTTP client for all services, built
/// here and not within the first request, trusting as few certificate authorities as possible: Amazon's on AWS,
/// otherwise the system's.
///
/// Lambda gives a starting function a full core, and from the first request on only the share that its memory
/// buys, so everything that can be done beforehand is done here.
///
/// # Errors
/// [`HttpClientError`] if the TLS client cannot be built.
pub async fn function_config() -> Result<SdkConfig, HttpClientError> {
    let client = http_client(connector(Trust::from_env(), ProxyConfig::from_env())?);
    let loader = with_credentials(loader(), EnvironmentVariableCredentialsProvider::new()).await;
    Ok(without_empty_settings(
        loader.http_client(client).load().await,
    ))
}

/// `loader` with `source` alone, if it has credentials.
///
/// Lambda puts a function's credentials into its environment, the first source of the SDK's chain. The chain would also
/// create clients for its other sources, STS and the metadata services: more than a quarter of a start's instructions.
async fn with_credentials(
    loader: ConfigLoader,
    source: impl ProvideCredentials + 'static,
) -> ConfigLoader {
    match source.provide_credentials().await {
        Ok(_) => loader.credentials_provider(source),
        Err(_) => loader,
    }
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .build();
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts)
}

/// An HTTP client with one connector. The SDK's own client builds its TLS configuration twice for each service client,
/// first to validate it and again in the first request.
pub(crate) fn http_client(connector: SharedHttpConnector) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(rehearsal::RehearsalConnector(connector));
    http_client_fn(move |_, _| connector.clone())
}

/// `config` without the empty service-specific settings: the SDK would take an empty `AWS_ENDPOINT_URL_RDS_DATA`, as
/// templates and compose files leave it, for a URL, and panic in each call.
fn without_empty_settings(config: SdkConfig) -> SdkConfig {
    config
        .clone()
        .into_builder()
        .service_config(NonEmptySettings(config))
        .build()
}

/// The service-specific settings of another configuration, except empty ones.
#[derive(Debug)]
struct NonEmptySettings(SdkConfig);

impl LoadServiceConfig for NonEmptySettings {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0
            .service_config()?
            .load_config(key)
            .filter(|setting| !setting.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::{
        Credentials,
        provider::{self, error::CredentialsError, future},
    };

    use super::*;

    /// Credentials with this access key, if any.
    #[derive(Debug)]
    struct TestCredentials(Option<&'static str>);

    impl ProvideCredentials for TestCredentials {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let found: provider::Result = match self.0 {
                Some(key) => Ok(Credentials::new(key, "secret", None, None, "test")),
                None => Err(CredentialsError::not_loaded("none")),
            };
            future::ProvideCredentials::ready(found)
        }
    }

    #[tokio::test]
    async fn a_source_with_credentials_is_the_only_one() {
        let provider = async |source| {
            let config = with_credentials(loader(), source).await.load().await;
            format!("{:?}", config.credentials_provider())
        };
        let only = provider(TestCredentials(Some("of-lambda"))).await;
        assert!(only.contains("of-lambda"), "{only}");
        assert!(!only.contains("DefaultCredentialsChain"), "{only}");
        let chain = provider(TestCredentials(None)).await;
        assert!(chain.contains("DefaultCredentialsChain"), "{chain}");
    }

    /// Returns this endpoint for every service.
    #[derive(Debug)]
    struct TestEndpoints(&'static str);

    impl LoadServiceConfig for TestEndpoints {
        fn load_config(&self, _: ServiceConfigKey<'_>) -> Option<String> {
            Some(self.0.to_owned())
        }
    }

    #[tokio::test]
    async fn connecting_has_a_limit() {
        let region = aws_config::Region::from_static("us-east-1");
        let config = loader().region(region).no_credentials().load().await;
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_LIMIT));
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
                    .service_config(TestEndpoints(variable))
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
