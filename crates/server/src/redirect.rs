//! Plain HTTP beside HTTPS: redirects every request to the same URL with HTTPS, and does nothing else.

use bytes::Bytes;
use fleet_edge::{ClientConnection, REQUEST_ID, RequestTicket, Responder, UnreadableRequest};
use fleet_http::ErrorBody;
use http::{
    HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONNECTION, HOST, LOCATION},
    uri::{Authority, PathAndQuery},
};
use http_body_util::Full;
use hyper::body::Incoming;
use tracing::info;
use uuid::Uuid;

use crate::{
    refusal::{self, RequestRefusal, ServerResponse},
    tls::Acceptor,
};

const HTTPS: u16 = 443;

/// Redirects HTTP requests to HTTPS with 308, which preserves method and body.
#[derive(Debug)]
pub(crate) struct Redirect {
    /// Knows the names that the server has a certificate for.
    acceptor: Acceptor,
    /// The port of HTTPS.
    port: u16,
}

impl Redirect {
    pub(crate) fn new(acceptor: Acceptor, port: u16) -> Self {
        Self { acceptor, port }
    }

    /// The HTTPS URL of the request, if the server has a certificate for its host: others could lead anywhere.
    fn target<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let named = match (request.uri().authority(), hosts.next(), hosts.next()) {
            // RFC 9112, section 3.2.2: an authority in the request target takes precedence over the header.
            (Some(authority), ..) => authority.clone(),
            (None, Some(host), None) => Authority::try_from(host.as_bytes()).ok()?,
            _ => return None,
        };
        let host = named.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if named.as_str().contains('@') || !self.acceptor.answers_to(bare) {
            return None;
        }
        let authority = if self.port == HTTPS {
            host.to_owned()
        } else {
            format!("{host}:{}", self.port)
        };
        // `OPTIONS *` and `CONNECT` have no URL.
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        if !path.starts_with('/') || request.method() == Method::CONNECT {
            return None;
        }
        let target = Uri::builder()
            .scheme("https")
            .authority(authority)
            .path_and_query(path)
            .build()
            .ok()?;
        HeaderValue::try_from(target.to_string()).ok()
    }
}

impl Responder for Redirect {
    type Body = Full<Bytes>;

    async fn respond(
        &self,
        _: &ClientConnection,
        request: Request<Incoming>,
        ticket: &RequestTicket,
    ) -> ServerResponse {
        let id = ticket.id();
        let method = request.method();
        let mut answer = match self.target(&request) {
            Some(target) => {
                let mut answer = ServerResponse::default();
                *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
                answer.headers_mut().insert(LOCATION, target);
                let status = answer.status().as_u16();
                info!(%method, route = "none", status, request_id = id, "redirected to HTTPS");
                answer
            }
            None => {
                let refusal = RequestRefusal::UnknownHost;
                let (status, cause) = (refusal.status().as_u16(), refusal.cause());
                info!(%method, route = "none", status, request_id = id, cause = &*cause, "refused");
                refusal.answer(ErrorBody::Standard, &id, true)
            }
        };
        let headers = answer.headers_mut();
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, id);
        }
        // The body is not read, so the connection cannot be reused.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    fn refuse(&self, unreadable: UnreadableRequest, request_id: Uuid) -> ServerResponse {
        refusal::of_unreadable(unreadable, request_id)
    }
}
