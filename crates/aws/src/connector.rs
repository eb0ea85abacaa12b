//! Connections to AWS.

use std::time::Duration;

use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::{
    Connector, HttpClientError,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};

use crate::trust::Trust;

/// The time limit for connecting. AWS responds within milliseconds or, when it is in trouble, not at all.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// The SDK's default connector with other root certificates.
pub(crate) fn connector(
    trust: Trust,
    proxy: ProxyConfig,
) -> Result<SharedHttpConnector, HttpClientError> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_LIMIT)
        .build();
    let tls = TlsContext::builder()
        .with_trust_store(trust.store())
        .build()?;
    let mut connector = Connector::builder()
        .connector_settings(settings)
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls);
    connector.set_sleep_impl(default_async_sleep());
    Ok(SharedHttpConnector::new(connector.build()))
}
