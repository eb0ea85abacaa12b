//! HTTPS by the server itself, with real handshakes. Tests that need `openssl`, `curl` or an ACME server are in
//! `.ci/self-hosting`.

mod certificates;
mod clients;
mod handshake;
mod redirect;
mod reload;
mod sentences;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use bytes::Bytes;
use fleet_server::ServerOptions;
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use self::certificates::{Authority, IssuedCertificate};
use crate::{
    client::{self, ServerAnswer},
    support::TestServer,
};

/// The name in the server's certificate.
const NAME: &str = "fleet.example.com";

static TLS_1_2: [&SupportedProtocolVersion; 1] = [&TLS12];
static TLS_1_3: [&SupportedProtocolVersion; 1] = [&TLS13];

/// Files for a server, and the authority of its certificate.
struct TlsFiles {
    folder: TempDir,
    authority: Authority,
}

impl TlsFiles {
    /// A certificate for [`NAME`] and its key.
    fn new() -> Self {
        let files = Self {
            folder: TempDir::new().unwrap(),
            authority: Authority::new("a server's CA"),
        };
        files.write_pair(&files.authority.server(NAME));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn write_pair(&self, pair: &IssuedCertificate) {
        self.write("cert.pem", &pair.cert);
        self.write("key.pem", &pair.key);
    }

    /// Configures a server to serve HTTPS with them.
    fn give(&self, options: &mut ServerOptions) {
        options.tls.tls_cert = Some(self.path("cert.pem"));
        options.tls.tls_key = Some(self.path("key.pem"));
    }

    async fn serve(&self) -> TestServer {
        self.serve_with(|_| {}).await
    }

    async fn serve_with(&self, change: impl FnOnce(&mut ServerOptions)) -> TestServer {
        TestServer::start_with(|options| {
            self.give(options);
            change(options);
        })
        .await
    }

    /// A client that trusts only this authority.
    fn client(&self) -> HttpsClient {
        HttpsClient {
            authority: self.authority.cert.clone(),
            name: NAME,
            shows: None,
            versions: rustls::ALL_VERSIONS,
            protocols: &[],
        }
    }
}

/// An HTTPS client.
#[derive(Clone)]
struct HttpsClient {
    authority: String,
    name: &'static str,
    shows: Option<IssuedCertificate>,
    versions: &'static [&'static SupportedProtocolVersion],
    protocols: &'static [&'static str],
}

impl HttpsClient {
    /// The same client, with a client certificate.
    fn showing(self, shown: &IssuedCertificate) -> Self {
        Self {
            shows: Some(shown.clone()),
            ..self
        }
    }

    /// Does a handshake.
    async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        self.connect_with(self.config(), address).await
    }

    /// Does two handshakes, the second one with the session of the first.
    async fn handshakes(&self, address: SocketAddr) -> [HandshakeKind; 2] {
        let config = self.config();
        let mut kinds = [HandshakeKind::FullWithHelloRetryRequest; 2];
        for kind in &mut kinds {
            let stream = self
                .connect_with(Arc::clone(&config), address)
                .await
                .unwrap();
            *kind = stream.get_ref().1.handshake_kind().unwrap();
            // A TLS 1.3 ticket comes with the response.
            let answer = client::send_over(stream, self.name, "GET", "/v1/health", &[], "").await;
            assert_eq!(answer.status, 200);
        }
        kinds
    }

    async fn connect_with(
        &self,
        config: Arc<ClientConfig>,
        address: SocketAddr,
    ) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(config)
            .connect(ServerName::try_from(self.name).unwrap(), stream)
            .await
    }

    fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap())
            .unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.shows {
            None => builder.with_no_client_auth(),
            Some(IssuedCertificate { cert, key }) => {
                let chain = CertificateDer::pem_slice_iter(cert.as_bytes())
                    .map(Result::unwrap)
                    .collect();
                builder
                    .with_client_auth_cert(
                        chain,
                        PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                    )
                    .unwrap()
            }
        };
        config.alpn_protocols = self
            .protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Arc::new(config)
    }

    async fn send(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> ServerAnswer {
        let stream = self.connect(address).await.unwrap();
        client::send_over(stream, self.name, method, path, &[], body).await
    }

    /// Whether the server refuses this client. With TLS 1.3 a client finishes the handshake before the server has checked
    /// its certificate, so only the first read shows it.
    async fn is_refused(&self, address: SocketAddr) -> bool {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let Ok(mut stream) = self.connect(address).await else {
            return true;
        };
        let asked = stream
            .write_all(b"GET /v1/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        asked.is_err() || stream.read_u8().await.is_err()
    }
}
