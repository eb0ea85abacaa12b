//! Signature Version 4 for `execute-api`, with the credentials of AWS's standard environment.

use std::{error::Error, time::SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

/// Signs requests for one region.
#[derive(Debug)]
pub struct Signer {
    region: String,
    credentials: SharedCredentialsProvider,
}

impl Signer {
    /// Finds the credentials as every AWS SDK does: environment variables, profile, the container's or the machine's role.
    ///
    /// # Errors
    /// A sentence when there are none.
    pub async fn new(region: String) -> Result<Self, String> {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.clone()))
            .load()
            .await;
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| no_credentials("no source of them is set"))?;
        let signer = Self {
            region,
            credentials,
        };
        signer
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(&reasons(&error)))?;
        Ok(signer)
    }

    /// Signs `request` as it is: its headers, its address and its body.
    ///
    /// # Errors
    /// A clause when the credentials are gone.
    pub async fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), String> {
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(&reasons(&error)))?;
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
}

/// `error` and all that caused it, in one line.
fn reasons(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let reasons: Vec<_> = causes.map(ToString::to_string).collect();
    reasons.join(": ")
}

fn no_credentials(reason: &str) -> String {
    format!(
        "there are no AWS credentials to sign with ({reason}): sign in again, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
}
