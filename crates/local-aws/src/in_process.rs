//! Access to the endpoints for clients in the same process: the same code without a connection.

use std::{
    error::Error,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};

use crate::front::Front;

/// Sends requests to the endpoints of a [`LocalAws`](crate::LocalAws) in this process. Clones share them.
///
/// Holding one keeps nothing open: the endpoints stop as usual, once the requests in progress have been answered.
#[derive(Debug, Clone)]
pub struct InProcess {
    front: Weak<Front>,
}

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    /// Like a closed port.
    #[error("the local AWS endpoints have stopped")]
    Stopped,
    /// The response ended before it was complete.
    #[error("the response was cut short")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

impl InProcess {
    pub(crate) fn new(front: &Arc<Front>) -> Self {
        Self {
            front: Arc::downgrade(front),
        }
    }

    /// The endpoints' response to `request`: the same as over a connection, with the same limits.
    ///
    /// # Errors
    /// [`InProcessError`]; a panic in a service is a response with status 500.
    pub async fn send(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, InProcessError> {
        let front = self.front.upgrade().ok_or(InProcessError::Stopped)?;
        let _under_way = front.begin().ok_or(InProcessError::Stopped)?;
        if let Some(authority) = request.uri().authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            // A client adds it to every request.
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        let (parts, body) = front.answer(request.map(Full::new)).await.into_parts();
        let body = body.collect().await.map_err(InProcessError::Broken)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}
