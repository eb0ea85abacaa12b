//! Signature Version 4 for `execute-api`, with the credentials of AWS's standard environment.

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials as _, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use tokio::sync::Mutex;

use crate::credentials::reason;

/// How long before their expiry credentials are replaced.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);

/// Signs requests for one region.
#[derive(Debug)]
pub struct RequestSigner {
    region: String,
    provider: SharedCredentialsProvider,
    /// The provider's last result: it caches none itself, and would run a `credential_process` for each request.
    credentials: Mutex<Credentials>,
}

impl RequestSigner {
    /// Finds the credentials as every AWS SDK does: environment variables, a profile of any kind, the container's or
    /// the machine's role. They are resolved here once, and again when they expire.
    ///
    /// # Errors
    /// A sentence if there are none.
    pub async fn new(region: String) -> Result<Self, String> {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.clone()))
            .load()
            .await;
        let provider = config
            .credentials_provider()
            .ok_or_else(|| no_credentials("no source of them is set"))?;
        let credentials = credentials_of(&provider).await?;
        Ok(Self {
            region,
            provider,
            credentials: Mutex::new(credentials),
        })
    }

    /// Signs `request` as it is: its headers, its URL and its body.
    ///
    /// # Errors
    /// A clause if the credentials can no longer be resolved.
    pub async fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), String> {
        let credentials = self.credentials().await?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers,
            SignableBody::Bytes(request.body()),
        )
        .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters)
            .map_err(|error| error.to_string())?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }

    /// Credentials that remain valid for a while.
    async fn credentials(&self) -> Result<Credentials, String> {
        let mut credentials = self.credentials.lock().await;
        let soon = SystemTime::now() + BEFORE_EXPIRY;
        if credentials.expiry().is_some_and(|expiry| expiry <= soon) {
            *credentials = credentials_of(&self.provider).await?;
        }
        Ok(credentials.clone())
    }
}

async fn credentials_of(provider: &SharedCredentialsProvider) -> Result<Credentials, String> {
    let asked = provider.provide_credentials().await;
    asked.map_err(|error| no_credentials(&reason(&error)))
}

fn no_credentials(reason: &str) -> String {
    format!(
        "there are no AWS credentials to sign with ({reason}): sign in again, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
}
