//! Reads the API over HTTP: the local server's or API Gateway's.

use std::{error::Error, fs, io, path::Path, time::Duration};

use fleet_edge::words;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Url, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use simulate_scaling::sign::RequestSigner;

use super::{
    error::TransferError,
    line::{DimensionLine, InstanceLine},
    page::{ListPage, PAGE},
    retry::{AT_ONCE, PATIENCE},
};

/// More than API Gateway's limit for a request.
const TIMEOUT: Duration = Duration::from_secs(35);
/// The wait between two attempts if the API does not specify one.
const PAUSE: Duration = Duration::from_secs(1);

/// A client of the API.
pub(super) struct ApiClient {
    client: Client,
    base: String,
    key: Option<HeaderValue>,
    signer: Option<RequestSigner>,
}

#[derive(Deserialize)]
struct InstanceList {
    records: Vec<InstanceEntry>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct InstanceEntry {
    aws_instance_id: String,
}

#[derive(Deserialize)]
struct RecordAnswer {
    record: serde_json::Value,
    record_found: bool,
}

#[derive(Deserialize)]
struct DimensionList {
    dimensions: Vec<DimensionEntry>,
    next_token: Option<String>,
}

/// A list entry. It contains more than the state: the three names, which are settings, and the time of the change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DimensionEntry {
    scalable_target_dimension_id: String,
    actual_capacity: f64,
    desired_capacity: f64,
    scaling_status: String,
    failure_reason: Option<String>,
}

impl ApiClient {
    /// A client of the API at `base`, with the first key in the file and signatures for a region, if given.
    pub(super) async fn new(
        base: &Url,
        key_file: Option<&Path>,
        region: Option<&str>,
    ) -> Result<Self, TransferError> {
        let key = key_file.map(read_key).transpose()?;
        let signer = match region {
            None => None,
            Some(region) => Some(
                RequestSigner::new(region.to_owned())
                    .await
                    .map_err(TransferError::Signature)?,
            ),
        };
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("fleet-server/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| TransferError::Api {
                url: base.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            client,
            base: base.as_str().trim_end_matches('/').to_owned(),
            key,
            signer,
        })
    }

    pub(super) async fn instances(
        &self,
        token: Option<&str>,
    ) -> Result<ListPage<InstanceLine>, TransferError> {
        let page: InstanceList = self.get(&list_path("/ec2", token)).await?;
        let read: Vec<_> = stream::iter(page.records)
            .map(|summary| self.instance(summary.aws_instance_id))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(ListPage {
            // An instance that was removed meanwhile is left out.
            lines: read.into_iter().flatten().collect(),
            next: page.next_token,
        })
    }

    async fn instance(&self, id: String) -> Result<Option<InstanceLine>, TransferError> {
        let path = format!("/ec2/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
        let found: RecordAnswer = self.get(&path).await?;
        if !found.record_found {
            return Ok(None);
        }
        serde_json::from_value(found.record)
            .map(Some)
            .map_err(|error| self.error(&path, error.to_string()))
    }

    pub(super) async fn dimensions(
        &self,
        token: Option<&str>,
    ) -> Result<ListPage<DimensionLine>, TransferError> {
        let page: DimensionList = self
            .get(&list_path("/scalableTargetDimensions", token))
            .await?;
        let lines = page.dimensions.into_iter().map(|listed| DimensionLine {
            scalable_target_dimension_id: listed.scalable_target_dimension_id,
            actual_capacity: listed.actual_capacity,
            desired_capacity: listed.desired_capacity,
            scaling_status: listed.scaling_status,
            failure_reason: listed.failure_reason,
        });
        Ok(ListPage {
            lines: lines.collect(),
            next: page.next_token,
        })
    }

    /// The body of a GET, repeated while the API is throttled or unavailable.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, TransferError> {
        let mut tries = 0;
        loop {
            let (reason, wait) = match self.get_once(path).await? {
                Ok(body) => {
                    return serde_json::from_slice(&body)
                        .map_err(|error| self.error(path, error.to_string()));
                }
                Err(again) => again,
            };
            if tries == PATIENCE {
                return Err(self.error(path, reason));
            }
            tries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    /// The body; or, if a retry may help, the reason and the time to wait.
    async fn get_once(
        &self,
        path: &str,
    ) -> Result<Result<Vec<u8>, (String, Duration)>, TransferError> {
        let mut request = http::Request::get(format!("{}{path}", self.base))
            .body(Vec::new())
            .map_err(|error| self.error(path, error.to_string()))?;
        if let Some(key) = &self.key {
            request.headers_mut().insert("x-api-key", key.clone());
        }
        if let Some(signer) = &self.signer {
            signer
                .sign(&mut request)
                .await
                .map_err(TransferError::Signature)?;
        }
        let request = reqwest::Request::try_from(request)
            .map_err(|error| self.error(path, error.to_string()))?;
        let answer = match self.client.execute(request).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err((innermost(&error), PAUSE))),
        };
        let status = answer.status();
        let wait = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map_or(PAUSE, Duration::from_secs);
        let body = match answer.bytes().await {
            Ok(body) => body.to_vec(),
            Err(error) => return Ok(Err((innermost(&error), PAUSE))),
        };
        if status.is_success() {
            return Ok(Ok(body));
        }
        let reason = refusal(status, &body);
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Ok(Err((reason, wait)));
        }
        Err(self.error(path, reason))
    }

    fn error(&self, path: &str, reason: String) -> TransferError {
        TransferError::Api {
            url: format!("{}{path}", self.base),
            reason,
        }
    }
}

/// The path of a list page.
fn list_path(path: &str, token: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", PAGE);
    if let Some(token) = token {
        query.append_pair("next_token", token);
    }
    format!("{path}?{}", query.finish())
}

/// The message of an error response.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct MessageBody {
        message: String,
    }
    let message = serde_json::from_slice::<MessageBody>(body).map(|body| body.message);
    message.map_or_else(
        |_| status.to_string(),
        |message| format!("{}: {}", status.as_u16(), message.trim_end_matches('.')),
    )
}

/// The innermost cause, which says the most.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.downcast_ref::<io::Error>()
        .map_or_else(|| last.to_string(), |error| words(error.kind()).to_string())
}

fn read_key(file: &Path) -> Result<HeaderValue, TransferError> {
    let failed = |cause: io::ErrorKind| TransferError::File {
        file: file.to_owned(),
        cause,
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.kind()))?;
    let key = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .ok_or_else(|| failed(io::ErrorKind::UnexpectedEof))?;
    let mut key = HeaderValue::from_str(key).map_err(|_| failed(io::ErrorKind::InvalidData))?;
    key.set_sensitive(true);
    Ok(key)
}
