//! An HTTP client with scripted responses, and an SDK configuration that uses it.

use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_rdsdata::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use fleet_aws::SdkConfig;
use serde_json::Value;

/// The response to one request.
pub(crate) enum CannedReply {
    /// A response of the service.
    Answer {
        status: u16,
        exception: Option<&'static str>,
        body: String,
    },
    /// Bytes that are not JSON.
    Garbage,
    /// The connection breaks.
    Reset,
    /// No response at all.
    Silence,
    /// The response, after a while.
    Late(Duration, Box<Self>),
}

impl CannedReply {
    pub(crate) fn ok(body: &Value) -> Self {
        Self::Answer {
            status: 200,
            exception: None,
            body: body.to_string(),
        }
    }

    /// An error in the services' format.
    pub(crate) fn error(status: u16, exception: &'static str, message: &str) -> Self {
        Self::Answer {
            status,
            exception: Some(exception),
            body: serde_json::json!({ "message": message }).to_string(),
        }
    }
}

/// The parts of a request that a script uses.
pub(crate) struct CannedRequest {
    /// Such as `/Execute`, or `GetItem` if a header names the operation.
    pub(crate) operation: String,
    /// Its body.
    pub(crate) body: Value,
    /// How many bytes its body has.
    pub(crate) bytes: usize,
}

type Script = Arc<Mutex<dyn FnMut(CannedRequest) -> CannedReply + Send>>;

struct CannedConnector(Script);

impl fmt::Debug for CannedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for CannedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let bytes = request
            .body()
            .bytes()
            .expect("our requests are not streams");
        let operation = match request.headers().get("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => request
                .uri()
                .rsplit_once('/')
                .map(|(_, path)| format!("/{path}"))
                .unwrap_or_default(),
        };
        let request = CannedRequest {
            operation,
            bytes: bytes.len(),
            body: serde_json::from_slice(bytes).unwrap(),
        };
        let reply = (self.0.lock().unwrap())(request);
        HttpConnectorFuture::new(async move {
            match on_time(reply).await {
                CannedReply::Answer {
                    status,
                    exception,
                    body,
                } => Ok(response(status, exception, body)),
                CannedReply::Garbage => Ok(response(200, None, "<html>".to_owned())),
                CannedReply::Reset => Err(ConnectorError::io("connection reset by peer".into())),
                CannedReply::Silence | CannedReply::Late(..) => pending().await,
            }
        })
    }
}

/// Waits for a late reply.
async fn on_time(mut reply: CannedReply) -> CannedReply {
    while let CannedReply::Late(after, inner) = reply {
        tokio::time::sleep(after).await;
        reply = *inner;
    }
    reply
}

fn response(status: u16, exception: Option<&'static str>, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response
        .headers_mut()
        .insert("content-type", "application/json");
    response
        .headers_mut()
        .insert("x-amzn-requestid", "request-1");
    if let Some(exception) = exception {
        response.headers_mut().insert(
            "x-amzn-errortype",
            format!("{exception}:http://internal.amazon.com/coral/com.amazonaws/"),
        );
    }
    response
}

/// A configuration in which `script` responds to every request.
pub(crate) fn config(
    script: impl FnMut(CannedRequest) -> CannedReply + Send + 'static,
) -> SdkConfig {
    let script: Script = Arc::new(Mutex::new(script));
    let connector = SharedHttpConnector::new(CannedConnector(script));
    test_config("http://localhost")
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

/// A configuration for the services at `endpoint`, independent of the environment.
pub(crate) fn test_config(endpoint: &str) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "tests",
        )))
        .endpoint_url(endpoint)
}

/// Whether `duration` is the wait after a failure without a specific wait.
pub(crate) fn is_short(duration: Duration) -> bool {
    (Duration::from_secs(1)..=Duration::from_secs(5)).contains(&duration)
}
