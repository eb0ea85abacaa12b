//! Why the server cannot serve HTTPS as requested.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use fleet_edge::words;

/// Why the server cannot serve HTTPS as requested: one sentence for people at a terminal, which says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// An option that needs another one.
    #[error("The option {0} needs {1}: give both, or leave {0} out.")]
    Needs(&'static str, &'static str),
    /// Two options that contradict each other.
    #[error(
        "The options {0} and {1} contradict each other: a certificate comes from files or by ACME."
    )]
    Contradict(&'static str, &'static str),
    /// An invalid value.
    #[error("The option {option} has the value {value:?}: it must be {must}.")]
    Value {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// The rule for it.
        must: &'static str,
    },
    /// A file or folder cannot be read or created.
    #[error("Cannot read {} of {option} ({reason}).", path.display(), reason = words(*cause))]
    Unread {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// A file has the wrong content.
    #[error("The file {} of {option} {what}.", path.display())]
    Content {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of the sentence.
        what: String,
    },
    /// The certificate is for another key.
    #[error("The private key {} does not match the certificate {}: use the key that the certificate was issued for.", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A list of routes with nothing between two commas.
    #[error("The option --client-ca-routes contains an empty path.")]
    EmptyRoute,
    /// A route that would be left open.
    #[error(
        "The pattern {pattern} of --client-ca-routes matches no route: the routes are {known}."
    )]
    NoSuchRoute {
        /// The pattern.
        pattern: String,
        /// The known routes.
        known: String,
    },
    /// The folder for ACME cannot be used.
    #[error("Cannot keep certificates in {} ({reason}): choose another folder with --acme-cache.", folder.display(), reason = words(*cause))]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// Others could read private keys.
    #[error("Other users can read the folder {} of --acme-cache, where private keys are kept: chmod 700 {}", .0.display(), .0.display())]
    OpenCache(PathBuf),
    /// The system has no list of CAs, so the ACME server cannot be verified.
    #[error(
        "This system has no CA certificates to verify the ACME server with: install ca-certificates, or set SSL_CERT_FILE."
    )]
    NoRoots,
    /// The local AWS endpoints would be open to others.
    #[error(
        "With HTTPS, --aws-listen must be on loopback, but is {0}: these endpoints accept any credentials."
    )]
    OpenEndpoints(SocketAddr),
    /// The cryptography provider fails to start, which its tests rule out.
    #[error("TLS cannot be set up: {0}.")]
    SetUp(#[from] rustls::Error),
}
