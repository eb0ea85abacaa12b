//! The sources of the certificates.

use super::{
    acme::CertificateOrder,
    error::TlsError,
    files::{CertificateFacts, OptionFile},
};
use crate::options::ServerOptions;

/// The source of the server's certificate.
#[derive(Clone, Debug)]
pub(super) enum CertificateSource {
    Files { cert: OptionFile, key: OptionFile },
    Acme(CertificateOrder),
}

/// The files, read together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Material {
    pub(super) pair: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) clients: Option<Vec<u8>>,
}

impl CertificateSource {
    /// The source in `options`, if they request HTTPS.
    pub(super) fn check(options: &ServerOptions) -> Result<Option<Self>, TlsError> {
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

    /// A name of the server, if known.
    pub(super) fn name(&self, material: &Material) -> Option<String> {
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
    /// Reads the files of `source`, and the file of client CAs.
    pub(super) fn read(
        source: &CertificateSource,
        clients: Option<&OptionFile>,
    ) -> Result<Self, TlsError> {
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
