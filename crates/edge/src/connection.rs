//! One connection: a handshake, then its requests, one after the other.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    bare::RewordingConnection,
    handshake::Handshake,
    limits::HostingLimits,
    responder::{ClientConnection, Responder},
    seats::{ActiveRequest, Seat},
    under_way::OpenRequests,
};

/// How long a shutdown waits for a handshake.
const LAST_HANDSHAKE: Duration = Duration::from_secs(1);
/// How often a shutdown checks a connection without a request in progress. It closes the connection at the second
/// check, so that the last response can be sent.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A connection, and what it shares with its listener.
pub(crate) struct Connection<R> {
    pub(crate) responder: Arc<R>,
    pub(crate) limits: HostingLimits,
    pub(crate) seat: Seat,
    /// It came after the shutdown began, perhaps with a request that was sent before.
    pub(crate) late: bool,
    /// No new requests are accepted.
    pub(crate) stopping: CancellationToken,
    /// Everything still in progress is cut off.
    pub(crate) cutting: CancellationToken,
    pub(crate) under_way: OpenRequests,
}

impl<R: Responder> Connection<R> {
    /// Serves the connection until it ends.
    pub(crate) async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        handshake: &impl Handshake,
    ) {
        let mut client = ClientConnection {
            ip: peer.ip(),
            is_secure: false,
            certificate: None,
        };
        let given_up = async {
            self.stopping.cancelled().await;
            sleep(LAST_HANDSHAKE).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(self.limits.handshake, handshake.perform(stream, &mut client)) => shaken,
            () = self.seat.told_to_close() => return,
            () = given_up => return,
        };
        match shaken {
            Ok(Ok(Some(stream))) => self.exchange(stream, client).await,
            Ok(Ok(None)) => debug!("a connection ended with its handshake"),
            Ok(Err(error)) => debug!(peer = %client.ip, "a handshake failed: {error}"),
            Err(_) => debug!(peer = %client.ip, "a handshake took too long"),
        }
    }

    /// Serves the requests that come over `stream`.
    async fn exchange<S: AsyncRead + AsyncWrite + Send + 'static>(
        self,
        stream: S,
        client: ClientConnection,
    ) {
        let Self {
            responder,
            limits,
            seat,
            late,
            stopping,
            cutting,
            under_way,
        } = self;
        // A client that sends requests and never reads would hold the connection forever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let stream =
            RewordingConnection::new(Box::pin(stream), Arc::clone(&responder), seat.activity());
        let client = Arc::new(client);
        let activity = seat.activity();
        let service = service_fn(move |request: Request<Incoming>| {
            let ticket = under_way.begin(&request);
            let asking = ActiveRequest::begin(&activity);
            let (responder, client) = (Arc::clone(&responder), Arc::clone(&client));
            async move {
                let answer = responder.respond(&client, request, &ticket).await;
                drop(asking);
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head)
                // A client may close its sending half after its request.
                .half_close(true)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut stopped = pin!(async {
            stopping.cancelled().await;
            if late {
                sleep(LOOK_AGAIN).await;
            }
        });
        // A connection without a request in progress by then has sent half of one, or its client does not read: a
        // shutdown waits for neither.
        let mut left = pin!(async {
            stopping.cancelled().await;
            let mut idle = false;
            loop {
                sleep(LOOK_AGAIN).await;
                match (seat.is_asked(), idle) {
                    (false, true) => break,
                    (asked, _) => idle = !asked,
                }
            }
        });
        let (mut is_stopped, mut is_leaving) = (false, false);
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!("a connection ended early: {error}");
                    }
                    break;
                }
                () = cutting.cancelled() => break,
                () = &mut left => {
                    debug!("a connection without a request under way is closed");
                    break;
                }
                () = &mut stopped, if !is_stopped => {
                    is_stopped = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = seat.told_to_close(), if !is_leaving => {
                    is_leaving = true;
                    connection.as_mut().graceful_shutdown();
                    // One last poll: a request that has already arrived is served.
                    if connection.as_mut().now_or_never().is_some() || !seat.is_asked() {
                        debug!("an idle connection is closed for a new one");
                        break;
                    }
                    seat.leave_later();
                }
            }
        }
    }
}
