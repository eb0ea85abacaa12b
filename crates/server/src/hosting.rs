//! Serving a gateway on an address until it is told to stop.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::gateway::Gateway;

/// How much longer than a request may take a stop waits, for the last answer to be sent.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// The wait after an accept that failed for want of file descriptors or memory: trying at once would only spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A gateway that is being served. Dropped without [`Hosting::stop`] it stops by itself a little later.
#[derive(Debug)]
pub struct Hosting {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Hosting {
    /// Serves `gateway` on `listener` in background tasks.
    ///
    /// # Errors
    /// Only when the operating system does not tell the listener's address.
    pub fn start(listener: TcpListener, gateway: Gateway) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, Arc::new(gateway), stopped));
        Ok(Self { address, stop, served })
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

async fn serve(listener: TcpListener, gateway: Arc<Gateway>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => converse(stream, peer, &gateway, &graceful),
                Err(error) => {
                    warn!("cannot accept a connection: {}", error.kind());
                    sleep(ACCEPT_AGAIN).await;
                }
            },
            _ = &mut stopped => break,
        }
    }
    // A connection that the operating system has already made may have a request in it.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        converse(stream, peer, &gateway, &graceful);
    }
    drop(listener);
    let finished = async {
        graceful.shutdown().await;
        gateway.finish().await;
    };
    if timeout(gateway.limits().request + LAST_ANSWER, finished).await.is_err() {
        warn!("stopped with requests still under way");
    }
}

/// Serves one connection in a task of its own.
fn converse(stream: TcpStream, peer: SocketAddr, gateway: &Arc<Gateway>, graceful: &GracefulShutdown) {
    // Answers are small and written whole, so waiting to fill a packet only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        debug!("cannot set TCP_NODELAY: {}", error.kind());
    }
    let gateway = Arc::clone(gateway);
    let head = gateway.limits().head;
    let service = service_fn(move |request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(gateway.answer(peer.ip(), request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        // A client may close its sending half once it has asked.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!("a connection ended early: {error}");
        }
    });
}
