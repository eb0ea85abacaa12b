//! Load from a number of connections, each with one request at a time.

use std::time::{Duration, Instant};

use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, HOST},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{error::BenchError, statistics::percentile};

/// One request.
pub(crate) struct LoadRequest {
    method: Method,
    path: String,
    body: String,
    kind: &'static str,
}

impl LoadRequest {
    pub(crate) fn new(method: Method, path: String, body: &str) -> Self {
        Self {
            method,
            path,
            body: body.to_owned(),
            kind: "",
        }
    }

    pub(crate) fn get(path: String) -> Self {
        Self::new(Method::GET, path, "")
    }

    /// The same request, also counted as one of this kind.
    pub(crate) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }
}

/// The requests, and how long to send them.
pub(crate) struct Load<'a> {
    /// The request for a connection's number and the number of the request on it; `None` ends the connection.
    pub(crate) request: &'a (dyn Fn(usize, usize) -> Option<LoadRequest> + Sync),
    pub(crate) span: Duration,
}

/// The result.
#[derive(Default)]
pub(crate) struct LoadResult {
    /// Each request's time and kind, sorted by time.
    latencies: Vec<(Duration, &'static str)>,
    not_ok: usize,
    span: Duration,
}

/// One connection to the server.
pub(crate) struct LoadConnection {
    sender: http1::SendRequest<Full<Bytes>>,
    address: String,
}

impl LoadConnection {
    pub(crate) async fn open(address: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            address: address.to_owned(),
        })
    }

    /// Sends one request and reads its response to the end.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<StatusCode, BenchError> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address)
            // The local AWS endpoints require a signature, but do not verify it.
            .header(AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=bench")
            .body(Full::from(body))?;
        // The connection accepts the next request only once the last response is complete.
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }
}

/// Sends requests on `connections` connections at once.
pub(crate) async fn run(
    address: &str,
    load: &Load<'_>,
    connections: usize,
) -> Result<LoadResult, BenchError> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(LoadConnection::open(address).await?);
    }
    let started = Instant::now();
    let mut measured = LoadResult::default();
    let asked = opened
        .into_iter()
        .enumerate()
        .map(|(number, connection)| send_requests(number, connection, load, started));
    for outcome in futures_util::future::join_all(asked).await {
        let (latencies, not_ok) = outcome?;
        measured.latencies.extend(latencies);
        measured.not_ok += not_ok;
    }
    measured.span = started.elapsed();
    measured.latencies.sort_unstable();
    Ok(measured)
}

async fn send_requests(
    number: usize,
    mut connection: LoadConnection,
    load: &Load<'_>,
    started: Instant,
) -> Result<(Vec<(Duration, &'static str)>, usize), BenchError> {
    let (mut latencies, mut not_ok) = (Vec::new(), 0);
    while started.elapsed() < load.span {
        let Some(LoadRequest {
            method,
            path,
            body,
            kind,
        }) = (load.request)(number, latencies.len())
        else {
            break;
        };
        let sent = Instant::now();
        let status = connection.send(method, &path, body).await?;
        latencies.push((sent.elapsed(), kind));
        not_ok += usize::from(status != StatusCode::OK);
    }
    Ok((latencies, not_ok))
}

impl LoadResult {
    /// The time within which this share of the requests finished, in milliseconds.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let (latency, _) = percentile(&self.latencies, share).unwrap_or_default();
        1e3 * latency.as_secs_f64()
    }

    /// The requests of one kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Self {
        let latencies = self.latencies.iter().filter(|(_, one)| *one == kind);
        Self {
            latencies: latencies.copied().collect(),
            ..*self
        }
    }

    /// How many requests got a response.
    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// How many requests per second got a response.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.span.as_secs_f64()
    }

    pub(crate) fn span(&self) -> Duration {
        self.span
    }

    pub(crate) fn not_ok(&self) -> usize {
        self.not_ok
    }
}
