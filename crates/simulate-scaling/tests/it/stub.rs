//! An endpoint that responds as a test specifies.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::IntoResponse as _,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct StubRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type StubResponse = (u16, Vec<(&'static str, &'static str)>, String);
type StubResponses = Box<dyn FnMut(&StubRequest, &mut Value) -> StubResponse + Send>;

struct Inner {
    answers: Mutex<(StubResponses, Value)>,
    requests: Mutex<Vec<StubRequest>>,
}

/// Runs until it is dropped.
pub(crate) struct Stub {
    inner: Arc<Inner>,
    pub(crate) url: String,
    serving: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Stub {
    /// `answers` gets each request and the state, which persists between requests and begins as [`state`].
    pub(crate) async fn start(
        answers: impl FnMut(&StubRequest, &mut Value) -> StubResponse + Send + 'static,
    ) -> Self {
        let inner = Arc::new(Inner {
            answers: Mutex::new((Box::new(answers), state())),
            requests: Mutex::default(),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/prod/scalableTargetDimensions/1-23456789",
            listener.local_addr().unwrap()
        );
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            inner,
            url,
            serving,
        }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<StubRequest> {
        self.inner
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many requests tried to change something.
    pub(crate) fn patches(&self) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.method == Method::PATCH)
            .count()
    }
}

/// A state that meets the contract.
pub(crate) fn state() -> Value {
    json!({"scalableTargetDimensionId": "1-23456789", "version": "v1", "actualCapacity": 1.0, "desiredCapacity": 1.0, "scalingStatus": "Successful"})
}

/// A response with a body and no headers.
pub(crate) fn plain(status: u16, body: impl ToString) -> StubResponse {
    (status, Vec::new(), body.to_string())
}

/// A well-behaved endpoint that scales at once.
pub(crate) fn obey(request: &StubRequest, state: &mut Value) -> StubResponse {
    if request.method == Method::PATCH {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        state["desiredCapacity"] = body["desiredCapacity"].clone();
        state["actualCapacity"] = body["desiredCapacity"].clone();
    }
    plain(200, state)
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let request = StubRequest {
        method,
        uri,
        headers,
        body,
    };
    inner
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    let (status, headers, body) = {
        let mut guard = inner.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (answers, state) = &mut *guard;
        answers(&request, state)
    };
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}
