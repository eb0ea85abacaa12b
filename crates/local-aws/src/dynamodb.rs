//! DynamoDB: the `dynoxide-rs` crate on its own listener, and a client that forwards to it.
//!
//! The crate's router is private, and its public functions skip the checks of its HTTP layer. So requests go over a
//! loopback connection that is kept alive, except for plain ones (`direct.rs`). It runs on its own thread because it
//! does disk I/O synchronously.
//!
//! That listener would let any web page in: it answers preflights and ignores `Host`. So it listens where no page can
//! find it.

mod arns;
mod direct;
mod forwarder;
mod refusals;
mod storage;
mod streams;
#[cfg(test)]
mod testing;
mod translation;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    thread,
};

use bytes::Bytes;
use dynoxide::Database;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};
use tokio_util::task::TaskTracker;

use crate::{
    changes::ChangeStream,
    data_file::DataFile,
    journal::Journal,
    options::{LocalAwsError, Storage, TableOption},
};

use arns::Arns;
use direct::TableKeys;
pub(crate) use forwarder::{Forwarder, LIMIT};
pub(crate) use refusals::DynamoDbResponse;
use storage::{FILE, create, open, storage_error};

/// The running service.
pub(crate) struct DynamoDb {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    file: Arc<DataFile>,
    journal: Journal,
    database: Database,
    keys: TableKeys,
    /// The runtime of its thread.
    runtime: runtime::Handle,
    arns: Arc<Arns>,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the storage, creates missing tables, and serves. ARNs use the given region and account.
    pub(crate) fn start(
        storage: &Storage,
        tables: &[TableOption],
        (region, account): (&str, &str),
    ) -> Result<Self, LocalAwsError> {
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
            // Despite its name, this restores SQLite's defaults, except for `synchronous = NORMAL`; the journal does
            // the waiting instead.
            database
                .disable_bulk_loading()
                .map_err(|error| storage_error(Path::new(FILE), &error))?;
        }
        let file = Arc::new(DataFile::watch(file)?);
        let shared = database.clone();
        let listener = listen()?;
        listener.set_nonblocking(true)?;
        // Accepted connections inherit this; the server does not set it.
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
                        // A dropped sender stops it, too.
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
            keys: TableKeys::of(tables),
            runtime: handle,
            arns: Arc::new(Arns::new(region, account)),
            stop,
            thread,
        })
    }

    /// A table's change stream.
    pub(crate) fn changes(&self, table: &str) -> ChangeStream {
        ChangeStream::new(
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
            arns: Arc::clone(&self.arns),
            at_work: TaskTracker::new(),
            keys: self.keys.clone(),
        }
    }

    /// The file that holds the data.
    pub(crate) fn file(&self) -> Arc<DataFile> {
        Arc::clone(&self.file)
    }

    /// Waits for requests in progress and closes the storage.
    pub(crate) async fn close(self) {
        drop(self.client);
        // The listener may have ended already.
        let _ = self.stop.send(());
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// Binds a random port on a random loopback address: 2^39 combinations, too many to try. Where there is only one
/// loopback address, as on macOS, only the port is random.
fn listen() -> io::Result<std::net::TcpListener> {
    let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
    std::net::TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0))
        .or_else(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_listener_without_a_gate_is_on_no_address_that_a_page_would_try() {
        let dynamodb =
            DynamoDb::start(&Storage::InMemory, &[], ("us-east-1", "000000000000")).unwrap();
        let address = dynamodb.address;
        assert!(address.ip().is_loopback());
        if cfg!(target_os = "linux") {
            assert_ne!(address.ip(), Ipv4Addr::LOCALHOST);
            assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).is_err());
        }
        dynamodb.close().await;
    }
}
