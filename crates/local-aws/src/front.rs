//! Answers requests, whichever way they come: tells the services apart.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use fleet_edge::{
    ClientConnection, HostingLimits, RequestTicket, Responder, UnreadableRequest,
    body::{self, BodyBudget, BodyError, BodyShare},
    open_files,
};
use futures_util::FutureExt as _;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{CONNECTION, EXPECT},
};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use uuid::Uuid;

use crate::{
    SERVICES,
    autoscaling::{self, AutoScaling},
    data_api::{self, DataApi, DataApiOperation},
    dynamodb::{self, DynamoDbResponse, Forwarder},
    engine::panic_cause,
    gate,
    respond::{self, BodyLimit, ServiceResponse},
    secrets::{self, Secrets},
};

/// How long a client may take to send a request's head, or its body.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How much all bodies under way may take together: as much as sixteen of the Data API's largest requests.
const ALL_BODIES_BYTES: usize = 16 * data_api::LIMIT.bytes;
/// How long requests under way may take to finish: longer than any statement may run.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How many connections may be open at once, where the limit of open files allows it.
const MAX_CONNECTIONS: usize = 10_000;
/// A quarter of the open files: each connection here may have another one behind it.
const FILES_PART: u64 = 4;

/// What the requests are passed to.
#[derive(Debug)]
pub(crate) struct Front {
    autoscaling: Arc<AutoScaling>,
    dynamodb: Forwarder,
    data_api: Arc<DataApi>,
    secrets: Arc<Secrets>,
    bodies: BodyBudget,
    /// The requests under way that came by no connection.
    within: TaskTracker,
}

/// The address that all other processes send requests to.
#[derive(Debug)]
pub(crate) struct FrontResponder(pub(crate) Arc<Front>);

/// What the listener allows.
pub(crate) fn limits() -> HostingLimits {
    HostingLimits {
        handshake: READ_TIMEOUT,
        head: READ_TIMEOUT,
        write: READ_TIMEOUT,
        stop: STOP_TIMEOUT,
        connections: open_files::connections(MAX_CONNECTIONS, FILES_PART),
    }
}

impl Front {
    pub(crate) fn new(
        autoscaling: Arc<AutoScaling>,
        dynamodb: Forwarder,
        data_api: Arc<DataApi>,
        secrets: Arc<Secrets>,
    ) -> Self {
        Self {
            autoscaling,
            dynamodb,
            data_api,
            secrets,
            bodies: BodyBudget::new(ALL_BODIES_BYTES),
            within: TaskTracker::new(),
        }
    }

    /// Begins a request that comes by no connection; `None` once the services stop. A stop waits for the token.
    pub(crate) fn begin(&self) -> Option<TaskTrackerToken> {
        // In this order: a stop that closes in between waits for the token, which is then dropped at once.
        let token = self.within.token();
        (!self.within.is_closed()).then_some(token)
    }

    /// Answers a request. A panic of a service is answered too, so that no caller waits for an answer that never comes.
    pub(crate) async fn answer<B: RequestBody>(&self, request: Request<B>) -> DynamoDbResponse {
        catch_panic(self.route(request)).await
    }

    async fn route<B: RequestBody>(&self, request: Request<B>) -> DynamoDbResponse {
        if let Some(refusal) = gate::host(&request) {
            return refusal.map(Either::Left);
        }
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if target.starts_with("DynamoDB") {
            return self.dynamodb(request).await;
        }
        if target.starts_with(secrets::TARGET_PREFIX) {
            let target = target.to_owned();
            if let Some(refusal) = gate::signature(request.headers(), secrets::CONTENT_TYPE) {
                return refusal.map(Either::Left);
            }
            return match self.body(request).await {
                Ok((body, _share)) => self.secrets.answer(&target, &body),
                Err(answer) => answer,
            }
            .map(Either::Left);
        }
        if target.starts_with(autoscaling::TARGET_PREFIX) {
            let target = target.to_owned();
            if let Some(refusal) = gate::signature(request.headers(), autoscaling::CONTENT_TYPE) {
                return refusal.map(Either::Left);
            }
            return match self.body(request).await {
                Ok((body, _share)) => self.autoscaling.answer(&target, &body).await,
                Err(answer) => answer,
            }
            .map(Either::Left);
        }
        if let Some((protocol, operation)) = autoscaling::Protocol::of(request.uri().path(), target)
        {
            let operation = operation.to_owned();
            let content_type = protocol.content_type();
            if let Some(refusal) = gate::signature(request.headers(), content_type) {
                return refusal.map(Either::Left);
            }
            return match self.body(request).await {
                Ok((body, _share)) => self.autoscaling.cloudwatch(protocol, &operation, &body),
                Err(answer) => answer,
            }
            .map(Either::Left);
        }
        match DataApiOperation::at(request.uri().path()) {
            Some(operation) if request.method() == Method::POST => {
                self.data_api(operation, request).await
            }
            _ => unknown(&request),
        }
        .map(Either::Left)
    }

    async fn dynamodb<B: RequestBody>(&self, request: Request<B>) -> DynamoDbResponse {
        let (parts, body) = request.into_parts();
        let waits_to_be_asked = parts.headers.contains_key(EXPECT);
        let (body, _share) = match self.read(body, waits_to_be_asked, dynamodb::LIMIT).await {
            Ok(read) => read,
            Err(answer) => return answer.map(Either::Left),
        };
        let request = Request::from_parts(parts, body);
        match timeout(READ_TIMEOUT, self.dynamodb.forward(request)).await {
            Ok(reply) => reply,
            Err(_) => too_slow().map(Either::Left),
        }
    }

    async fn data_api<B: RequestBody>(
        &self,
        operation: DataApiOperation,
        request: Request<B>,
    ) -> ServiceResponse {
        if let Some(refusal) = gate::signature(request.headers(), "application/json") {
            return refusal;
        }
        let header_bytes = size(request.headers()) + request.uri().path().len();
        let (body, share) = match self.body(request).await {
            Ok(read) => read,
            Err(answer) => return answer,
        };
        let service = Arc::clone(&self.data_api);
        let mut answer = Box::pin(async move {
            let _share = share;
            service.answer(operation, header_bytes, &body).await
        });
        // What has to wait for nothing is answered at once.
        if let Some(answer) = (&mut answer).now_or_never() {
            return answer;
        }
        // A client that goes away does not stop its statement half-way, as it would not on AWS.
        let answered = tokio::spawn(answer).await;
        answered.unwrap_or_else(data_api::unfinished_response)
    }

    /// Reads a body, which may be as large as the largest request of the Data API.
    async fn body<B: RequestBody>(
        &self,
        request: Request<B>,
    ) -> Result<(Bytes, BodyShare), ServiceResponse> {
        let waits_to_be_asked = request.headers().contains_key(EXPECT);
        self.read(request.into_body(), waits_to_be_asked, data_api::LIMIT)
            .await
    }

    async fn read<B: RequestBody>(
        &self,
        mut body: B,
        waits_to_be_asked: bool,
        limit: BodyLimit,
    ) -> Result<(Bytes, BodyShare), ServiceResponse> {
        let until = Instant::now() + READ_TIMEOUT;
        let read = body::read(&mut body, limit.bytes, &self.bodies);
        let mut answer = match timeout_at(until, read).await {
            Ok(Ok((body, share))) => return Ok((body.into(), share)),
            Ok(Err(BodyError::TooLarge(_))) => (limit.refusal)(),
            Ok(Err(BodyError::Broken)) => error(
                StatusCode::BAD_REQUEST,
                "BadRequestException",
                "The request body broke off before its end.",
            ),
            Ok(Err(busy @ BodyError::Busy)) => error(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailableError",
                &busy.to_string(),
            ),
            Err(_) => too_slow(),
        };
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
        // A client that is still sending gets to see the answer. One that has not begun would be asked to.
        if !waits_to_be_asked {
            tokio::spawn(body::discard(body, until));
        }
        Err(answer)
    }
}

impl Responder for FrontResponder {
    type Body = Either<Full<Bytes>, Incoming>;

    async fn respond(
        &self,
        _: &ClientConnection,
        request: Request<Incoming>,
        _: &RequestTicket,
    ) -> DynamoDbResponse {
        self.0.answer(request).await
    }

    fn refuse(&self, unreadable: UnreadableRequest, request_id: Uuid) -> ServiceResponse {
        tracing::debug!(%request_id, cause = %unreadable, "refused");
        error(
            unreadable.status(),
            "BadRequestException",
            &unreadable.to_string(),
        )
    }

    async fn release(&self) {
        // No client can go on with an open transaction, and a request may be waiting for one to end.
        self.0.data_api.roll_back().await;
    }

    async fn finish(&self) {
        self.0.within.close();
        // One that came after the roll-back of the others may have begun a transaction and wait for another one's.
        tokio::join!(self.0.within.wait(), self.0.data_api.roll_back());
    }
}

/// A request's body, by a connection or within the process.
pub(crate) trait RequestBody: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> RequestBody for B {}

/// The answer, or that of a service that panicked.
async fn catch_panic(answer: impl Future<Output = DynamoDbResponse>) -> DynamoDbResponse {
    // What a panic leaves behind is what any other request may find: nothing holds a lock across a wait.
    AssertUnwindSafe(answer)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| panic_response(&*panic).map(Either::Left))
}

fn panic_response(panic: &(dyn Any + Send)) -> ServiceResponse {
    let answer = error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "Internal error. It has been logged with this request id.",
    );
    let (request_id, cause) = (respond::request_id(&answer), panic_cause(panic));
    tracing::error!(request_id, cause, "a local AWS service panicked");
    answer
}

fn error(status: StatusCode, kind: &'static str, message: &str) -> ServiceResponse {
    respond::error(status, "application/json", kind, message)
}

fn too_slow() -> ServiceResponse {
    error(
        StatusCode::REQUEST_TIMEOUT,
        "RequestTimeoutException",
        "The request did not arrive in time.",
    )
}

fn size(headers: &HeaderMap) -> usize {
    // Each line has a colon, a space and a line end.
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn unknown<B>(request: &Request<B>) -> ServiceResponse {
    let message = format!(
        "No such operation: {} {}. The local AWS endpoints answer {SERVICES}.",
        request.method(),
        request.uri().path()
    );
    error(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_service_is_an_answer_that_tells_nothing_of_it() {
        let answer = catch_panic(async { panic!("of a table") }).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.headers().contains_key("x-amzn-requestid"));
        assert_eq!(answer.headers()["x-amzn-errortype"], "InternalServerError");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&body),
            r#"{"__type":"InternalServerError","message":"Internal error. It has been logged with this request id."}"#
        );
    }
}
