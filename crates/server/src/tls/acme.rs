//! A certificate by ACME (RFC 8555), fetched and renewed by `rustls-acme`: the CA connects to the HTTPS port itself and
//! looks for a token there (TLS-ALPN-01, RFC 8737).

use std::{fs, io, path::PathBuf, sync::Arc};

use futures_util::StreamExt as _;
use http::Uri;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto::CryptoProvider, pki_types::DnsName,
    server::ResolvesServerCert,
};
use rustls_acme::{AcmeConfig, AcmeState, EventOk, caches::DirCache};
use tracing::{info, warn};

use super::error::TlsError;
use crate::{options::ServerOptions, private};

/// The CAs' directories by their usual names: <https://letsencrypt.org/docs/acme-protocol-updates/>.
const DIRECTORIES: [(&str, &str); 2] = [
    (
        "letsencrypt",
        "https://acme-v02.api.letsencrypt.org/directory",
    ),
    (
        "letsencrypt-staging",
        "https://acme-staging-v02.api.letsencrypt.org/directory",
    ),
];
/// The folder of the account and the certificate, within the data folder.
const CACHE: &str = "acme";

/// A request for a certificate.
#[derive(Clone, Debug)]
pub(crate) struct CertificateOrder {
    pub(crate) domains: Vec<String>,
    pub(crate) directory: String,
    email: Option<String>,
    cache: PathBuf,
}

impl CertificateOrder {
    /// Checks the ACME options; reads the disk and changes nothing.
    pub(crate) fn check(options: &ServerOptions) -> Result<Self, TlsError> {
        let tls = &options.tls;
        let domains = tls
            .acme_domain
            .iter()
            .map(|name| domain(name))
            .collect::<Result<Vec<_>, _>>()?;
        let cache = match &tls.acme_cache {
            Some(folder) => folder.clone(),
            None if options.in_memory => {
                return Err(TlsError::Needs(
                    "--acme-domain",
                    "--acme-cache where the data is in memory",
                ));
            }
            None => options.data_dir.join(CACHE),
        };
        if private::is_open(&cache, private::OTHERS_AND_GROUP) {
            return Err(TlsError::OpenCache(cache));
        }
        Ok(Self {
            domains,
            directory: directory(tls.acme_directory.as_deref())?,
            email: tls.acme_email.as_deref().map(email).transpose()?,
            cache,
        })
    }

    /// Creates the folder, accessible only to its owner, and checks that it is writable.
    pub(crate) fn make_cache(&self) -> Result<(), TlsError> {
        let folder = &self.cache;
        let failed = |cause: io::Error| TlsError::Cache {
            folder: folder.clone(),
            cause: cause.kind(),
        };
        private::make_folder(folder).map_err(failed)?;
        let probe = folder.join(".writable");
        fs::write(&probe, "").map_err(failed)?;
        fs::remove_file(probe).map_err(failed)
    }
}

/// A name that a CA can connect to.
fn domain(name: &str) -> Result<String, TlsError> {
    let name = name.trim().to_ascii_lowercase();
    let is_name = DnsName::try_from(name.as_str()).is_ok()
        && !name.ends_with('.')
        && name.parse::<std::net::Ipv4Addr>().is_err();
    if is_name && name.contains('.') {
        return Ok(name);
    }
    let must = "a whole DNS name like api.example.com; ACME over this port gives no wildcards and no addresses";
    Err(TlsError::Value {
        option: "--acme-domain",
        value: name,
        must,
    })
}

fn email(address: &str) -> Result<String, TlsError> {
    let is_address = address
        .split_once('@')
        .is_some_and(|(who, place)| !who.is_empty() && place.contains('.') && !place.contains('@'));
    if is_address
        && address
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, ',' | '?' | '<' | '>'))
    {
        return Ok(address.to_owned());
    }
    Err(TlsError::Value {
        option: "--acme-email",
        value: address.to_owned(),
        must: "one address like name@example.com",
    })
}

fn directory(asked: Option<&str>) -> Result<String, TlsError> {
    let asked = asked.unwrap_or(DIRECTORIES[0].0);
    if let Some((_, url)) = DIRECTORIES.iter().find(|(name, _)| *name == asked) {
        return Ok((*url).to_owned());
    }
    let is_url = asked.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.authority().is_some_and(|it| !it.as_str().contains('@'))
    });
    if is_url {
        return Ok(asked.to_owned());
    }
    let must = "letsencrypt, letsencrypt-staging, or the https:// address of an ACME directory";
    Err(TlsError::Value {
        option: "--acme-directory",
        value: asked.to_owned(),
        must,
    })
}

/// The account with a CA and its certificate.
#[derive(Debug)]
pub(crate) struct Acme {
    state: AcmeState<io::Error>,
    challenge: Arc<ServerConfig>,
    domains: String,
    directory: String,
}

impl Acme {
    /// Handles `order`. The CA itself is verified with the system's CA certificates (or those in `SSL_CERT_FILE`).
    pub(crate) fn new(
        order: &CertificateOrder,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let client = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let state = AcmeConfig::new_with_client_config(&order.domains, Arc::new(client))
            .directory(&order.directory)
            .contact(order.email.iter().map(|email| format!("mailto:{email}")))
            .cache(DirCache::new(order.cache.clone()))
            .state();
        let challenge = state.challenge_rustls_config_with_provider(Arc::clone(provider));
        Ok(Self {
            state,
            challenge,
            domains: order.domains.join(", "),
            directory: order.directory.clone(),
        })
    }

    /// Resolves to the newest certificate.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        self.state.resolver()
    }

    /// The configuration for the CA's challenge.
    pub(crate) fn challenge(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.challenge)
    }

    /// Fetches the certificate, and renews it a third of its lifetime before it expires, for as long as it is polled.
    /// Failures are retried, after a second at first and then less and less often.
    pub(crate) async fn run(self) {
        let Self {
            mut state,
            domains,
            directory,
            ..
        } = self;
        while let Some(event) = state.next().await {
            match event {
                Ok(EventOk::DeployedNewCert) => {
                    info!("got a certificate for {domains} from {directory}")
                }
                Ok(EventOk::DeployedCachedCert) => {
                    info!("using the saved certificate for {domains}")
                }
                Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                Err(error) => warn!(
                    "no certificate for {domains} from {directory} yet; trying again: {error}"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name_that_a_ca_can_connect_to() {
        assert_eq!(domain(" API.Example.com ").unwrap(), "api.example.com");
        for wrong in [
            "",
            "localhost",
            "*.example.com",
            "192.0.2.1",
            "::1",
            "a b.example.com",
            "https://a.example.com",
            "a.example.com.",
            "a..b",
            "a.example.com:443",
        ] {
            assert!(domain(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_email_is_one_address() {
        assert!(email("ops+fleet@example.com").is_ok());
        for wrong in [
            "",
            "ops",
            "@example.com",
            "a@b@example.com",
            "a@localhost",
            "a@example.com,b@example.com",
            "a b@example.com",
            "a@example.com?x=1",
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_directory_is_a_known_one_or_an_https_address() {
        assert_eq!(
            directory(None).unwrap(),
            "https://acme-v02.api.letsencrypt.org/directory"
        );
        assert_eq!(
            directory(Some("letsencrypt-staging")).unwrap(),
            "https://acme-staging-v02.api.letsencrypt.org/directory"
        );
        assert_eq!(
            directory(Some("https://ca.example.com:14000/dir")).unwrap(),
            "https://ca.example.com:14000/dir"
        );
        for wrong in [
            "",
            "letsencrypt-production",
            "http://ca.example.com/dir",
            "ca.example.com",
            "https://",
            "https://user:pw@ca.example.com/",
        ] {
            assert!(directory(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
