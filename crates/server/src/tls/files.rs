//! Reads certificates and keys from PEM files, and explains what is wrong with them.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, Error, InconsistentKeys,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::error::TlsError;

/// The size limit of a certificate or a private key file: a larger file is neither.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A file that an option names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OptionFile {
    pub(crate) option: &'static str,
    pub(crate) path: PathBuf,
}

impl OptionFile {
    pub(crate) fn new(option: &'static str, path: &Path) -> Self {
        Self {
            option,
            path: path.to_owned(),
        }
    }

    /// The whole file.
    pub(crate) fn read(&self) -> Result<Vec<u8>, TlsError> {
        let failed = |cause: std::io::Error| TlsError::Unread {
            option: self.option,
            path: self.path.clone(),
            cause: cause.kind(),
        };
        let about = fs::metadata(&self.path).map_err(failed)?;
        if about.is_dir() {
            return Err(self.wrong("is a folder"));
        }
        // A pipe would block, and a device may have no end.
        if !about.is_file() {
            return Err(self.wrong("is not a file"));
        }
        if about.len() > LARGEST_FILE {
            return Err(self.wrong("is too large"));
        }
        fs::read(&self.path).map_err(failed)
    }

    fn wrong(&self, what: impl Display) -> TlsError {
        TlsError::Content {
            option: self.option,
            path: self.path.clone(),
            what: what.to_string(),
        }
    }

    /// The certificates in `pem`, at least one, in order.
    pub(crate) fn certificates(
        &self,
        pem: &[u8],
    ) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found
            .map_err(|_| self.wrong("is not valid PEM: a block is cut short or not base64"))?;
        if found.is_empty() {
            return Err(self.wrong(
                "has no certificate in it: it must be PEM, with a line -----BEGIN CERTIFICATE-----",
            ));
        }
        for (number, certificate) in found.iter().enumerate() {
            if X509Certificate::from_der(certificate).is_err() {
                return Err(self.wrong(format_args!(
                    "has a certificate that cannot be read, number {}",
                    number + 1
                )));
            }
        }
        Ok(found)
    }

    /// The private key in `pem`.
    fn key(&self, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
        if contains(pem, b"ENCRYPTED") {
            return Err(self.wrong("is protected by a password: give the key without one (openssl pkey -in FILE -out FILE)"));
        }
        PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            self.wrong(
                "has no private key in it: it must be PEM, with a line -----BEGIN PRIVATE KEY-----",
            )
        })
    }
}

/// The certificate in `cert` with the key in `key`, checked to match.
pub(crate) fn pair(
    cert: &OptionFile,
    cert_pem: &[u8],
    key: &OptionFile,
    key_pem: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = cert.certificates(cert_pem)?;
    let signing = provider
        .key_provider
        .load_private_key(key.key(key_pem)?)
        .map_err(|_| key.wrong("has a private key of a kind that TLS does not use"))?;
    let pair = CertifiedKey::new(chain, signing);
    match pair.keys_match() {
        // A key that does not reveal its public half cannot be compared; all keys of this provider do.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            cert: cert.path.clone(),
            key: key.path.clone(),
        }),
        Err(Error::InvalidCertificate(CertificateError::Other(cause))) => Err(cert.wrong(
            format_args!("has a certificate that TLS does not accept ({cause})"),
        )),
        Err(_) => {
            Err(cert
                .wrong("has a certificate that TLS does not accept: it must be X.509 version 3"))
        }
    }
}

/// The facts about a certificate that people need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// Its subject, as `C=US, L=Seattle, CN=ApiGateway`.
    pub(crate) subject: String,
    /// The first second of its validity, since 1970.
    pub(crate) from: i64,
    /// The last second of its validity, since 1970.
    pub(crate) until: i64,
    /// Its first name that is not a wildcard.
    pub(crate) name: Option<String>,
    /// Whether it claims to be a CA.
    pub(crate) is_ca: bool,
}

impl CertificateFacts {
    /// The facts in `certificate`; `None` if it cannot be read.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(certificate).ok()?;
        let validity = read.validity();
        let names = read.subject_alternative_name().ok().flatten();
        let name = names
            .into_iter()
            .flat_map(|names| &names.value.general_names)
            .find_map(|name| match name {
                x509_parser::extensions::GeneralName::DNSName(name) if !name.starts_with('*') => {
                    Some((*name).to_owned())
                }
                _ => None,
            });
        // Long enough for any real one; more does not belong in the log.
        let subject = read.subject().to_string().chars().take(256).collect();
        let is_ca = read.is_ca();
        Some(Self {
            subject,
            from: validity.not_before.timestamp(),
            until: validity.not_after.timestamp(),
            name,
            is_ca,
        })
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A certificate with its key, for the listener.
pub(crate) type CertificatePair = Arc<CertifiedKey>;
