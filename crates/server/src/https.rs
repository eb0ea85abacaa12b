//! What there is beside the listener where it speaks HTTPS.

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

/// The port that an https:// address has no need to name.
const PORT: u16 = 443;
/// Tells a browser that has used HTTPS to use nothing else for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The certificates, and the redirect of plain HTTP. New certificates stop coming when it is dropped.
#[derive(Debug)]
pub(crate) struct Https {
    tls: Tls,
    redirect: Option<Hosting>,
    name: Option<String>,
    certificate: String,
}

impl Https {
    /// Starts what `plan` needs.
    pub(crate) fn open(plan: TlsPlan) -> Result<Self, TlsError> {
        let (name, certificate) = (plan.name(), plan.describe());
        Ok(Self {
            tls: Tls::open(plan)?,
            redirect: None,
            name,
            certificate,
        })
    }

    /// The same, with clients of `plain` redirected to `port`.
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

    /// What shakes hands.
    pub(crate) fn acceptor(&self) -> Acceptor {
        self.tls.acceptor()
    }

    /// Where the API answers that listens at `address`: by the name of the certificate, where it has one.
    pub(crate) fn base_url(&self, address: SocketAddr) -> String {
        url(self.name.as_deref(), address)
    }

    /// Where the certificate comes from, for people.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Where plain HTTP is sent on.
    pub(crate) fn redirect_addr(&self) -> Option<SocketAddr> {
        self.redirect.as_ref().map(Hosting::local_addr)
    }

    /// Reads the certificates again.
    pub(crate) fn reload(&self) {
        self.tls.reload();
    }

    /// Ends the redirect; certificates go on until this is dropped. Answers how many requests had to be cut.
    pub(crate) async fn stop_redirect(&mut self) -> usize {
        match self.redirect.take() {
            Some(redirect) => redirect.stop().await,
            None => 0,
        }
    }
}

/// The base URL of a server at `address`, by the name that its certificate is for where it has one.
pub(crate) fn url(name: Option<&str>, address: SocketAddr) -> String {
    match name {
        None => format!("https://{address}"),
        Some(name) if address.port() == PORT => format!("https://{name}"),
        Some(name) => format!("https://{name}:{}", address.port()),
    }
}

/// The header that tells a client which comes by HTTPS, with these headers, to do so always.
pub(crate) fn always(request: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let host = request
        .get(HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    // A browser would take it for all ports of the machine that it runs on.
    let is_this_machine = host.is_some_and(|host| host.host().eq_ignore_ascii_case("localhost"));
    (!is_this_machine).then_some((STRICT_TRANSPORT_SECURITY, HTTPS_ONLY))
}
