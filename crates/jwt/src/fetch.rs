//! Fetches what an issuer publishes: its configuration, and the keys at the URL in it.

use std::time::Duration;

use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::byte_stream::ByteStream;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    error::{KeysError, with_causes},
    key::KeySet,
    limits,
    settings::{IssuerUrl, is_fetchable},
};

const CONFIGURATION: &str = "configuration";
const KEYS: &str = "keys";

/// The time limit for connecting.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// The HTTP client. It trusts the system's authorities, since an issuer may be anybody's, and follows no redirects.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher(SharedHttpConnector);

impl Fetcher {
    /// # Errors
    /// [`KeysError`] if the TLS client cannot be built.
    pub(crate) fn new() -> Result<Self, KeysError> {
        let tls = TlsContext::builder()
            .with_trust_store(TrustStore::default())
            .build()
            .map_err(|error| KeysError::Fetch {
                what: CONFIGURATION,
                reason: with_causes(&error),
            })?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIME)
            .build();
        let mut connector = Connector::builder()
            .connector_settings(settings)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls);
        connector.set_sleep_impl(default_async_sleep());
        Ok(Self(SharedHttpConnector::new(connector.build())))
    }

    /// Fetches the issuer's current keys.
    ///
    /// # Errors
    /// [`KeysError`], after [`limits::FETCH_TIME`] at the latest.
    pub(crate) async fn keys(&self, issuer: &IssuerUrl) -> Result<KeySet, KeysError> {
        let fetch = async {
            let text = self.get(CONFIGURATION, &issuer.configuration()).await?;
            let keys = self.get(KEYS, &keys_url(issuer, &text)?).await?;
            let unusable = |reason| KeysError::Answer { what: KEYS, reason };
            let set = KeySet::parse(&keys).ok_or(unusable("it is not a JWK Set"))?;
            if set.is_empty() {
                return Err(unusable("none is for RSA or ECDSA signatures"));
            }
            Ok(set)
        };
        timeout(limits::FETCH_TIME, fetch)
            .await
            .unwrap_or_else(|_| {
                Err(KeysError::Fetch {
                    what: KEYS,
                    reason: "no answer in time".to_owned(),
                })
            })
    }

    async fn get(&self, what: &'static str, url: &str) -> Result<Vec<u8>, KeysError> {
        let failed = |reason| KeysError::Fetch { what, reason };
        let request = HttpRequest::get(url).map_err(|error| failed(with_causes(&error)))?;
        let response = self
            .0
            .call(request)
            .await
            .map_err(|error| failed(with_causes(&error)))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(failed(format!("its status is {status}")));
        }
        let mut body = ByteStream::new(response.into_body());
        let mut bytes = Vec::new();
        while let Some(chunk) = body
            .try_next()
            .await
            .map_err(|error| failed(with_causes(&error)))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limits::ANSWER_BYTES {
                let reason = "it is larger than 256 KiB";
                return Err(KeysError::Answer { what, reason });
            }
        }
        Ok(bytes)
    }
}

/// The URL of the keys, from the issuer's configuration.
fn keys_url(issuer: &IssuerUrl, text: &[u8]) -> Result<String, KeysError> {
    #[derive(Deserialize)]
    struct Configuration {
        issuer: String,
        jwks_uri: String,
    }
    let unusable = |reason| KeysError::Answer {
        what: CONFIGURATION,
        reason,
    };
    let found: Configuration = serde_json::from_slice(text)
        .map_err(|_| unusable("it is not JSON with issuer and jwks_uri"))?;
    // OpenID Connect Discovery 1.0, section 4.3: otherwise the configuration is another issuer's.
    if found.issuer != issuer.as_str() {
        return Err(unusable("its issuer is not exactly JWT_ISSUER"));
    }
    if !is_fetchable(&found.jwks_uri) {
        return Err(unusable("its jwks_uri is not an https URL"));
    }
    Ok(found.jwks_uri)
}
