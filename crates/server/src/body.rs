//! Reading a request's body within its limit.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use crate::refusal::Refusal;

/// How much of a body that is refused is still taken in and thrown away. A client that sends its whole body before it
/// reads would otherwise see the connection reset instead of the answer.
const DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// Reads a body of at most `limit` bytes. One that announces more is refused unread.
pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    limit: usize,
) -> Result<Vec<u8>, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Refusal::BodyTooLarge(limit));
    }
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BrokenBody)?;
        // Trailers are no part of an event.
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if data.len() > limit - whole.len() {
            return Err(Refusal::BodyTooLarge(limit));
        }
        if whole.is_empty() {
            // What is announced is trusted only as far as a first piece has arrived, so that many idle connections
            // cannot make the server hold memory for bodies that never come.
            whole.reserve_exact(announced.max(data.len()));
        }
        whole.extend_from_slice(data);
    }
    Ok(whole)
}

/// Takes in what a client still sends, up to a bound and until `deadline`, and throws it away.
pub(crate) async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B, deadline: Instant) {
    let mut taken = 0;
    while taken < DISCARDED_BYTES {
        let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else {
            return;
        };
        taken += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    /// A body that does not announce its length.
    fn chunked(chunks: &[&'static [u8]]) -> impl Body<Data = Bytes> + Unpin + use<> {
        let frames: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(chunk))))
            .collect();
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_may_be_just_as_large_as_the_limit() {
        assert_eq!(
            read(&mut Full::<Bytes>::from("12345"), 5).await.unwrap(),
            b"12345"
        );
        assert_eq!(
            read(&mut Full::<Bytes>::from("123456"), 5).await,
            Err(Refusal::BodyTooLarge(5))
        );
        assert_eq!(
            read(&mut chunked(&[b"123", b"45"]), 5).await.unwrap(),
            b"12345"
        );
        assert_eq!(
            read(&mut chunked(&[b"123", b"456"]), 5).await,
            Err(Refusal::BodyTooLarge(5))
        );
        assert_eq!(read(&mut chunked(&[]), 5).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"1"))),
            Err(std::io::ErrorKind::ConnectionReset),
        ];
        let mut body = StreamBody::new(futures_util::stream::iter(
            frames.map(|frame| frame.map_err(std::io::Error::from)),
        ));
        assert_eq!(read(&mut body, 5).await, Err(Refusal::BrokenBody));
    }
}
