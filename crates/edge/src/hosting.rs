//! Serves a responder on an address until it is told to stop.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use crate::{
    connection::Connection,
    handshake::Handshake,
    limits::HostingLimits,
    os_error::error_words,
    pace::LogPace,
    responder::Responder,
    seats::{Seat, Seats},
    under_way::OpenRequests,
};

/// The pause after an accept that failed because file descriptors or memory ran out: an immediate retry would only
/// spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A running listener with its responder. If dropped without [`Hosting::stop`], it stops a little later.
#[derive(Debug)]
pub struct Hosting {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<usize>,
    under_way: OpenRequests,
}

impl Hosting {
    /// Serves `responder` on `listener` in background tasks.
    ///
    /// # Errors
    /// Only if the operating system does not report the listener's address.
    pub fn start(
        listener: TcpListener,
        responder: impl Responder,
        handshake: impl Handshake,
        limits: HostingLimits,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let under_way = OpenRequests::default();
        let connections = Connections {
            responder: Arc::new(responder),
            handshake: Arc::new(handshake),
            limits,
            seats: Seats::new(limits.connections),
            open: TaskTracker::new(),
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

    /// The address it listens on, with the actual port if port 0 was requested.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The requests in progress.
    #[must_use]
    pub fn under_way(&self) -> OpenRequests {
        self.under_way.clone()
    }

    /// Stops accepting, closes idle connections and waits up to [`HostingLimits::stop`] for the requests in progress.
    /// Returns how many had to be cut off then; the log names each.
    pub async fn stop(self) -> usize {
        // Both fail only if the task has already ended.
        let _ = self.stop.send(());
        self.served.await.unwrap_or_default()
    }
}

struct Connections<R, H> {
    responder: Arc<R>,
    handshake: Arc<H>,
    limits: HostingLimits,
    seats: Seats,
    open: TaskTracker,
    stopping: CancellationToken,
    cutting: CancellationToken,
    under_way: OpenRequests,
}

impl<R: Responder, H: Handshake> Connections<R, H> {
    async fn serve(self, listener: TcpListener, mut stopped: oneshot::Receiver<()>) -> usize {
        let (mut full, mut failing) = (LogPace::default(), LogPace::default());
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stopped => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    if self.seats.are_taken() && full.next().is_some() {
                        warn!(
                            "all {} connections are in use: a new one replaces the one that has been idle longest, or waits for a request to finish",
                            self.limits.connections
                        );
                    }
                    tokio::select! {
                        seat = self.seats.take() => self.converse(stream, peer, seat, false),
                        _ = &mut stopped => {
                            self.converse(stream, peer, self.seats.take_another(), true);
                            break;
                        }
                    }
                }
                Err(error) => self.not_accepted(&error, &mut failing).await,
            }
        }
        self.stopping.cancel();
        // A connection that the operating system has already accepted may carry a request.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.converse(stream, peer, self.seats.take_another(), true);
        }
        drop(listener);
        self.open.close();
        let finished = async {
            tokio::join!(self.open.wait(), self.responder.release());
            self.responder.finish().await;
        };
        if timeout(self.limits.stop, finished).await.is_ok() {
            return 0;
        }
        let cut = self.under_way.log_cut_off();
        self.cutting.cancel();
        cut
    }

    async fn not_accepted(&self, error: &io::Error, failing: &mut LogPace) {
        // The client disconnected before its turn.
        if matches!(
            error.kind(),
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
        ) {
            return;
        }
        if let Some(held_back) = failing.next() {
            warn!(
                held_back,
                "cannot accept a connection: {}",
                error_words(error)
            );
        }
        // Other clients' idle connections may hold what is missing.
        self.seats.close_idle();
        sleep(ACCEPT_AGAIN).await;
    }

    /// Serves one connection in its own task. One that is `late` came during the shutdown.
    fn converse(&self, stream: TcpStream, peer: SocketAddr, seat: Seat, late: bool) {
        // Responses are small and written whole, so waiting to fill a packet only adds latency.
        if let Err(error) = stream.set_nodelay(true) {
            debug!("cannot set TCP_NODELAY: {}", error.kind());
        }
        let connection = Connection {
            responder: Arc::clone(&self.responder),
            limits: self.limits,
            seat,
            late,
            stopping: self.stopping.clone(),
            cutting: self.cutting.clone(),
            under_way: self.under_way.clone(),
        };
        let handshake = Arc::clone(&self.handshake);
        self.open
            .spawn(async move { connection.serve(stream, peer, &*handshake).await });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Mutex, PoisonError},
    };

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use rustix::io::Errno;
    use uuid::Uuid;

    use super::*;
    use crate::{
        handshake::PlainHttp,
        responder::{ClientConnection, UnreadableRequest},
        under_way::RequestTicket,
    };

    struct SilentResponder;

    impl Responder for SilentResponder {
        type Body = Full<Bytes>;

        async fn respond(
            &self,
            _: &ClientConnection,
            _: Request<Incoming>,
            _: &RequestTicket,
        ) -> Response<Self::Body> {
            Response::default()
        }

        fn refuse(&self, _: UnreadableRequest, _: Uuid) -> Response<Full<Bytes>> {
            Response::default()
        }
    }

    fn connections() -> Connections<SilentResponder, PlainHttp> {
        let long = Duration::from_secs(3_600);
        let limits = HostingLimits {
            handshake: long,
            head: long,
            write: long,
            stop: long,
            connections: 2,
        };
        Connections {
            responder: Arc::new(SilentResponder),
            handshake: Arc::new(PlainHttp),
            limits,
            seats: Seats::new(limits.connections),
            open: TaskTracker::new(),
            stopping: CancellationToken::new(),
            cutting: CancellationToken::new(),
            under_way: OpenRequests::default(),
        }
    }

    /// Captures the log output.
    #[derive(Clone, Default)]
    struct CapturedLog(Arc<Mutex<Vec<u8>>>);

    impl CapturedLog {
        fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Write for CapturedLog {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.bytes().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_accept_that_fails_is_named_in_words_once_a_second_and_an_idle_connection_goes() {
        let log = CapturedLog::default();
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || written.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let (connections, mut failing) = (connections(), LogPace::default());
        let idle = connections.seats.take().await;
        // Ten failures a second, each followed by its pause.
        for _ in 0..11 {
            connections
                .not_accepted(&Errno::MFILE.into(), &mut failing)
                .await;
        }
        assert!(idle.told_to_close().now_or_never().is_some());
        connections
            .not_accepted(&Errno::CONNABORTED.into(), &mut failing)
            .await;
        let said = String::from_utf8_lossy(&log.bytes()).into_owned();
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        for (line, held_back) in lines.iter().zip([0, 9]) {
            assert!(
                line.contains("WARN")
                    && line.contains(
                        "cannot accept a connection: this process has as many files open as it may"
                    )
                    && line.contains(&format!("held_back={held_back}"))
                    && !line.contains("os error"),
                "{line}"
            );
        }
    }
}
