//! Routes requests to the services, whether they come over a connection or from within the process.

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
/// Memory limit for all request bodies in progress: sixteen of the Data API's largest requests.
const ALL_BODIES_BYTES: usize = 16 * data_api::LIMIT.bytes;
/// How long requests in progress get to finish at shutdown: longer than any statement may run.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How many connections may be open at once, if the open-file limit allows it.
const MAX_CONNECTIONS: usize = 10_000;
/// A quarter of the open files: each connection here may need another one to a backend.
const FILES_PART: u64 = 4;

/// The services that requests are routed to.
#[derive(Debug)]
pub(crate) struct Front {
    autoscaling: Arc<AutoScaling>,
    dynamodb: Forwarder,
    data_api: Arc<DataApi>,
    secrets: Arc<Secrets>,
    bodies: BodyBudget,
    /// Requests in progress that did not come over a connection.
    within: TaskTracker,
}

/// Serves the loopback address that other processes use.
#[derive(Debug)]
pub(crate) struct FrontResponder(pub(crate) Arc<Front>);

/// The listener's limits.
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

    /// Begins a request that does not come over a connection; `None` once the services are stopping. Shutdown waits for
    /// the token.
    pub(crate) fn begin(&self) -> Option<TaskTrackerToken> {
        // The order matters: if a stop closes the tracker in between, it waits for this token, which is dropped right
        // away.
        let token = self.within.token();
        (!self.within.is_closed()).then_some(token)
    }

    /// Handles a request. A panic in a service becomes a response too, so that no caller waits forever.
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
        // If nothing needs to wait, respond right away.
        if let Some(answer) = (&mut answer).now_or_never() {
            return answer;
        }
        // A client that disconnects does not abort its statement, just as on AWS.
        let answered = tokio::spawn(answer).await;
        answered.unwrap_or_else(data_api::unfinished_response)
    }

    /// Reads a body, up to the size of the Data API's largest request.
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
        // Drain the body so that a client that is still sending gets to see the response. A client waiting for
        // `100 Continue` has not begun, and draining would make it send.
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
        // No client can continue an open transaction now, and a request may be waiting for one to end.
        self.0.data_api.roll_back().await;
    }

    async fn finish(&self) {
        self.0.within.close();
        // A request that arrived after the first rollback may have begun a transaction, and another may be waiting for
        // it.
        tokio::join!(self.0.within.wait(), self.0.data_api.roll_back());
    }
}

/// A request body, from a connection or from within the process.
pub(crate) trait RequestBody: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> RequestBody for B {}

/// The response, or an internal error if the service panicked.
async fn catch_panic(answer: impl Future<Output = DynamoDbResponse>) -> DynamoDbResponse {
    // A panic leaves no broken state behind: nothing holds a lock across an await.
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
    // Each header line adds a colon, a space and CRLF.
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
