//! The stores of the functions over TLS: a listener in front of the server's AWS endpoints.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::BenchError;

/// Where systems keep their certificate authorities in one file: Debian, and Lambda's Amazon Linux.
const SYSTEM_BUNDLES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// The listener, until this is dropped.
pub(crate) struct TlsStores {
    pub(crate) url: String,
    /// The system's certificate authorities, and the one of this listener.
    pub(crate) bundle: PathBuf,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl TlsStores {
    /// Passes what comes over TLS on to this address.
    pub(crate) async fn before(address: String) -> Result<Self, BenchError> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = authority.self_signed(&authority_key)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(
            &key,
            &authority,
            &authority_key,
        )?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        let folder = tempfile::tempdir()?;
        let bundle = folder.path().join("bundle.pem");
        let system = SYSTEM_BUNDLES
            .iter()
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap_or_default();
        fs::write(&bundle, system + &authority.pem())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self {
            url,
            bundle,
            task: tokio::spawn(serve(listener, acceptor, address)),
            _folder: folder,
        })
    }
}

impl Drop for TlsStores {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, address: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, address) = (acceptor.clone(), address.clone());
        // A function that is ended breaks its connection off.
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut client = acceptor.accept(stream).await?;
            let mut store = TcpStream::connect(address).await?;
            store.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut store).await
        });
    }
}
