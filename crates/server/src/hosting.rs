//! Serving a gateway on an address until it is told to stop.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use http::{
    HeaderValue, Request,
    header::{HOST, STRICT_TRANSPORT_SECURITY},
    uri::Authority,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    gateway::Gateway,
    limits::Limits,
    refusal::Answer,
    tls::{self, Acceptor},
};

/// How much longer than a request may take a stop waits, for the last answer to be sent. A handshake has as long.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// The wait after an accept that failed for want of file descriptors or memory: trying at once would only spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// What a browser that has been here by HTTPS is told: not to come by plain HTTP for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What answers requests.
pub(crate) trait Answers: Send + Sync + 'static {
    /// What a request may take.
    fn limits(&self) -> &Limits;

    /// Answers a request.
    fn answer(
        &self,
        client: &Client,
        request: Request<Incoming>,
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
    served: JoinHandle<()>,
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
        let connections = Connections {
            answers: Arc::new(answers),
            acceptor,
            graceful: GracefulShutdown::new(),
            stopping: CancellationToken::new(),
        };
        let served = tokio::spawn(connections.serve(listener, stopped));
        Ok(Self {
            address,
            stop,
            served,
        })
    }

    /// Where it listens; with port 0 asked for, the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, waits for the requests under way (at most as long as one may take) and closes the connections.
    pub async fn stop(self) {
        // Both fail only where the task has ended already.
        let _ = self.stop.send(());
        let _ = self.served.await;
    }
}

struct Connections<A> {
    answers: Arc<A>,
    acceptor: Option<Acceptor>,
    graceful: GracefulShutdown,
    stopping: CancellationToken,
}

impl<A: Answers> Connections<A> {
    async fn serve(self, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
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
        if timeout(limits.request + LAST_ANSWER, finished)
            .await
            .is_err()
        {
            warn!("stopped with requests still under way");
        }
    }

    /// Serves one connection in a task of its own.
    fn converse(&self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        // Answers are small and written whole, so waiting to fill a packet only costs time.
        if let Err(error) = stream.set_nodelay(true) {
            debug!("cannot set TCP_NODELAY: {}", error.kind());
        }
        let answers = Arc::clone(&self.answers);
        // A stop waits for this, during a handshake as well.
        let watcher = self.graceful.watcher();
        let client = Client {
            ip: peer.ip(),
            certificate: None,
        };
        let stopping = self.stopping.clone();
        let Some(acceptor) = self.acceptor.clone() else {
            tokio::spawn(async move {
                let _permit = permit;
                exchange(answers, stream, client, false, watcher, stopping).await;
            });
            return;
        };
        tokio::spawn(async move {
            let _permit = permit;
            let given_up = async {
                stopping.cancelled().await;
                sleep(LAST_ANSWER).await;
            };
            let shaken = tokio::select! {
                shaken = timeout(answers.limits().handshake, acceptor.accept(stream)) => shaken,
                () = given_up => return,
            };
            match shaken {
                Ok(Ok(Some(stream))) => {
                    let client = Client {
                        certificate: tls::client_subject(&stream),
                        ..client
                    };
                    exchange(answers, stream, client, true, watcher, stopping).await;
                }
                Ok(Ok(None)) => debug!("an ACME server looked"),
                Ok(Err(error)) => debug!(peer = %client.ip, "a handshake failed: {error}"),
                Err(_) => debug!(peer = %client.ip, "a handshake took too long"),
            }
        });
    }
}

/// Answers the requests of one connection.
async fn exchange<A: Answers, S: AsyncRead + AsyncWrite + Send + 'static>(
    answers: Arc<A>,
    stream: S,
    client: Client,
    secure: bool,
    watcher: Watcher,
    stopping: CancellationToken,
) {
    let limits = *answers.limits();
    // A client that asks and does not read would hold the connection for ever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.request));
    let client = Arc::new(client);
    let under_way = Arc::new(());
    let asked = Arc::clone(&under_way);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answers, client, asked) = (
            Arc::clone(&answers),
            Arc::clone(&client),
            Arc::clone(&asked),
        );
        let secure = secure && !is_this_machine(&request);
        async move {
            let _asked = asked;
            let mut answer = answers.answer(&client, request).await;
            if secure {
                answer
                    .headers_mut()
                    .insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // A client may close its sending half once it has asked.
        .half_close(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // What has no request under way by then has half of one, or a client that does not read: a stop waits for neither.
    let left = async {
        stopping.cancelled().await;
        let mut idle = false;
        loop {
            sleep(LAST_ANSWER / 2).await;
            // This function and the service have one each.
            match (Arc::strong_count(&under_way) > 2, idle) {
                (false, true) => break,
                (busy, _) => idle = !busy,
            }
        }
    };
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            debug!("a connection ended early: {error}");
        },
        () = left => debug!("a connection without a request under way is closed"),
    }
}

/// Whether a browser would take what it is told for all ports of the machine that it runs on.
fn is_this_machine<B>(request: &Request<B>) -> bool {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    host.is_some_and(|host| host.host().eq_ignore_ascii_case("localhost"))
}
