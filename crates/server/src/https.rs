//! HTTPS besides the listener: certificates, and the redirect of plain HTTP.

use std::{io, net::SocketAddr};

use fleet_edge::{Hosting, PlainHttp};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{HOST, STRICT_TRANSPORT_SECURITY},
    uri::Authority,
};
use tokio::net::TcpListener;

use crate::{
    limits::Limits,
    redirect::Redirect,
    tls::{Acceptor, Tls, TlsError, TlsPlan},
};

/// The default port of https:// URLs.
const PORT: u16 = 443;
/// Makes a browser that has used HTTPS use nothing else for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The certificates, and the redirect of plain HTTP. Certificates are no longer renewed once it is dropped.
#[derive(Debug)]
pub(crate) struct Https {
    tls: Tls,
    redirect: Option<Hosting>,
    name: Option<String>,
    certificate: String,
}

impl Https {
    /// Starts everything in `plan`.
    pub(crate) fn open(plan: TlsPlan) -> Result<Self, TlsError> {
        let (name, certificate) = (plan.name(), plan.describe());
        Ok(Self {
            tls: Tls::open(plan)?,
            redirect: None,
            name,
            certificate,
        })
    }

    /// Adds a redirect of the clients of `plain` to `port`.
    pub(crate) fn redirecting(
        self,
        plain: Option<TcpListener>,
        port: u16,
        limits: Limits,
    ) -> io::Result<Self> {
        let redirect = |listener| {
            Hosting::start(
                listener,
                Redirect::new(self.tls.acceptor(), port),
                PlainHttp,
                limits.hosting(),
            )
        };
        Ok(Self {
            redirect: plain.map(redirect).transpose()?,
            ..self
        })
    }

    /// The acceptor for handshakes.
    pub(crate) fn acceptor(&self) -> Acceptor {
        self.tls.acceptor()
    }

    /// The base URL of the API at `address`, with the name in the certificate if it has one.
    pub(crate) fn base_url(&self, address: SocketAddr) -> String {
        url(self.name.as_deref(), address)
    }

    /// The source of the certificate, for people.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The address of the redirect.
    pub(crate) fn redirect_addr(&self) -> Option<SocketAddr> {
        self.redirect.as_ref().map(Hosting::local_addr)
    }

    /// Reloads the certificates.
    pub(crate) fn reload(&self) {
        self.tls.reload();
    }

    /// Stops the redirect; certificates are renewed until this is dropped. Returns how many requests had to be cut off.
    pub(crate) async fn stop_redirect(&mut self) -> usize {
        match self.redirect.take() {
            Some(redirect) => redirect.stop().await,
            None => 0,
        }
    }
}

/// The base URL of a server at `address`, with the certificate's `name` if it has one.
pub(crate) fn url(name: Option<&str>, address: SocketAddr) -> String {
    match name {
        None => format!("https://{address}"),
        Some(name) if address.port() == PORT => format!("https://{name}"),
        Some(name) => format!("https://{name}:{}", address.port()),
    }
}

/// The header that makes a client always use HTTPS, if it has used it with these headers.
pub(crate) fn always(request: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let host = request
        .get(HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    // A browser would apply it to all ports of its own machine.
    let is_this_machine = host.is_some_and(|host| host.host().eq_ignore_ascii_case("localhost"));
    (!is_this_machine).then_some((STRICT_TRANSPORT_SECURITY, HTTPS_ONLY))
}
