//! Reads a request's body within its limit, and all bodies within theirs.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// How much of a refused body is still read and discarded. A client that sends its whole body before it
/// reads would otherwise see a connection reset instead of the response.
const DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// How much of a body does not count against the budget, so that small requests are served while large ones use it up.
/// A connection's own buffer may take as much.
const FREE_BYTES: usize = 16 * 1024;

/// Why a body is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than allowed.
    #[error("The request body must be at most {0} bytes.")]
    TooLarge(usize),
    /// The client stopped sending, or sent invalid chunks.
    #[error("The request body did not arrive completely.")]
    Broken,
    /// The bodies in progress use all the memory they may.
    #[error("The server is receiving as much data as it can. Try again in a second.")]
    Busy,
}

/// The memory budget of all bodies in progress.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Semaphore>);

/// One body's share of the budget, returned when this is dropped.
#[derive(Debug, Default)]
pub struct BodyShare(Option<OwnedSemaphorePermit>);

impl BodyBudget {
    /// A budget of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Grows `share` to `bytes`.
    fn grow(&self, share: &mut BodyShare, bytes: usize) -> Result<(), BodyError> {
        let taken = share
            .0
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.saturating_sub(FREE_BYTES).saturating_sub(taken);
        let more = u32::try_from(more).map_err(|_| BodyError::Busy)?;
        let more = Arc::clone(&self.0)
            .try_acquire_many_owned(more)
            .map_err(|_| BodyError::Busy)?;
        match &mut share.0 {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// Reads a body of at most `limit` bytes. One that announces more is refused unread.
///
/// # Errors
/// [`BodyError`]; the rest of the body may be passed to [`discard`].
pub async fn read<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    limit: usize,
    budget: &BodyBudget,
) -> Result<(Vec<u8>, BodyShare), BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(BodyError::TooLarge(limit));
    }
    let (mut whole, mut share) = (Vec::<u8>::new(), BodyShare::default());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        // Trailers are ignored: they are not part of an event.
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if data.len() > limit - whole.len() {
            return Err(BodyError::TooLarge(limit));
        }
        let needed = whole.len() + data.len();
        if needed > whole.capacity() {
            // Grows with what arrives, not with what is announced, so that an announcement alone cannot reserve memory.
            let room = needed.max(2 * whole.capacity());
            let room = room.min(if announced == 0 { limit } else { announced });
            let room = room.max(needed);
            budget.grow(&mut share, room)?;
            whole.reserve_exact(room - whole.len());
        }
        whole.extend_from_slice(data);
    }
    Ok((whole, share))
}

/// Reads and discards what a client is still sending, up to a limit and until `deadline`.
pub async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B, deadline: Instant) {
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

    /// Reads a body with enough memory for it.
    async fn whole<B: Body<Data = Bytes> + Unpin>(
        body: &mut B,
        limit: usize,
    ) -> Result<Vec<u8>, BodyError> {
        let read = read(body, limit, &BodyBudget::new(limit)).await;
        read.map(|(bytes, _)| bytes)
    }

    #[tokio::test]
    async fn bodies_share_a_budget_and_give_it_back() {
        let budget = BodyBudget::new(100);
        let large = || Full::<Bytes>::from(vec![b'x'; FREE_BYTES + 60]);
        let (bytes, share) = read(&mut large(), 1_000_000, &budget).await.unwrap();
        assert_eq!(bytes.len(), FREE_BYTES + 60);
        let refused = read(&mut large(), 1_000_000, &budget).await;
        assert_eq!(refused.unwrap_err(), BodyError::Busy);
        // Small ones are still accepted.
        read(&mut Full::<Bytes>::from("{}"), 1_000_000, &budget)
            .await
            .unwrap();
        drop(share);
        read(&mut large(), 1_000_000, &budget).await.unwrap();
    }

    #[tokio::test]
    async fn a_body_may_be_just_as_large_as_the_limit() {
        assert_eq!(
            whole(&mut Full::<Bytes>::from("12345"), 5).await.unwrap(),
            b"12345"
        );
        assert_eq!(
            whole(&mut Full::<Bytes>::from("123456"), 5).await,
            Err(BodyError::TooLarge(5))
        );
        assert_eq!(
            whole(&mut chunked(&[b"123", b"45"]), 5).await.unwrap(),
            b"12345"
        );
        assert_eq!(
            whole(&mut chunked(&[b"123", b"456"]), 5).await,
            Err(BodyError::TooLarge(5))
        );
        assert_eq!(whole(&mut chunked(&[]), 5).await.unwrap(), b"");
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
        assert_eq!(whole(&mut body, 5).await, Err(BodyError::Broken));
    }
}
