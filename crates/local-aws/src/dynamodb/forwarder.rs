//! Forwards requests to the storage or to its listener.

use std::{fmt, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use dynoxide::Database;
use http::{HeaderValue, Request, Response, Uri, header, request::Parts, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokio::{
    runtime,
    task::{self, JoinError},
};
use tokio_util::task::TaskTracker;

use super::{
    arns::Arns,
    direct::{DirectRequest, TableKeys},
    refusals::{DynamoDbResponse, NotFound, not_kept, too_large, unavailable},
    streams,
    translation::{Translation, operation},
};
use crate::{
    data_file::DataFile,
    journal::Journal,
    respond::{BodyLimit, ServiceResponse},
};

/// The largest request: as in DynamoDB, and as the listener accepts.
pub(crate) const LIMIT: BodyLimit = BodyLimit {
    bytes: 16 * 1024 * 1024,
    refusal: too_large,
};

/// How often a read yields to other tasks while the storage is busy.
const TURNS: usize = 4;

/// Forwards requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Forwarder {
    pub(super) address: SocketAddr,
    pub(super) client: Client<HttpConnector, Full<Bytes>>,
    pub(super) file: Arc<DataFile>,
    pub(super) journal: Journal,
    pub(super) database: Database,
    pub(super) runtime: runtime::Handle,
    pub(super) arns: Arc<Arns>,
    /// The requests that the storage is working on.
    pub(super) at_work: TaskTracker,
    pub(super) keys: TableKeys,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Forwarder")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Forwarder {
    /// Forwards a request and returns its response, translating both.
    pub(crate) async fn forward(&self, mut request: Request<Bytes>) -> DynamoDbResponse {
        let translation = match Translation::of(&self.arns, &mut request) {
            Ok(translation) => translation,
            Err(absent) => return as_ours(absent.answer().map(Either::Left)),
        };
        if let Some(stream) = translation.stream()
            && !self.is_current(stream).await
        {
            return as_ours(NotFound::new("Stream", stream).answer().map(Either::Left));
        }
        let reply = self.pass_on(request).await;
        translation.answer(&self.arns, reply).await
    }

    /// Whether a stream belongs to the current table.
    async fn is_current(&self, stream: &str) -> bool {
        let (arns, database) = (Arc::clone(&self.arns), self.database.clone());
        let stream = stream.to_owned();
        let looked = self
            .runtime
            .spawn(async move { streams::is_current(&arns, &database, &stream) });
        // If the storage has been closed, the next call will report it.
        looked.await.unwrap_or(true)
    }

    /// Sends a request, and never acknowledges anything that could be lost.
    async fn pass_on(&self, request: Request<Bytes>) -> DynamoDbResponse {
        let is_read = reads(&request);
        let (head, body) = request.into_parts();
        let direct = DirectRequest::of(&head, &body, &self.keys);
        let item = direct.as_ref().and_then(DirectRequest::item);
        let reply = if is_read {
            self.send(head, body, direct).await
        } else {
            if let Err(gone) = self.file.is_there() {
                return not_kept(&gone.to_string());
            }
            let (forwarder, write) = (self.clone(), self.journal.write_of(item));
            // If the client disconnects, the write still runs to its end, and counts as pending until then.
            let written = tokio::spawn(async move {
                let reply = forwarder.send(head, body, direct).await;
                drop(write);
                reply
            });
            written.await.unwrap_or_else(|_| unavailable())
        };
        if let Err(gone) = self.file.is_there() {
            return not_kept(&gone.to_string());
        }
        match self.journal.settled_for(item).await {
            Ok(()) => reply,
            Err(cause) => {
                self.file.note_failure(&cause);
                not_kept(&cause)
            }
        }
    }

    async fn send(
        &self,
        head: Parts,
        body: Bytes,
        direct: Option<DirectRequest>,
    ) -> DynamoDbResponse {
        if let Some(direct) = direct {
            match self.run(direct).await {
                Ok(Some(answer)) => return as_ours(answer.map(Either::Left)),
                // The listener words the error.
                Ok(None) => {}
                // It panicked, or the storage has been closed.
                Err(_) => return unavailable(),
            }
        }
        let _at_work = self.at_work.token();
        self.ask_listener(Request::from_parts(head, Full::new(body)))
            .await
    }

    /// Runs a request on the storage's own thread. Reading an item takes less time than waking that thread, so it is
    /// read here if no other request is in progress, or becomes so while a few other tasks take their turn.
    async fn run(&self, direct: DirectRequest) -> Result<Option<ServiceResponse>, JoinError> {
        let mut at_work = self.at_work.token();
        if direct.reads() {
            for _ in 0..TURNS {
                if self.at_work.len() == 1 {
                    return Ok(direct.answer(&self.database));
                }
                drop(at_work);
                task::yield_now().await;
                at_work = self.at_work.token();
            }
        }
        let database = self.database.clone();
        let answer = self.runtime.spawn(async move {
            let answer = direct.answer(&database);
            drop(at_work);
            answer
        });
        answer.await
    }

    pub(super) async fn ask_listener(&self, mut request: Request<Full<Bytes>>) -> DynamoDbResponse {
        let path = request
            .uri()
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.address.to_string())
            .path_and_query(path)
            .build();
        let Ok(uri) = uri else {
            return unavailable();
        };
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::CONNECTION);
        match self.client.request(request).await {
            Ok(response) => {
                let mut response = as_ours(response);
                response.headers_mut().remove(header::CONNECTION);
                if response.status().is_server_error() {
                    return self.note_failure(response).await;
                }
                response.map(Either::Right)
            }
            Err(error) => {
                tracing::debug!(%error, "the DynamoDB listener did not answer");
                unavailable()
            }
        }
    }
}

impl Forwarder {
    /// Reads the error message, because nothing else reports a full disk.
    async fn note_failure(&self, response: Response<Incoming>) -> DynamoDbResponse {
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            return unavailable();
        };
        let body = body.to_bytes();
        let words = String::from_utf8_lossy(&body);
        if let Some(told) = DISK_FAULTS.into_iter().find(|told| words.contains(told)) {
            self.file.note_failure(told);
        }
        Response::from_parts(parts, Either::Left(Full::new(body)))
    }
}

/// Sets the `Server` header that DynamoDB sends.
fn as_ours<B>(mut response: Response<B>) -> Response<B> {
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("Server"));
    response
}

/// SQLite's messages for a full or failing disk.
const DISK_FAULTS: [&str; 3] = [
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
];

/// Whether a request only reads. Unknown operations count as writes.
fn reads(request: &Request<Bytes>) -> bool {
    let operation = operation(request.headers());
    [
        "BatchGet",
        "Describe",
        "Get",
        "List",
        "Query",
        "Scan",
        "TransactGet",
    ]
    .iter()
    .any(|read| operation.starts_with(read))
}
