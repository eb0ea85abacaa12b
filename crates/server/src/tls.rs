//! HTTPS by the server itself: certificates from files or by ACME, and client certificates.
//!
//! [`TlsPlan::check`] reads and checks everything that the options name and changes nothing; [`TlsPlan::open`] creates what is
//! needed. The resulting [`Acceptor`] wraps TCP connections in TLS, always with the newest certificate.

mod acme;
mod clients;
mod error;
mod files;
pub(crate) mod options;
mod reload;

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use fleet_edge::{ClientConnection, Handshake};
use rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName},
    server::{Acceptor as Hello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert},
    sign::SingleCertAndKey,
};
use rustls_acme::is_tls_alpn_challenge;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Notify};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

pub(crate) use self::clients::ClientRoutes;
use self::{
    acme::{Acme, CertificateOrder},
    clients::ClientCertificates,
    files::{CertificateFacts, CertificatePair, OptionFile},
};
pub use self::{error::TlsError, options::TlsOptions};
use crate::{options::ServerOptions, private, template::TemplateRoute};

/// How long before it expires a certificate causes a warning.
const SOON: i64 = 14 * 24 * 60 * 60;
/// The only protocol inside TLS: for an API with small responses, HTTP/2 would only add attack surface.
const HTTP_1: &[u8] = b"http/1.1";

/// What HTTPS needs, checked.
#[derive(Debug)]
pub(crate) struct TlsPlan {
    source: CertificateSource,
    clients: Option<OptionFile>,
    routes: Option<ClientRoutes>,
    material: Material,
    provider: Arc<CryptoProvider>,
}

/// Where the server's certificate comes from.
#[derive(Clone, Debug)]
enum CertificateSource {
    Files { cert: OptionFile, key: OptionFile },
    Acme(CertificateOrder),
}

/// The files as they were read together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Material {
    pair: Option<(Vec<u8>, Vec<u8>)>,
    clients: Option<Vec<u8>>,
}

/// Working HTTPS. Renewing and watching stop when it is dropped.
#[derive(Debug)]
pub(crate) struct Tls {
    acceptor: Acceptor,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// Wraps TCP connections in TLS.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor(Arc<TlsState>);

#[derive(Debug)]
struct TlsState {
    current: RwLock<CurrentConfig>,
    /// What answers an ACME server that checks that the name is ours.
    challenge: Option<Arc<ServerConfig>>,
    /// Tells the watcher to check now.
    look: Notify,
}

/// The configuration of new connections.
#[derive(Clone, Debug)]
struct CurrentConfig {
    config: Arc<ServerConfig>,
    names: ServerNames,
}

/// The names that the server answers to.
#[derive(Clone, Debug)]
enum ServerNames {
    /// Those of this certificate.
    Of(CertificateDer<'static>),
    These(Vec<String>),
}

impl TlsPlan {
    /// Reads and checks what `options` request; `None` if they request plain HTTP.
    pub(crate) fn check(
        options: &ServerOptions,
        routes: &[TemplateRoute],
    ) -> Result<Option<Self>, TlsError> {
        let ServerOptions { tls, .. } = options;
        let Some(source) = CertificateSource::check(options)? else {
            let useless = [
                ("--acme-email", tls.acme_email.is_some(), "--acme-domain"),
                (
                    "--acme-directory",
                    tls.acme_directory.is_some(),
                    "--acme-domain",
                ),
                ("--acme-cache", tls.acme_cache.is_some(), "--acme-domain"),
                (
                    "--client-ca",
                    tls.client_ca.is_some(),
                    "--tls-cert or --acme-domain",
                ),
                (
                    "--client-ca-routes",
                    !tls.client_ca_routes.is_empty(),
                    "--client-ca",
                ),
                (
                    "--http-redirect",
                    tls.http_redirect.is_some(),
                    "--tls-cert or --acme-domain",
                ),
            ];
            return match useless.into_iter().find(|(_, given, _)| *given) {
                Some((option, _, needed)) => Err(TlsError::Needs(option, needed)),
                None => Ok(None),
            };
        };
        if tls.client_ca.is_none() && !tls.client_ca_routes.is_empty() {
            return Err(TlsError::Needs("--client-ca-routes", "--client-ca"));
        }
        let has_endpoints = options.backend == crate::Backend::Embedded
            && options.hosted().iter().any(|name| name.needs_a_store());
        if has_endpoints && !options.aws_listen.ip().is_loopback() {
            return Err(TlsError::OpenEndpoints(options.aws_listen));
        }
        let clients = tls
            .client_ca
            .as_deref()
            .map(|path| OptionFile::new("--client-ca", path));
        let routes = clients
            .as_ref()
            .map(|_| ClientRoutes::new(&tls.client_ca_routes, routes))
            .transpose()?;
        let material = Material::read(&source, clients.as_ref())?;
        let plan = Self {
            source,
            clients,
            routes,
            material,
            provider: Arc::new(aws_lc_rs::default_provider()),
        };
        // For its errors, before anything is changed.
        plan.build(&plan.material, None)?;
        Ok(Some(plan))
    }

    /// The routes that need a client certificate, if clients are asked for one.
    pub(crate) fn client_routes(&self) -> Option<ClientRoutes> {
        self.routes.clone()
    }

    /// Creates the folder that ACME needs while the start can still fail.
    pub(crate) fn prepare(&self) -> Result<(), TlsError> {
        match &self.source {
            CertificateSource::Files { .. } => Ok(()),
            CertificateSource::Acme(order) => order.make_cache(),
        }
    }

    /// Starts renewing and watching.
    pub(crate) fn open(self) -> Result<Tls, TlsError> {
        let acme = match &self.source {
            CertificateSource::Files { .. } => None,
            CertificateSource::Acme(order) => Some(Acme::new(order, &self.provider)?),
        };
        let resolver = acme.as_ref().map(Acme::resolver);
        let current = self.build(&self.material, resolver.clone())?;
        self.warn(&self.material);
        let challenge = acme.as_ref().map(Acme::challenge);
        let shared = Arc::new(TlsState {
            current: RwLock::new(current),
            challenge,
            look: Notify::new(),
        });
        let mut tasks = Vec::new();
        if self.material != Material::default() {
            tasks.push(AbortOnDropHandle::new(tokio::spawn(reload::watch(
                self,
                resolver,
                Arc::clone(&shared),
            ))));
        }
        tasks.extend(acme.map(|acme| AbortOnDropHandle::new(tokio::spawn(acme.run()))));
        Ok(Tls {
            acceptor: Acceptor(shared),
            _tasks: tasks,
        })
    }

    /// The configuration from `material`, with the certificate of `acme` if it has none.
    fn build(
        &self,
        material: &Material,
        acme: Option<Arc<dyn ResolvesServerCert>>,
    ) -> Result<CurrentConfig, TlsError> {
        let pair = self.pair(material)?;
        let names = match (&pair, &self.source) {
            (Some(pair), _) => ServerNames::Of(pair.cert[0].clone()),
            (None, CertificateSource::Acme(order)) => ServerNames::These(order.domains.clone()),
            (None, CertificateSource::Files { .. }) => ServerNames::These(Vec::new()),
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        let listed = self.client_authorities(material)?;
        let asks_clients = listed.is_some();
        let builder = match listed {
            None => builder.with_no_client_auth(),
            Some((file, listed)) => builder.with_client_cert_verifier(Arc::new(
                ClientCertificates::new(file, listed, &self.provider)?,
            )),
        };
        let resolver = pair
            .map(|pair| Arc::new(SingleCertAndKey::from(pair)) as Arc<dyn ResolvesServerCert>)
            .or(acme);
        let mut config =
            builder.with_cert_resolver(resolver.unwrap_or_else(|| Arc::new(NoCertificate)));
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        if asks_clients {
            // A resumed session is not verified again: a certificate would be accepted for longer than it is valid.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(CurrentConfig {
            config: Arc::new(config),
            names,
        })
    }

    fn pair(&self, material: &Material) -> Result<Option<CertificatePair>, TlsError> {
        match (&self.source, &material.pair) {
            (CertificateSource::Files { cert, key }, Some((cert_pem, key_pem))) => Ok(Some(
                Arc::new(files::pair(cert, cert_pem, key, key_pem, &self.provider)?),
            )),
            _ => Ok(None),
        }
    }

    fn client_authorities(
        &self,
        material: &Material,
    ) -> Result<Option<(&OptionFile, Vec<CertificateDer<'static>>)>, TlsError> {
        match (&self.clients, &material.clients) {
            (Some(file), Some(pem)) => Ok(Some((file, file.certificates(pem)?))),
            _ => Ok(None),
        }
    }

    /// Warns about what will soon stop working, and about a key that others can read.
    fn warn(&self, material: &Material) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed());
        if let (CertificateSource::Files { cert, key }, Ok(Some(pair))) =
            (&self.source, self.pair(material))
        {
            warn_of_end(cert, &pair.cert[0], now);
            // A group may read it: Debian's `ssl-cert` is for that.
            if private::is_open(&key.path, private::OTHERS) {
                let file = key.path.display();
                warn!(
                    "every user of this machine can read the private key {file}: chmod 640 {file}, or 600"
                );
            }
        }
        if let Ok(Some((file, listed))) = self.client_authorities(material) {
            listed
                .iter()
                .for_each(|certificate| warn_of_end(file, certificate, now));
        }
    }
}

fn warn_of_end(file: &OptionFile, certificate: &CertificateDer<'_>, now: i64) {
    let Some(CertificateFacts {
        subject,
        until,
        from,
        ..
    }) = CertificateFacts::of(certificate)
    else {
        return;
    };
    let (option, path) = (file.option, file.path.display());
    if now > until {
        warn!(
            subject,
            "a certificate of {option} has expired: put a new one into {path}"
        );
    } else if now + SOON > until {
        let days = (until - now) / (24 * 60 * 60);
        warn!(
            subject,
            "a certificate of {option} expires in {days} days: put a new one into {path}"
        );
    } else if now < from {
        warn!(
            subject,
            "a certificate of {option} is not valid yet: look at {path} and at this machine's clock"
        );
    }
}

impl CertificateSource {
    fn check(options: &ServerOptions) -> Result<Option<Self>, TlsError> {
        let tls = &options.tls;
        match (&tls.tls_cert, &tls.tls_key, tls.acme_domain.is_empty()) {
            (None, None, true) => Ok(None),
            (Some(cert), Some(key), true) => {
                let source = Self::Files {
                    cert: OptionFile::new("--tls-cert", cert),
                    key: OptionFile::new("--tls-key", key),
                };
                let acme = [
                    ("--acme-email", tls.acme_email.is_some()),
                    ("--acme-directory", tls.acme_directory.is_some()),
                    ("--acme-cache", tls.acme_cache.is_some()),
                ];
                match acme.into_iter().find(|(_, given)| *given) {
                    Some((option, _)) => Err(TlsError::Contradict("--tls-cert", option)),
                    None => Ok(Some(source)),
                }
            }
            (Some(_), None, true) => Err(TlsError::Needs("--tls-cert", "--tls-key")),
            (None, Some(_), true) => Err(TlsError::Needs("--tls-key", "--tls-cert")),
            (Some(_), _, false) => Err(TlsError::Contradict("--tls-cert", "--acme-domain")),
            (None, Some(_), false) => Err(TlsError::Contradict("--tls-key", "--acme-domain")),
            (None, None, false) => Ok(Some(Self::Acme(CertificateOrder::check(options)?))),
        }
    }

    /// A name of the server, if one is known.
    fn name(&self, material: &Material) -> Option<String> {
        match (self, &material.pair) {
            (Self::Acme(order), _) => order.domains.first().cloned(),
            (Self::Files { cert, .. }, Some((pem, _))) => {
                CertificateFacts::of(cert.certificates(pem).ok()?.first()?)?.name
            }
            (Self::Files { .. }, None) => None,
        }
    }
}

impl Material {
    fn read(source: &CertificateSource, clients: Option<&OptionFile>) -> Result<Self, TlsError> {
        let pair = match source {
            CertificateSource::Files { cert, key } => Some((cert.read()?, key.read()?)),
            CertificateSource::Acme(_) => None,
        };
        Ok(Self {
            pair,
            clients: clients.map(OptionFile::read).transpose()?,
        })
    }
}

impl TlsPlan {
    /// The host part of the address for people: the first name of the certificate.
    pub(crate) fn name(&self) -> Option<String> {
        self.source.name(&self.material)
    }

    /// The source of the certificate, for people.
    pub(crate) fn describe(&self) -> String {
        match &self.source {
            CertificateSource::Files { cert, .. } => cert.path.display().to_string(),
            CertificateSource::Acme(order) => format!(
                "for {} by ACME from {}",
                order.domains.join(", "),
                order.directory
            ),
        }
    }
}

impl Tls {
    pub(crate) fn acceptor(&self) -> Acceptor {
        self.acceptor.clone()
    }

    /// Reloads the files now.
    pub(crate) fn reload(&self) {
        self.acceptor.0.look.notify_one();
    }
}

impl Acceptor {
    fn current(&self) -> CurrentConfig {
        self.0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Does the handshake; `None` if the connection was an ACME server's challenge and is over.
    ///
    /// # Errors
    /// A client that does not speak TLS, or only insecurely, or whose certificate is not trusted.
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

    /// Whether the server's certificate is good for `host`.
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

/// Stands for a certificate that has not arrived yet.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(
        &self,
        _: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
}
