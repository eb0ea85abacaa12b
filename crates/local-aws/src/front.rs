//! The one address: tells the three services apart and serves connections until told to stop.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    data_api::{self, DataApi, Operation},
    dynamodb::Forwarder,
    gate,
    respond::{self, Answer},
    secrets::{self, Secrets},
};

/// How long a client may take to send a request's head, or its body.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of an oversized body is read and thrown away, so that the client gets to see the answer.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// How long to wait after a failed accept: such a failure, too many open files say, tends to repeat.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests under way may take to finish: longer than any statement may run.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

type Reply = Response<Either<Full<Bytes>, Incoming>>;

/// What the requests are passed to.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) dynamodb: Forwarder,
    pub(crate) data_api: Arc<DataApi>,
    pub(crate) secrets: Arc<Secrets>,
}

impl Front {
    /// Serves until `stop` fires or is dropped, then lets the requests under way finish.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut stop: oneshot::Receiver<()>,
    ) {
        let graceful = GracefulShutdown::new();
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stop => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Only a matter of speed.
            let _ = stream.set_nodelay(true);
            let front = Arc::clone(&self);
            let service = service_fn(move |request| {
                let front = Arc::clone(&front);
                async move { Ok::<_, Infallible>(front.answer(request).await) }
            });
            let connection =
                graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
        drop(listener);
        // No client can go on with an open transaction, and a request may be waiting for one to end.
        let finished = async { tokio::join!(graceful.shutdown(), self.data_api.roll_back()) };
        if tokio::time::timeout(STOP_TIMEOUT, finished).await.is_err() {
            tracing::debug!("some requests did not finish in time");
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
            return match tokio::time::timeout(READ_TIMEOUT, self.dynamodb.forward(request)).await {
                Ok(reply) => reply,
                Err(_) => too_slow().map(Either::Left),
            };
        }
        if target.starts_with(secrets::TARGET_PREFIX) {
            let target = target.to_owned();
            if let Some(refusal) = gate::signature(request.headers(), secrets::CONTENT_TYPE) {
                return refusal.map(Either::Left);
            }
            return match body(request).await {
                Ok(body) => self.secrets.answer(&target, &body),
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
        let body = match body(request).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let service = Arc::clone(&self.data_api);
        // A client that goes away does not stop its statement half-way, as it would not on AWS.
        let answered =
            tokio::spawn(async move { service.answer(operation, header_bytes, &body).await }).await;
        answered.unwrap_or_else(data_api::unfinished)
    }
}

/// Reads a body. What is longer than any limit is cut just past it, so that whoever looks at the size refuses it.
async fn body(request: Request<Incoming>) -> Result<Bytes, Answer> {
    match tokio::time::timeout(READ_TIMEOUT, read(request.into_body())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(respond::error(
            StatusCode::BAD_REQUEST,
            "application/json",
            "BadRequestException",
            "The request body broke off before its end.",
        )),
        Err(_) => Err(too_slow()),
    }
}

fn too_slow() -> Answer {
    let message = "The request did not arrive in time.";
    respond::error(
        StatusCode::REQUEST_TIMEOUT,
        "application/json",
        "RequestTimeoutException",
        message,
    )
}

async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut kept = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        seen += data.len();
        if seen > MAX_DISCARDED_BYTES {
            break;
        }
        let room = (data_api::MAX_REQUEST_BYTES + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok(kept.freeze())
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
        "No such operation: {} {}. The local AWS endpoints answer DynamoDB, the RDS Data API and Secrets Manager.",
        request.method(),
        request.uri().path()
    );
    respond::error(
        StatusCode::NOT_FOUND,
        "application/json",
        "UnknownOperationException",
        &message,
    )
}
