//! Serves a listener's requests, and says which client they come from.

use std::{error, net::IpAddr};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use thiserror::Error;
use uuid::Uuid;

use crate::under_way::RequestTicket;

/// Serves requests.
pub trait Responder: Send + Sync + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn error::Error + Send + Sync>>> + Send + 'static;

    /// Responds to a request, which counts as in progress for as long as its ticket is kept.
    fn respond(
        &self,
        client: &ClientConnection,
        request: Request<Incoming>,
        ticket: &RequestTicket,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// The response to something that is not an HTTP request. The id header is added to it, and the connection closes
    /// after it.
    fn refuse(&self, unreadable: UnreadableRequest, request_id: Uuid) -> Response<Full<Bytes>>;

    /// Ends anything that requests in progress would wait for in vain, since no new requests come.
    fn release(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Waits for whatever still runs once all connections have ended.
    fn finish(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The client of a connection.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    /// Its address.
    pub ip: IpAddr,
    /// Whether the connection is encrypted.
    pub is_secure: bool,
    /// The subject of the verified certificate that it presented.
    pub certificate: Option<String>,
}

/// Why something cannot be read as a request. The client reads this text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UnreadableRequest {
    /// 400: not HTTP/1.1.
    #[error("The request line or a header cannot be read as HTTP/1.1.")]
    Head,
    /// 414.
    #[error("The request URL is too long.")]
    Target,
    /// 431: too many or too long.
    #[error("The request headers are too large.")]
    Headers,
}

impl UnreadableRequest {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Head => StatusCode::BAD_REQUEST,
            Self::Target => StatusCode::URI_TOO_LONG,
            Self::Headers => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}
