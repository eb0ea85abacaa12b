//! Plain HTTP beside HTTPS: everything is sent to the same address by HTTPS, and nothing else happens here.

use fleet_http::ErrorBody;
use http::{
    HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONNECTION, HOST, LOCATION},
    uri::{Authority, PathAndQuery},
};
use hyper::body::Incoming;
use tracing::info;

use crate::{
    hosting::{Answers, Client},
    limits::Limits,
    refusal::{Answer, REQUEST_ID, Refusal},
    tls::Acceptor,
    under_way::Ticket,
};

const HTTPS: u16 = 443;

/// Sends whoever asks by HTTP to HTTPS, with 308, which keeps method and body.
#[derive(Debug)]
pub(crate) struct Redirect {
    limits: Limits,
    /// Knows the names that the server has a certificate for.
    acceptor: Acceptor,
    /// Where HTTPS is served.
    port: u16,
}

impl Redirect {
    pub(crate) fn new(limits: Limits, acceptor: Acceptor, port: u16) -> Self {
        Self {
            limits,
            acceptor,
            port,
        }
    }

    /// The address by HTTPS of what was asked for, where the server has a certificate for the host that the client
    /// named: else this would send people wherever a request says.
    fn target<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let named = match (request.uri().authority(), hosts.next(), hosts.next()) {
            // As RFC 9112, section 3.2.2, has it: an address in the request goes before the header.
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
        // `OPTIONS *` and `CONNECT` ask for nothing that has an address.
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

impl Answers for Redirect {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn answer(&self, _: &Client, request: Request<Incoming>, ticket: &Ticket) -> Answer {
        let id = ticket.id();
        let mut answer = match self.target(&request) {
            Some(target) => {
                let mut answer = Answer::default();
                *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
                answer.headers_mut().insert(LOCATION, target);
                answer
            }
            None => Refusal::UnknownHost.answer(ErrorBody::Standard, &id, true),
        };
        let status = answer.status().as_u16();
        let done = if answer.status().is_redirection() {
            "sent to HTTPS"
        } else {
            "refused"
        };
        info!(method = %request.method(), route = "none", status, request_id = id, "{done}");
        let headers = answer.headers_mut();
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, id);
        }
        // A body is not read here, so nothing can follow on this connection.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    async fn finish(&self) {}
}
