//! An SDK's transport to real stores while the test's clock is paused.
//!
//! With tokio's paused clock, time jumps to the next timer as soon as every task waits, so a call through a socket
//! would time out before its response came. Here the test's thread, and with it the clock, blocks for each call: a
//! store in other threads, or an exception chosen by the test, responds in no time at all. Only waits between calls
//! count.

use std::{
    fmt,
    future::{Future, pending},
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError, mpsc},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use fleet_aws::SdkConfig;
use fleet_testing::data_api_step;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{
    client::{ClientResponse, ServerConnection},
    stores::config,
};

/// Runs `work` in other threads. The caller's thread blocks until it is done, and so does a paused clock.
pub fn on_other_threads<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    static ELSEWHERE: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    });
    let (sender, receiver) = mpsc::channel();
    ELSEWHERE.spawn(async move {
        // Without a receiver the test has already failed.
        let _ = sender.send(work.await);
    });
    receiver.recv().unwrap()
}

/// What a refused call does nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWork {
    /// Nothing.
    Undone,
    /// The call itself.
    Done,
    /// Its transaction is rolled back.
    Ended,
}

/// An exception instead of a response.
#[derive(Clone, Debug)]
pub struct ServiceException {
    /// The HTTP status.
    pub status: u16,
    /// The exception's name, as in `x-amzn-errortype`.
    pub exception: &'static str,
    /// The body.
    pub body: Value,
    /// What the call does nevertheless.
    pub work: RefusedWork,
}

/// The fate of a call that does not simply go through.
#[derive(Clone, Debug)]
pub enum CallFate {
    /// The response is an exception.
    Refused(ServiceException),
    /// It takes effect, and its response never comes.
    Unheard,
}

/// Decides about each call, from its step and the number of earlier calls of that step.
type WirePlan = Box<dyn FnMut(&str, usize) -> Option<CallFate> + Send>;

struct WireState {
    plan: WirePlan,
    steps: Vec<String>,
}

/// The transport to the stores at one address.
#[derive(Clone)]
pub struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<WireState>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// A transport that initially refuses nothing.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self {
            address,
            state: Arc::new(Mutex::new(WireState {
                plan: Box::new(|_, _| None),
                steps: Vec::new(),
            })),
        }
    }

    /// An SDK configuration that uses this transport for every call.
    #[must_use]
    pub fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        let client = http_client_fn(move |_, _| connector.clone());
        config(&format!("http://{}", self.address))
            .into_builder()
            .http_client(client)
            .build()
    }

    /// Uses `plan` for each call from now on; the counts start over.
    pub fn plan(&self, plan: impl FnMut(&str, usize) -> Option<CallFate> + Send + 'static) {
        *self.lock() = WireState {
            plan: Box::new(plan),
            steps: Vec::new(),
        };
    }

    /// The steps since the last plan, in the order in which they were sent. A Data API call is named by its purpose,
    /// see [`data_api_step`]; any other by its operation's name.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        self.lock().steps.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, WireState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forward(&self, path: &str, headers: Vec<(String, String)>, body: String) -> ClientResponse {
        let (address, path) = (self.address, path.to_owned());
        on_other_threads(async move {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            ServerConnection::open(address)
                .await
                .unwrap()
                .send_with("POST", &path, &headers, body)
                .await
                .unwrap()
        })
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
        let sent: Value = serde_json::from_str(&body).unwrap();
        // The client sets both of these itself.
        let own = |name: &str| {
            name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("content-length")
        };
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let path = request
            .uri()
            .strip_prefix(&format!("http://{}", self.address))
            .unwrap()
            .to_owned();
        let step = step(&path, request.headers().get("x-amz-target"), &sent);
        let fate = {
            let mut state = self.lock();
            let before = state.steps.iter().filter(|sent| **sent == step).count();
            state.steps.push(step.clone());
            (state.plan)(&step, before)
        };
        let answer = match fate {
            None => {
                let answer = self.forward(&path, headers, body);
                response(
                    answer.status,
                    answer
                        .headers
                        .get("x-amzn-errortype")
                        .and_then(|value| value.to_str().ok()),
                    answer.text,
                )
            }
            Some(CallFate::Unheard) => {
                drop(self.forward(&path, headers, body));
                return HttpConnectorFuture::new(pending());
            }
            Some(CallFate::Refused(ServiceException {
                status,
                exception,
                body: refused,
                work,
            })) => {
                match work {
                    RefusedWork::Undone => {}
                    RefusedWork::Done => drop(self.forward(&path, headers, body)),
                    RefusedWork::Ended => {
                        let end = ["resourceArn", "secretArn", "transactionId"]
                            .map(|name| (name, sent[name].clone()));
                        let end: Value = end.into_iter().collect();
                        assert_eq!(
                            self.forward("/RollbackTransaction", headers, end.to_string())
                                .status,
                            200
                        );
                    }
                }
                response(status, Some(exception), refused.to_string())
            }
        };
        HttpConnectorFuture::ready(answer)
    }
}

fn response(
    status: u16,
    exception: Option<&str>,
    body: String,
) -> Result<HttpResponse, ConnectorError> {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response
        .headers_mut()
        .insert("content-type", "application/json");
    response.headers_mut().insert("x-amzn-requestid", "wire");
    if let Some(exception) = exception {
        response
            .headers_mut()
            .insert("x-amzn-errortype", exception.to_owned());
    }
    Ok(response)
}

/// The purpose of a call.
fn step(path: &str, target: Option<&str>, sent: &Value) -> String {
    match target {
        Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        None => data_api_step(path, sent).to_owned(),
    }
}
