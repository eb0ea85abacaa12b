//! The one address: tells the services apart.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fleet_edge::{
    Client, HostingLimits, Responder, Ticket, Unreadable,
    body::{self, BodyError, Budget, Share},
    open_files,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{CONNECTION, EXPECT},
};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::{
    SERVICES,
    autoscaling::{self, AutoScaling},
    data_api::{self, DataApi, Operation},
    dynamodb::{Forwarder, Reply},
    gate,
    respond::{self, Answer},
    secrets::{self, Secrets},
};

/// How long a client may take to send a request's head, or its body.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How much all bodies under way may take together: as much as sixteen requests of the largest size.
const ALL_BODIES_BYTES: usize = 16 * data_api::MAX_REQUEST_BYTES;
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
    bodies: Budget,
}

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
            bodies: Budget::new(ALL_BODIES_BYTES),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        if let Some(refusal) = gate::host(&request) {
            return refusal.map(Either::Left);
        }
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if target.starts_with("DynamoDB") {
            return match timeout(READ_TIMEOUT, self.dynamodb.forward(request)).await {
                Ok(reply) => reply,
                Err(_) => too_slow().map(Either::Left),
            };
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
        match Operation::at(request.uri().path()) {
            Some(operation) if request.method() == Method::POST => {
                self.data_api(operation, request).await
            }
            _ => unknown(&request),
        }
        .map(Either::Left)
    }

    async fn data_api(&self, operation: Operation, request: Request<Incoming>) -> Answer {
        if let Some(refusal) = gate::signature(request.headers(), "application/json") {
            return refusal;
        }
        let header_bytes = size(request.headers()) + request.uri().path().len();
        let (body, share) = match self.body(request).await {
            Ok(read) => read,
            Err(answer) => return answer,
        };
        let service = Arc::clone(&self.data_api);
        // A client that goes away does not stop its statement half-way, as it would not on AWS.
        let answered = tokio::spawn(async move {
            let _share = share;
            service.answer(operation, header_bytes, &body).await
        })
        .await;
        answered.unwrap_or_else(data_api::unfinished)
    }

    /// Reads a body, which may be as large as the largest request of the Data API.
    async fn body(&self, request: Request<Incoming>) -> Result<(Bytes, Share), Answer> {
        let until = Instant::now() + READ_TIMEOUT;
        let waits_to_be_asked = request.headers().contains_key(EXPECT);
        let mut body = request.into_body();
        let read = body::read(&mut body, data_api::MAX_REQUEST_BYTES, &self.bodies);
        let mut answer = match timeout_at(until, read).await {
            Ok(Ok((body, share))) => return Ok((body.into(), share)),
            Ok(Err(BodyError::TooLarge(_))) => data_api::too_large(),
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

impl Responder for Front {
    type Body = Either<Full<Bytes>, Incoming>;

    async fn respond(&self, _: &Client, request: Request<Incoming>, _: &Ticket) -> Reply {
        self.answer(request).await
    }

    fn refuse(&self, unreadable: Unreadable, request_id: Uuid) -> Answer {
        tracing::debug!(%request_id, cause = %unreadable, "refused");
        error(
            unreadable.status(),
            "BadRequestException",
            &unreadable.to_string(),
        )
    }

    async fn release(&self) {
        // No client can go on with an open transaction, and a request may be waiting for one to end.
        self.data_api.roll_back().await;
    }
}

fn error(status: StatusCode, kind: &'static str, message: &str) -> Answer {
    respond::error(status, "application/json", kind, message)
}

fn too_slow() -> Answer {
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

fn unknown(request: &Request<Incoming>) -> Answer {
    let message = format!(
        "No such operation: {} {}. The local AWS endpoints answer {SERVICES}.",
        request.method(),
        request.uri().path()
    );
    error(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
}
