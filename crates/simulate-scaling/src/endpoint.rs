//! The endpoint under test, over HTTP: GET and PATCH as Application Auto Scaling sends them.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use reqwest::{Client, Response, Url, redirect::Policy};
use serde_json::{Value, json};

use crate::{
    contract::{self, ContractState, Expectations},
    sign::RequestSigner,
};

/// How often a request is sent before it counts as unanswered.
const ATTEMPTS: u32 = 4;
/// The wait before it is sent again. It doubles each time, unless the endpoint specifies it (`Retry-After`).
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that an endpoint may request.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A state is small; a body longer than this is something else.
const LONGEST_BODY: usize = 64 * 1024;

/// Why there is no state to continue with: a sentence without its subject, which is "the endpoint" or its URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There was no response, or a 429 or 5xx each time.
    #[error("{0}")]
    NoAnswer(String),
    /// The response is an error that no retry fixes.
    #[error("{0}")]
    Refused(String),
    /// The response breaks the contract, in each of these ways.
    #[error("breaks the contract: {}", .0.join("; "))]
    Breach(Vec<String>),
    /// The request could not be signed: nothing was sent.
    #[error("was not called: {0}")]
    Unsigned(String),
}

/// The endpoint, at the URL that is the scalable target's resource id.
#[derive(Debug)]
pub struct Endpoint {
    client: Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    signer: Option<RequestSigner>,
    expected: Expectations,
    sent: u64,
    repeated: u64,
}

impl Endpoint {
    /// Sends to `url`; a request takes at most `timeout`. Redirects are not followed, since a signature is for one URL.
    ///
    /// # Errors
    /// If there are no certificates to trust.
    pub fn new(
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        signer: Option<RequestSigner>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .user_agent(concat!("simulate-scaling/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("HTTP cannot be set up: {error}"))?;
        let expected = Expectations::of(url.path());
        Ok(Self {
            client,
            url,
            headers,
            signer,
            expected,
            sent: 0,
            repeated: 0,
        })
    }

    /// The scalable target's resource id.
    #[must_use]
    pub fn resource_id(&self) -> &str {
        self.url.as_str()
    }

    /// How many requests were sent, and how many of them were retries.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        (self.sent, self.repeated)
    }

    /// Gets its state. The version in the first one must not change afterwards.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn get(&mut self) -> Result<ContractState, AskError> {
        let state = self
            .ask(Method::GET, Vec::new(), &self.expected.clone())
            .await?;
        self.expected
            .version
            .get_or_insert_with(|| state.version.clone());
        Ok(state)
    }

    /// Requests another desired capacity.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn patch(&mut self, desired: u32) -> Result<ContractState, AskError> {
        let expected = Expectations {
            desired: Some(f64::from(desired)),
            ..self.expected.clone()
        };
        let body = json!({"desiredCapacity": f64::from(desired)})
            .to_string()
            .into_bytes();
        self.ask(Method::PATCH, body, &expected).await
    }

    async fn ask(
        &mut self,
        method: Method,
        body: Vec<u8>,
        expected: &Expectations,
    ) -> Result<ContractState, AskError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let request = self.request(&method, body.clone()).await?;
            self.sent += 1;
            let (sentence, asked) = match self.client.execute(request).await {
                Ok(response)
                    if response.status().as_u16() == 429 || response.status().is_server_error() =>
                {
                    (
                        refusal(&method, response.status().as_u16(), ""),
                        retry_after(&response),
                    )
                }
                Ok(response) => return read(&method, response, expected).await,
                Err(error) => (unreachable(&error), None),
            };
            if attempt == ATTEMPTS {
                return Err(AskError::NoAnswer(format!("{sentence} ({ATTEMPTS} times)")));
            }
            attempt += 1;
            self.repeated += 1;
            tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)).await;
            wait *= 2;
        }
    }

    async fn request(&self, method: &Method, body: Vec<u8>) -> Result<reqwest::Request, AskError> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.url.as_str())
            .header(header::ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(body)
            .map_err(|error| AskError::Unsigned(error.to_string()))?;
        if let Some(signer) = &self.signer {
            signer
                .sign(&mut request)
                .await
                .map_err(AskError::Unsigned)?;
        }
        request
            .try_into()
            .map_err(|error: reqwest::Error| AskError::Unsigned(error.to_string()))
    }
}

async fn read(
    method: &Method,
    mut response: Response,
    expected: &Expectations,
) -> Result<ContractState, AskError> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| AskError::NoAnswer(unreachable(&error)))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            return Err(AskError::Breach(vec![format!(
                "the body is longer than {LONGEST_BODY} bytes, and must be one state"
            )]));
        }
    }
    match status {
        200 => contract::read(&body, expected).map_err(AskError::Breach),
        201..=299 => Err(AskError::Breach(vec![format!(
            "the status of the answer to a {method} is {status}, and must be 200"
        )])),
        _ => Err(AskError::Refused(refusal(method, status, &message(&body)))),
    }
}

fn refusal(method: &Method, status: u16, message: &str) -> String {
    let hint = match status {
        300..=399 => ": give the address that it redirects to",
        401 | 403 => {
            ": it takes signed requests (--sigv4 REGION) or a key (--header 'x-api-key: …') perhaps"
        }
        404 => ": there is no such dimension",
        405 => ": it must take GET and PATCH",
        _ => "",
    };
    let message = if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    };
    format!("answers a {method} with {status}{hint}{message}")
}

/// The message of an error body, short and printable.
fn message(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = ["message", "Message"]
        .iter()
        .find_map(|key| value.get(key)?.as_str())
        .unwrap_or_default();
    text.chars()
        .filter(|char| !char.is_control())
        .take(200)
        .collect()
}

fn retry_after(response: &Response) -> Option<Duration> {
    response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn unreachable(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "does not answer in time".to_owned();
    }
    // The last cause is the specific one: "Connection refused".
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_connect() {
        format!("cannot be reached: {cause}")
    } else {
        format!("breaks off its answer: {cause}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_may_help() {
        assert_eq!(
            refusal(&Method::GET, 400, "Bad id"),
            "answers a GET with 400 (Bad id)"
        );
        assert!(refusal(&Method::PATCH, 403, "").contains("--sigv4 REGION"));
        assert_eq!(message(b"{\"message\":\"no\\u0007 such\"}"), "no such");
        assert_eq!(message(b"<html>"), "");
    }
}
