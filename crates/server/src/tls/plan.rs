//! The plan for HTTPS, from the options: read and checked before anything is changed.

use std::{sync::Arc, time::SystemTime};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::CertificateDer,
    server::{NoServerSessionStorage, ResolvesServerCert},
    sign::SingleCertAndKey,
};
use tracing::warn;

use super::{
    acceptor::{CurrentConfig, ServerNames},
    clients::{ClientCertificates, ClientRoutes},
    error::TlsError,
    files::{self, CertificateFacts, CertificatePair, OptionFile},
    source::{CertificateSource, Material},
};
use crate::{options::ServerOptions, private, template::TemplateRoute};

/// How long before its expiry a certificate causes a warning.
const SOON: i64 = 14 * 24 * 60 * 60;
/// The only protocol inside TLS: for an API with small responses, HTTP/2 would only add attack surface.
const HTTP_1: &[u8] = b"http/1.1";

/// A checked plan for HTTPS.
#[derive(Debug)]
pub(crate) struct TlsPlan {
    pub(super) source: CertificateSource,
    pub(super) clients: Option<OptionFile>,
    routes: Option<ClientRoutes>,
    pub(super) material: Material,
    pub(super) provider: Arc<CryptoProvider>,
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
        if options.uses_local_aws() && !options.aws_listen.ip().is_loopback() {
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
        // To detect errors before anything is changed.
        plan.build(&plan.material, None)?;
        Ok(Some(plan))
    }

    /// The routes that need a client certificate, if any do.
    pub(crate) fn client_routes(&self) -> Option<ClientRoutes> {
        self.routes.clone()
    }

    /// Creates the folder that ACME needs, while the start can still fail.
    pub(crate) fn prepare(&self) -> Result<(), TlsError> {
        match &self.source {
            CertificateSource::Files { .. } => Ok(()),
            CertificateSource::Acme(order) => order.make_cache(),
        }
    }

    /// The configuration from `material`, with the certificate of `acme` if it has none.
    pub(super) fn build(
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
            // A resumed session is not verified again, so a certificate would be accepted beyond its validity.
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

    /// Warns about certificates that expire soon, and about a key that others can read.
    pub(super) fn warn(&self, material: &Material) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed());
        if let (CertificateSource::Files { cert, key }, Ok(Some(pair))) =
            (&self.source, self.pair(material))
        {
            warn_of_end(cert, &pair.cert[0], now);
            // Group access is fine: Debian's `ssl-cert` group is for that.
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

/// A placeholder for a certificate that has not arrived yet.
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
