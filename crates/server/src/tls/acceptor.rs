//! The handshake of a connection, always with the newest certificate.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};

use fleet_edge::{ClientConnection, Handshake};
use rustls::{
    ServerConfig,
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::{Acceptor as Hello, ParsedCertificate},
};
use rustls_acme::is_tls_alpn_challenge;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Notify};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::files::CertificateFacts;

/// Wraps TCP connections in TLS.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor(pub(super) Arc<TlsState>);

/// The state shared by connections.
#[derive(Debug)]
pub(super) struct TlsState {
    pub(super) current: RwLock<CurrentConfig>,
    /// The configuration for an ACME server's challenge.
    pub(super) challenge: Option<Arc<ServerConfig>>,
    /// Wakes the watcher.
    pub(super) look: Notify,
}

/// The configuration of new connections.
#[derive(Clone, Debug)]
pub(super) struct CurrentConfig {
    pub(super) config: Arc<ServerConfig>,
    pub(super) names: ServerNames,
}

/// The names that the server serves.
#[derive(Clone, Debug)]
pub(super) enum ServerNames {
    /// The names in this certificate.
    Of(CertificateDer<'static>),
    These(Vec<String>),
}

impl Acceptor {
    fn current(&self) -> CurrentConfig {
        self.0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Does the handshake; `None` if the connection was an ACME server's challenge, which is then complete.
    ///
    /// # Errors
    /// A client that does not use TLS, or only an insecure version, or whose certificate is not trusted.
    async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let hello = LazyConfigAcceptor::new(Hello::default(), stream).await?;
        match &self.0.challenge {
            Some(challenge) if is_tls_alpn_challenge(&hello.client_hello()) => {
                hello
                    .into_stream(Arc::clone(challenge))
                    .await?
                    .shutdown()
                    .await?;
                Ok(None)
            }
            _ => Ok(Some(hello.into_stream(self.current().config).await?)),
        }
    }

    /// Whether the server's certificate is valid for `host`.
    pub(crate) fn answers_to(&self, host: &str) -> bool {
        match self.current().names {
            ServerNames::These(names) => names.iter().any(|name| name.eq_ignore_ascii_case(host)),
            ServerNames::Of(certificate) => {
                let (Ok(parsed), Ok(name)) = (
                    ParsedCertificate::try_from(&certificate),
                    ServerName::try_from(host),
                ) else {
                    return false;
                };
                verify_server_name(&parsed, &name).is_ok()
            }
        }
    }
}

impl Handshake for Acceptor {
    type Stream = TlsStream<TcpStream>;

    async fn perform(
        &self,
        stream: TcpStream,
        client: &mut ClientConnection,
    ) -> io::Result<Option<Self::Stream>> {
        let stream = self.accept(stream).await?;
        client.is_secure = true;
        client.certificate = stream.as_ref().and_then(client_subject);
        Ok(stream)
    }
}

/// The subject of the verified client certificate.
fn client_subject(stream: &TlsStream<TcpStream>) -> Option<String> {
    let (_, connection) = stream.get_ref();
    let shown = connection.peer_certificates()?.first()?;
    Some(CertificateFacts::of(shown).map_or_else(|| "unreadable".to_owned(), |about| about.subject))
}
