//! The SDK's path to the local AWS endpoints: within this process, without a connection, and without anything that
//! only a network needs.

use std::time::Duration;

use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor,
    service_clock_skew::ServiceClockSkewInterceptor, user_agent::UserAgentInterceptor,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign},
        http::{
            HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        identity::{
            Identity, IdentityCacheLocation, IdentityFuture, ResolveIdentity,
            SharedIdentityResolver,
        },
        interceptors::{
            Intercept, context::BeforeSerializationInterceptorContextRef, disable_interceptor,
            dyn_dispatch_hint,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::{GetIdentityResolver, RuntimeComponents},
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use bytes::Bytes;
use fleet_local_aws::InProcess;
use http::header::AUTHORIZATION;
use tokio::time::timeout;

/// A placeholder for a signature: the endpoints require a signed request, but verify nothing.
const UNVERIFIED: &str = "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/local/aws4_request, \
                          SignedHeaders=host;x-amz-date, Signature=0";
const UNVERIFIED_DATE: &str = "20000101T000000Z";

/// An HTTP client that sends every request to the endpoints of `local`, whatever its URL.
pub(crate) fn http_client(local: InProcess) -> SharedHttpClient {
    http_client_fn(move |settings, _| {
        SharedHttpConnector::new(InProcessConnector {
            local: local.clone(),
            read_timeout: settings.read_timeout(),
        })
    })
}

/// Marks requests as signed instead of using `SigV4`: signing would take longer than many a response.
#[derive(Debug, Clone)]
pub(crate) struct NoSignature(SharedIdentityResolver);

/// A placeholder identity.
#[derive(Debug)]
struct NoIdentity(Identity);

impl NoSignature {
    pub(crate) fn new() -> Self {
        Self(SharedIdentityResolver::new(NoIdentity(Identity::new(
            (),
            None,
        ))))
    }
}

impl AuthScheme for NoSignature {
    fn scheme_id(&self) -> AuthSchemeId {
        AuthSchemeId::new("sigv4")
    }

    fn identity_resolver(&self, _: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        Some(self.0.clone())
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for NoSignature {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        _: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        _: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION.as_str(), UNVERIFIED);
        headers.insert("x-amz-date", UNVERIFIED_DATE);
        Ok(())
    }
}

impl ResolveIdentity for NoIdentity {
    fn resolve_identity<'a>(
        &'a self,
        _: &'a RuntimeComponents,
        _: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::ready(Ok(self.0.clone()))
    }

    fn cache_location(&self) -> IdentityCacheLocation {
        IdentityCacheLocation::IdentityResolver
    }
}

/// Removes the headers that only a server across a network would read: the user agent, the ids of a call and its
/// attempts, and the clock skew.
#[derive(Debug)]
pub(crate) struct HeaderRemoval;

#[dyn_dispatch_hint]
impl Intercept for HeaderRemoval {
    fn name(&self) -> &'static str {
        "HeaderRemoval"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const CAUSE: &str = "within the process";
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE));
        state.store_put(disable_interceptor::<ServiceClockSkewInterceptor>(CAUSE));
        Ok(())
    }
}

#[derive(Debug)]
struct InProcessConnector {
    local: InProcess,
    /// The time limit of a response, if the client sets one.
    read_timeout: Option<Duration>,
}

impl HttpConnector for InProcessConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (local, read_timeout) = (self.local.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            // Boxed: otherwise each future around it would copy it.
            let answer = Box::pin(send(&local, request));
            match read_timeout {
                None => answer.await,
                Some(limit) => timeout(limit, answer)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
            }
        })
    }
}

async fn send(local: &InProcess, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body
        .bytes()
        .map(Bytes::copy_from_slice)
        .ok_or_else(|| ConnectorError::user("the body of the request is a stream".into()))?;
    let answer = local
        .send(http::Request::from_parts(parts, body))
        .await
        .map_err(|error| ConnectorError::io(error.into()))?;
    HttpResponse::try_from(answer.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
    use fleet_aws::SdkConfig;

    use super::*;
    use crate::{backend::OpenStores, options::ServerOptions};

    async fn stores() -> OpenStores {
        let options = ServerOptions {
            aws_listen: ([127, 0, 0, 1], 0).into(),
            in_memory: true,
            ..ServerOptions::default()
        };
        OpenStores::open(&options, None).await.unwrap()
    }

    /// Puts an item into the dimensions table, with a client with this configuration.
    async fn put(config: &SdkConfig) -> Result<(), aws_sdk_dynamodb::Error> {
        let put = aws_sdk_dynamodb::Client::new(config)
            .put_item()
            .table_name("fleet-dimensions");
        let id = AttributeValue::S("1-2".to_owned());
        put.item("scalableTargetDimensionId", id).send().await?;
        Ok(())
    }

    #[tokio::test]
    async fn calls_need_no_address_and_fail_once_the_endpoints_have_stopped() {
        let stores = stores().await;
        // Nothing listens there.
        let config = stores
            .clients
            .config()
            .to_builder()
            .endpoint_url("http://127.0.0.1:1");
        let config = config.build();
        put(&config).await.unwrap();
        stores.local.unwrap().stop().await;
        let failed = aws_sdk_dynamodb::Client::new(&config)
            .list_tables()
            .send()
            .await
            .unwrap_err();
        let SdkError::DispatchFailure(failure) = &failed else {
            panic!("{failed:?}");
        };
        assert!(failure.is_io(), "{failed:?}");
    }

    #[tokio::test]
    async fn a_read_timeout_holds_without_a_connection() {
        let stores = stores().await;
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
                       SELECT COUNT(*) FROM n a, n b, n c, n d";
        let body = serde_json::json!({
            "resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
            "secretArn": "fleet-db",
            "sql": endless,
        });
        let request = http::Request::post("http://127.0.0.1/Execute")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=any")
            .body(SdkBody::from(body.to_string()))
            .unwrap();
        let local = stores.local.unwrap();
        let connector = InProcessConnector {
            local: local.in_process(),
            read_timeout: Some(Duration::from_millis(50)),
        };
        let failed = connector.call(request.try_into().unwrap()).await;
        assert!(failed.unwrap_err().is_timeout());
        local.stop().await;
    }
}
