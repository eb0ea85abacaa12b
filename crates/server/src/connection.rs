//! One connection: its requests are answered one after the other.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{
    HeaderValue, Request,
    header::{HOST, STRICT_TRANSPORT_SECURITY},
    uri::Authority,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    hosting::{Answers, Client},
    under_way::UnderWay,
    worded::Worded,
};

/// How often a stop looks at a connection without a request under way. It closes the connection at the second look, so
/// that the last answer can be sent.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What a browser that has been here by HTTPS is told: not to come by plain HTTP for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What a connection shares with its listener.
pub(crate) struct Connection<A> {
    pub(crate) answers: Arc<A>,
    pub(crate) watcher: Watcher,
    /// No new request is taken any more.
    pub(crate) stopping: CancellationToken,
    /// What is still under way is given up.
    pub(crate) cutting: CancellationToken,
    pub(crate) under_way: UnderWay,
}

impl<A: Answers> Connection<A> {
    /// Answers the requests that come by `stream`, which is encrypted if it is `secure`.
    pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Send + 'static>(
        self,
        stream: S,
        client: Client,
        secure: bool,
    ) {
        let Self {
            answers,
            watcher,
            stopping,
            cutting,
            under_way,
        } = self;
        let limits = *answers.limits();
        // A client that asks and does not read would hold the connection for ever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.request));
        let client = Arc::new(client);
        let busy = Arc::new(());
        let asked = Arc::clone(&busy);
        let service = service_fn(move |request: Request<Incoming>| {
            let ticket = under_way.begin(&request);
            let (answers, client, asked) = (
                Arc::clone(&answers),
                Arc::clone(&client),
                Arc::clone(&asked),
            );
            let secure = secure && !is_this_machine(&request);
            async move {
                let _asked = asked;
                let mut answer = answers.answer(&client, request, &ticket).await;
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
            .serve_connection(TokioIo::new(Worded::new(Box::pin(stream))), service);
        // What has no request under way by then has half of one, or a client that does not read: a stop waits for neither.
        let left = async {
            stopping.cancelled().await;
            let mut idle = false;
            loop {
                sleep(LOOK_AGAIN).await;
                // This function and the service have one each.
                match (Arc::strong_count(&busy) > 2, idle) {
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
            () = cutting.cancelled() => {}
        }
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
