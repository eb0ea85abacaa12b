//! Serving a gateway on an address until it is told to stop.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use http::Request;
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    connection::Connection,
    gateway::Gateway,
    limits::Limits,
    refusal::Answer,
    tls::{self, Acceptor},
    under_way::{Ticket, UnderWay},
};

/// How long a stop waits for a handshake.
const LAST_HANDSHAKE: Duration = Duration::from_secs(1);
/// The wait after an accept that failed for want of file descriptors or memory: trying at once would only spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// What answers requests.
pub(crate) trait Answers: Send + Sync + 'static {
    /// What a request may take.
    fn limits(&self) -> &Limits;

    /// Answers a request, which is under way as long as its ticket is kept.
    fn answer(
        &self,
        client: &Client,
        request: Request<Incoming>,
        ticket: &Ticket,
    ) -> impl Future<Output = Answer> + Send;

    /// Waits for what still runs. New requests must not come any more.
    fn finish(&self) -> impl Future<Output = ()> + Send;
}

/// Whose connection it is.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) ip: IpAddr,
    /// The subject of the certificate that it showed, which was verified.
    pub(crate) certificate: Option<String>,
}

/// A gateway that is being served. Dropped without [`Hosting::stop`] it stops by itself a little later.
#[derive(Debug)]
pub struct Hosting {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<usize>,
    under_way: UnderWay,
}

impl Hosting {
    /// Serves `gateway` on `listener` over plain HTTP in background tasks.
    ///
    /// # Errors
    /// Only when the operating system does not tell the listener's address.
    pub fn start(listener: TcpListener, gateway: Gateway) -> io::Result<Self> {
        Self::serve(listener, gateway, None)
    }

    /// Serves whatever `answers`, over HTTPS where there is an `acceptor`.
    pub(crate) fn serve(
        listener: TcpListener,
        answers: impl Answers,
        acceptor: Option<Acceptor>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let under_way = UnderWay::default();
        let connections = Connections {
            answers: Arc::new(answers),
            acceptor,
            graceful: GracefulShutdown::new(),
            stopping: CancellationToken::new(),
            cutting: CancellationToken::new(),
            under_way: under_way.clone(),
        };
        let served = tokio::spawn(connections.serve(listener, stopped));
        Ok(Self {
            address,
            stop,
            served,
            under_way,
        })
    }

    /// Where it listens; with port 0 asked for, the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The requests that are under way.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    /// Stops accepting, closes idle connections and waits for the requests under way, as long as [`Limits::stop`] says.
    /// Answers how many had to be cut then; the log names each.
    pub async fn stop(self) -> usize {
        // Both fail only where the task has ended already.
        let _ = self.stop.send(());
        self.served.await.unwrap_or_default()
    }
}

struct Connections<A> {
    answers: Arc<A>,
    acceptor: Option<Acceptor>,
    graceful: GracefulShutdown,
    stopping: CancellationToken,
    cutting: CancellationToken,
    under_way: UnderWay,
}

impl<A: Answers> Connections<A> {
    async fn serve(self, listener: TcpListener, mut stopped: oneshot::Receiver<()>) -> usize {
        let limits = *self.answers.limits();
        let room = Arc::new(Semaphore::new(limits.connections));
        let mut full = false;
        loop {
            if room.available_permits() > 0 {
                full = false;
            } else if !full {
                full = true;
                warn!("{} connections are open: new ones wait", limits.connections);
            }
            let next = async {
                // Never closed, so there is always one in the end.
                let permit = Arc::clone(&room).acquire_owned().await.ok();
                (listener.accept().await, permit)
            };
            tokio::select! {
                (accepted, permit) = next => match accepted {
                    Ok((stream, peer)) => self.converse(stream, peer, permit),
                    Err(error) => {
                        warn!("cannot accept a connection: {}", error.kind());
                        sleep(ACCEPT_AGAIN).await;
                    }
                },
                _ = &mut stopped => break,
            }
        }
        self.stopping.cancel();
        // A connection that the operating system has already made may have a request in it.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.converse(stream, peer, None);
        }
        drop(listener);
        let finished = async {
            self.graceful.shutdown().await;
            self.answers.finish().await;
        };
        if timeout(limits.stop, finished).await.is_ok() {
            return 0;
        }
        let cut = self.under_way.cut();
        self.cutting.cancel();
        cut
    }

    /// Serves one connection in a task of its own.
    fn converse(&self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        // Answers are small and written whole, so waiting to fill a packet only costs time.
        if let Err(error) = stream.set_nodelay(true) {
            debug!("cannot set TCP_NODELAY: {}", error.kind());
        }
        let connection = Connection {
            answers: Arc::clone(&self.answers),
            // A stop waits for this, during a handshake as well.
            watcher: self.graceful.watcher(),
            stopping: self.stopping.clone(),
            cutting: self.cutting.clone(),
            under_way: self.under_way.clone(),
        };
        let client = Client {
            ip: peer.ip(),
            certificate: None,
        };
        let Some(acceptor) = self.acceptor.clone() else {
            tokio::spawn(async move {
                let _permit = permit;
                connection.exchange(stream, client, false).await;
            });
            return;
        };
        tokio::spawn(async move {
            let _permit = permit;
            let given_up = async {
                connection.stopping.cancelled().await;
                sleep(LAST_HANDSHAKE).await;
            };
            let shaken = tokio::select! {
                shaken = timeout(connection.answers.limits().handshake, acceptor.accept(stream)) => shaken,
                () = given_up => return,
            };
            match shaken {
                Ok(Ok(Some(stream))) => {
                    let client = Client {
                        certificate: tls::client_subject(&stream),
                        ..client
                    };
                    connection.exchange(stream, client, true).await;
                }
                Ok(Ok(None)) => debug!("an ACME server looked"),
                Ok(Err(error)) => debug!(peer = %client.ip, "a handshake failed: {error}"),
                Err(_) => debug!(peer = %client.ip, "a handshake took too long"),
            }
        });
    }
}
