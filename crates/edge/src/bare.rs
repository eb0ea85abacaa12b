//! Unreadable requests get a response like any other refusal. hyper answers them itself, with a bare status
//! and no way to add more, so its response is replaced on its way to the client.

use std::{
    fmt::Write as _,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::FutureExt as _;
use http::{HeaderName, header::CONNECTION};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uuid::Uuid;

use crate::{
    responder::{Responder, UnreadableRequest},
    seats::ConnectionActivity,
};

/// The header with the id that an answer and its log lines share.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The length that no bare response reaches: a status line and three headers.
const BARE_BYTES: usize = 256;

/// A connection whose bare responses are replaced by complete ones, and that records when something is sent.
pub(crate) struct RewordingConnection<S, R> {
    stream: S,
    responder: Arc<R>,
    activity: Arc<ConnectionActivity>,
    /// The replacement of a bare response that is not sent yet.
    pending: Bytes,
}

impl<S: AsyncWrite + Unpin, R: Responder> RewordingConnection<S, R> {
    pub(crate) fn new(stream: S, responder: Arc<R>, activity: Arc<ConnectionActivity>) -> Self {
        Self {
            stream,
            responder,
            activity,
            pending: Bytes::new(),
        }
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.activity.went_on();
        Poll::Ready(sent)
    }

    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.pending))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.advance(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, R> AsyncRead for RewordingConnection<S, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin, R: Responder> AsyncWrite for RewordingConnection<S, R> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        match BareResponse::find(bytes) {
            None => self.poll_sent(cx, bytes),
            Some(BareResponse {
                at: 0,
                unreadable,
                date,
            }) => {
                self.pending = full_response(&*self.responder, unreadable, date);
                Poll::Ready(Ok(bytes.len()))
            }
            // The rest comes with the next call.
            Some(BareResponse { at, .. }) => self.poll_sent(cx, &bytes[..at]),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Heads are in the first slice, bodies in the others.
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && BareResponse::find(first).is_some()
        {
            return self.poll_write(cx, first);
        }
        ready!(self.poll_pending(cx))?;
        let sent = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.activity.went_on();
        Poll::Ready(sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A response of hyper's own at the end of what is written.
struct BareResponse<'b> {
    at: usize,
    unreadable: UnreadableRequest,
    date: &'b str,
}

impl<'b> BareResponse<'b> {
    /// Finds one. Our own responses have a request id in their head, so they are never mistaken for one.
    fn find(bytes: &'b [u8]) -> Option<Self> {
        let head = bytes.strip_suffix(b"\r\n\r\n")?;
        let from = head.len().saturating_sub(BARE_BYTES);
        let at = from
            + head[from..]
                .windows(8)
                .rposition(|window| window == b"HTTP/1.1")?;
        let mut lines = str::from_utf8(&head[at..]).ok()?.split("\r\n");
        let unreadable = match lines.next()?.split(' ').nth(1)? {
            "400" => UnreadableRequest::Head,
            "414" => UnreadableRequest::Target,
            "431" => UnreadableRequest::Headers,
            _ => return None,
        };
        let mut date = "";
        for line in lines {
            match line.split_once(": ")? {
                ("connection", "close") | ("content-length", "0") => {}
                ("date", value) => date = value,
                _ => return None,
            }
        }
        Some(Self {
            at,
            unreadable,
            date,
        })
    }
}

/// The complete response that says why.
fn full_response(responder: &impl Responder, unreadable: UnreadableRequest, date: &str) -> Bytes {
    let id = Uuid::new_v4();
    let (mut parts, body) = responder.refuse(unreadable, id).into_parts();
    for name in [REQUEST_ID, CONNECTION] {
        parts.headers.remove(name);
    }
    // A body in memory is available at once.
    let body = body.collect().now_or_never().and_then(Result::ok);
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\n{REQUEST_ID}: {id}\r\n", parts.status);
    for (name, value) in &parts.headers {
        // Writing to a String cannot fail.
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let _ = write!(
        head,
        "connection: close\r\ncontent-length: {}\r\ndate: {date}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat().into()
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{responder::ClientConnection, seats::Seats, under_way::RequestTicket};

    struct RefusingResponder;

    impl Responder for RefusingResponder {
        type Body = Full<Bytes>;

        async fn respond(
            &self,
            _: &ClientConnection,
            _: Request<Incoming>,
            _: &RequestTicket,
        ) -> Response<Full<Bytes>> {
            Response::default()
        }

        fn refuse(&self, unreadable: UnreadableRequest, id: Uuid) -> Response<Full<Bytes>> {
            let mut answer = Response::new(Full::from(format!("{unreadable:?} {id}")));
            *answer.status_mut() = unreadable.status();
            answer
        }
    }

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";

    async fn sent(written: &str) -> String {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let seat = Seats::new(1).take_another();
        let mut worded =
            RewordingConnection::new(ours, Arc::new(RefusingResponder), seat.activity());
        let write = async {
            worded.write_all(written.as_bytes()).await.unwrap();
            worded.shutdown().await.unwrap();
        };
        let mut read = String::new();
        let (_, answer) = tokio::join!(write, theirs.read_to_string(&mut read));
        answer.unwrap();
        read
    }

    #[tokio::test]
    async fn a_bare_answer_gets_words_also_behind_another_answer() {
        let before = "HTTP/1.1 200 OK\r\nx-amzn-requestid: r\r\ncontent-length: 2\r\n\r\n{}";
        for before in ["", before] {
            let read = sent(&format!("{before}{BARE}")).await;
            let answer = read.strip_prefix(before).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with(
                    "HTTP/1.1 431 Request Header Fields Too Large\r\nx-amzn-requestid: "
                ) && head.contains("\r\nconnection: close\r\n")
                    && head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
                "{head}"
            );
            let id = body.strip_prefix("Headers ").unwrap();
            assert!(
                head.contains(&format!("x-amzn-requestid: {id}\r\n")),
                "{head}"
            );
        }
    }

    #[tokio::test]
    async fn other_answers_are_left_alone() {
        for answer in [
            "HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: r\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ndate: d\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(sent(answer).await, answer);
        }
    }
}
