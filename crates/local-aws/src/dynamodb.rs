//! DynamoDB: the crate `dynoxide-rs`, on a listener of its own, and a client that forwards to it.
//!
//! Its router is private and its public functions skip the checks that its HTTP layer makes. So requests go over a
//! loopback connection that is kept alive, but for plain ones (`direct.rs`). It runs on a thread of its own, because it
//! does its disk work in place.
//!
//! That listener lets any web page in: it answers preflights, and looks at no `Host`. So it is kept where none finds it.

mod direct;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    thread,
};

use bytes::Bytes;
use dynoxide::{
    Database, DynoxideError,
    actions::{
        create_table::{CreateTableRequest, StreamSpecification},
        describe_table::DescribeTableRequest,
        update_table::UpdateTableRequest,
    },
    types::{AttributeDefinition, KeySchemaElement},
};
use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

use direct::Direct;

use crate::{
    changes::Changes,
    data_file::DataFile,
    database_file,
    journal::Journal,
    options::{StartError, Storage, Table},
    respond::{self, Answer, BodyLimit},
};

/// How long a stream's records are kept, in seconds: a day, as in DynamoDB.
const RECORDS_KEPT: i64 = 24 * 60 * 60;
/// The file within the data folder.
const FILE: &str = "dynamodb.sqlite";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// How large a request may be: as in DynamoDB, and as the listener behind takes it.
pub(crate) const LIMIT: BodyLimit = BodyLimit {
    bytes: 16 * 1024 * 1024,
    refusal: too_large,
};

/// What is answered here: the words of this crate, or those of the listener behind it.
pub(crate) type Reply = Response<Either<Full<Bytes>, Incoming>>;

/// The running service.
pub(crate) struct DynamoDb {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    file: Arc<DataFile>,
    journal: Journal,
    database: Database,
    /// Its own thread.
    runtime: runtime::Handle,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// Passes requests on; cheap to clone.
#[derive(Clone)]
pub(crate) struct Forwarder {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    file: Arc<DataFile>,
    journal: Journal,
    database: Database,
    runtime: runtime::Handle,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Forwarder")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl DynamoDb {
    /// Opens the storage, creates the tables that are missing, and serves.
    pub(crate) fn start(storage: &Storage, tables: &[Table]) -> Result<Self, StartError> {
        let database = open(storage)?;
        for table in tables {
            create(&database, table)?;
        }
        let file = match storage {
            Storage::InMemory => None,
            Storage::Folder(folder) => Some(folder.join(FILE)),
        };
        let journal = file.as_deref().map_or_else(Journal::none, Journal::of);
        if file.is_some() {
            // What the name does not say: it sets SQLite's defaults, but `synchronous = NORMAL`. The journal waits instead.
            database
                .disable_bulk_loading()
                .map_err(|error| storage_error(Path::new(FILE), &error))?;
        }
        let file = Arc::new(DataFile::watch(file)?);
        let shared = database.clone();
        let listener = listen()?;
        listener.set_nonblocking(true)?;
        // Accepted connections inherit it; the server sets none itself.
        socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("dynamodb".into())
            .spawn(move || {
                let served = runtime.block_on(async {
                    let listener =
                        TcpListener::from_std(listener).map_err(|error| error.to_string())?;
                    dynoxide::server::serve_with_shutdown(listener, database, async move {
                        // A dropped sender stops it as well.
                        let _ = stopped.await;
                    })
                    .await
                });
                if let Err(error) = served {
                    tracing::debug!(%error, "the DynamoDB listener ended");
                }
            })?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            address,
            client: Client::builder(TokioExecutor::new()).build(connector),
            file,
            journal,
            database: shared,
            runtime: handle,
            stop,
            thread,
        })
    }

    /// The changes of a table.
    pub(crate) fn changes(&self, table: &str) -> Changes {
        Changes::new(
            self.database.clone(),
            table.to_owned(),
            self.journal.clone(),
        )
    }

    pub(crate) fn forwarder(&self) -> Forwarder {
        Forwarder {
            address: self.address,
            client: self.client.clone(),
            file: Arc::clone(&self.file),
            journal: self.journal.clone(),
            database: self.database.clone(),
            runtime: self.runtime.clone(),
        }
    }

    /// What holds the data.
    pub(crate) fn file(&self) -> Arc<DataFile> {
        Arc::clone(&self.file)
    }

    /// Lets requests under way finish and closes the storage.
    pub(crate) async fn close(self) {
        drop(self.client);
        // It may have ended by itself.
        let _ = self.stop.send(());
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

impl Forwarder {
    /// Passes a request on as it is, and its answer back. Nothing is acknowledged that would not be found again.
    pub(crate) async fn forward(&self, request: Request<Bytes>) -> Reply {
        if let Err(gone) = self.file.is_there() {
            return not_kept(&gone.to_string());
        }
        let reply = if reads(&request) {
            self.send(request).await
        } else {
            let (forwarder, write) = (self.clone(), self.journal.write());
            // A client that goes away does not stop its write half-way, nor does its write end before it has.
            let written = tokio::spawn(async move {
                let reply = forwarder.send(request).await;
                drop(write);
                reply
            });
            written.await.unwrap_or_else(|_| unavailable())
        };
        if let Err(gone) = self.file.is_there() {
            return not_kept(&gone.to_string());
        }
        match self.journal.settled().await {
            Ok(()) => reply,
            Err(cause) => {
                self.file.note_failure(&cause);
                not_kept(&cause)
            }
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Reply {
        let (head, body) = request.into_parts();
        if let Some(direct) = Direct::of(&head, &body) {
            let database = self.database.clone();
            let answer = self.runtime.spawn(async move { direct.answer(&database) });
            match answer.await {
                Ok(Some(answer)) => return as_ours(answer.map(Either::Left)),
                // The listener says what is wrong.
                Ok(None) => {}
                // It panicked, or the storage has been closed.
                Err(_) => return unavailable(),
            }
        }
        self.ask_listener(Request::from_parts(head, Full::new(body)))
            .await
    }

    async fn ask_listener(&self, mut request: Request<Full<Bytes>>) -> Reply {
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
    /// Reads a fault's few words, since a full disk is told by nothing else.
    async fn note_failure(&self, response: Response<Incoming>) -> Reply {
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

/// Names the server as DynamoDB does.
fn as_ours<B>(mut response: Response<B>) -> Response<B> {
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("Server"));
    response
}

/// What SQLite says of a disk that is full or fails.
const DISK_FAULTS: [&str; 3] = [
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
];

/// Takes a port at random of a loopback address at random: 2^39 places, too many to try. Where the machine has only the
/// one loopback address, as macOS has, the port alone is to be guessed.
fn listen() -> io::Result<std::net::TcpListener> {
    let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
    std::net::TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0))
        .or_else(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
}

/// Whether a request changes nothing. What is not known to read may write.
fn reads(request: &Request<Bytes>) -> bool {
    let target = request.headers().get("x-amz-target");
    let operation = target
        .and_then(|target| target.to_str().ok()?.rsplit('.').next())
        .unwrap_or_default();
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

fn not_kept(cause: &str) -> Reply {
    respond::error(
        StatusCode::SERVICE_UNAVAILABLE,
        CONTENT_TYPE,
        "ServiceUnavailable",
        &format!("The table cannot be used now: {cause}"),
    )
    .map(Either::Left)
}

fn too_large() -> Answer {
    respond::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        CONTENT_TYPE,
        "RequestEntityTooLargeException",
        "The request must have at most 16 MiB.",
    )
}

fn unavailable() -> Reply {
    let message = "The DynamoDB storage is unavailable.";
    respond::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        CONTENT_TYPE,
        "InternalServerError",
        message,
    )
    .map(Either::Left)
}

fn open(storage: &Storage) -> Result<Database, StartError> {
    match storage {
        Storage::InMemory => {
            Database::memory().map_err(|error| storage_error(Path::new(":memory:"), &error))
        }
        Storage::Folder(folder) => {
            let file = folder.join(FILE);
            let path = file.to_str().ok_or_else(|| StartError::Storage {
                file: file.clone(),
                cause: "the path is not UTF-8".into(),
            })?;
            database_file::check(&file)?;
            trim(&file).map_err(|error| StartError::Storage {
                file: file.clone(),
                cause: error.to_string(),
            })?;
            let database = Database::new(path).map_err(|error| storage_error(&file, &error))?;
            index_stream(&file).map_err(|error| StartError::Storage {
                file,
                cause: error.to_string(),
            })?;
            Ok(database)
        }
    }
}

/// Gives the storage an index for the next number of a stream, which it looks for in each write: without one it reads all
/// records of a day.
fn index_stream(file: &Path) -> rusqlite::Result<()> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS fleet_stream_numbers ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}

/// Takes records of streams away that DynamoDB would no longer have: the storage itself keeps all.
fn trim(file: &Path) -> rusqlite::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let connection = rusqlite::Connection::open(file)?;
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_stream_records')";
    if connection.query_row(exists, [], |row| row.get(0))? {
        connection.execute(
            "DELETE FROM _stream_records WHERE created_at < unixepoch() - ?1",
            [RECORDS_KEPT],
        )?;
    }
    Ok(())
}

fn storage_error(file: &Path, error: &DynoxideError) -> StartError {
    StartError::Storage {
        file: file.to_owned(),
        cause: error.to_string(),
    }
}

/// Makes the table, with a stream as template.yaml has it. One of an earlier version gets its stream.
fn create(database: &Database, table: &Table) -> Result<(), StartError> {
    let stream = || {
        Some(StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("NEW_AND_OLD_IMAGES".into()),
        })
    };
    let failed = |error: DynoxideError| StartError::Table {
        table: table.name.clone(),
        cause: error.to_string(),
    };
    let request = CreateTableRequest {
        table_name: table.name.clone(),
        key_schema: vec![KeySchemaElement {
            attribute_name: table.partition_key.clone(),
            key_type: dynoxide::types::KeyType::HASH,
        }],
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: table.partition_key.clone(),
            attribute_type: dynoxide::types::ScalarAttributeType::S,
        }],
        billing_mode: Some("PAY_PER_REQUEST".into()),
        stream_specification: stream(),
        ..CreateTableRequest::default()
    };
    match database.create_table(request) {
        Ok(_) => return Ok(()),
        Err(DynoxideError::ResourceInUseException(_)) => {}
        Err(error) => return Err(failed(error)),
    }
    let described = database.describe_table(DescribeTableRequest {
        table_name: table.name.clone(),
    });
    if described.map_err(failed)?.table.latest_stream_arn.is_none() {
        database
            .update_table(UpdateTableRequest {
                table_name: table.name.clone(),
                stream_specification: stream(),
                ..UpdateTableRequest::default()
            })
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    fn table() -> Table {
        Table {
            name: "things".to_owned(),
            partition_key: "id".to_owned(),
        }
    }

    fn put(database: &Database, id: &str) {
        let request = serde_json::json!({"TableName": "things", "Item": {"id": {"S": id}}});
        database
            .put_item(serde_json::from_value(request).unwrap())
            .unwrap();
    }

    #[tokio::test]
    async fn a_table_of_an_earlier_version_gets_its_stream() {
        let database = Database::memory().unwrap();
        let request = serde_json::json!({
            "TableName": "things",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        database
            .create_table(serde_json::from_value(request).unwrap())
            .unwrap();
        create(&database, &table()).unwrap();
        let changes = Changes::new(database.clone(), "things".to_owned(), Journal::none());
        let mut reader = changes.reader(Position::Newest).await.unwrap();
        assert!(reader.next().await.unwrap().is_empty());
        put(&database, "a");
        put(&database, "b");
        let records = reader.next().await.unwrap();
        let ids: Vec<_> = records
            .iter()
            .map(|record| record["dynamodb"]["NewImage"]["id"]["S"].clone())
            .collect();
        assert_eq!(ids, ["a", "b"]);
        // From after the first one on, and from the beginning.
        let first = records[0]["dynamodb"]["SequenceNumber"].as_str().unwrap();
        for (position, count) in [
            (Position::After(first.to_owned()), 1),
            (Position::Oldest, 2),
        ] {
            let mut reader = changes.reader(position).await.unwrap();
            assert_eq!(reader.next().await.unwrap().len(), count);
            assert!(reader.next().await.unwrap().is_empty());
        }
        assert!(
            changes
                .reader(Position::After("soon".to_owned()))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn records_of_more_than_a_day_ago_are_gone_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Folder(folder.path().to_owned());
        {
            let database = open(&storage).unwrap();
            create(&database, &table()).unwrap();
            put(&database, "old");
            put(&database, "new");
        }
        let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        connection
            .execute(
                "UPDATE _stream_records SET created_at = created_at - 90000 WHERE keys_json LIKE '%old%'",
                [],
            )
            .unwrap();
        drop(connection);
        let changes = Changes::new(
            open(&storage).unwrap(),
            "things".to_owned(),
            Journal::none(),
        );
        let mut reader = changes.reader(Position::Oldest).await.unwrap();
        let records = reader.next().await.unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["dynamodb"]["Keys"]["id"]["S"], "new");
    }

    #[test]
    fn the_next_number_of_a_stream_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(&Storage::Folder(folder.path().to_owned())).unwrap());
        let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        // As the storage asks.
        let plan: String = connection
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
                ["things"],
                |row| row.get("detail"),
            )
            .unwrap();
        assert!(plan.contains("INDEX fleet_stream_numbers"), "{plan}");
    }

    #[tokio::test]
    async fn the_listener_without_a_gate_is_on_no_address_that_a_page_would_try() {
        let dynamodb = DynamoDb::start(&Storage::InMemory, &[]).unwrap();
        let address = dynamodb.address;
        assert!(address.ip().is_loopback());
        if cfg!(target_os = "linux") {
            assert_ne!(address.ip(), Ipv4Addr::LOCALHOST);
            assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).is_err());
        }
        dynamodb.close().await;
    }
}
