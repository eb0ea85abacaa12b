//! The options of a server that serves HTTPS itself.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::address::address;

const HEADING: &str = "HTTPS";

/// How the API is served over HTTPS; without any of these it is plain HTTP.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = HEADING)]
pub struct TlsOptions {
    /// Serve HTTPS with this certificate: PEM, the server's own first, then the chain to its CA.
    /// Reloaded when it changes, and on SIGHUP
    #[arg(
        long,
        env = "FLEET_TLS_CERT",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key: PEM (PKCS#8, EC or RSA), without a password
    #[arg(
        long,
        env = "FLEET_TLS_KEY",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub tls_key: Option<PathBuf>,

    /// Serve HTTPS with a certificate for this name, fetched and renewed by ACME; may be repeated.
    /// The CA must be able to reach the server at this name on port 443
    #[arg(
        long,
        env = "FLEET_ACME_DOMAIN",
        value_name = "NAME",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub acme_domain: Vec<String>,

    /// The address to which the CA may write about the certificate
    #[arg(
        long,
        env = "FLEET_ACME_EMAIL",
        value_name = "MAIL",
        hide_env_values = true
    )]
    pub acme_email: Option<String>,

    /// The CA: letsencrypt, letsencrypt-staging (for testing), or the https:// URL of an ACME directory
    /// [default: letsencrypt]
    #[arg(
        long,
        env = "FLEET_ACME_DIRECTORY",
        value_name = "URL",
        hide_env_values = true
    )]
    pub acme_directory: Option<String>,

    /// Where the account and the certificate are kept, readable only by this user [default: acme in the data folder]
    #[arg(
        long,
        env = "FLEET_ACME_CACHE",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub acme_cache: Option<PathBuf>,

    /// Ask clients for a certificate signed by one of these, or that is one of these (PEM). Reloaded when it
    /// changes, and on SIGHUP
    #[arg(
        long,
        env = "FLEET_CLIENT_CA",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub client_ca: Option<PathBuf>,

    /// The routes that require such a certificate: paths as the template writes them, with /* at the end for
    /// all below, or * for everything
    /// [default: /scalableTargetDimensions and /v1/scalableTargetDimensions, with all below them]
    #[arg(
        long,
        env = "FLEET_CLIENT_CA_ROUTES",
        value_name = "PATHS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub client_ca_routes: Vec<String>,

    /// Also listen here for plain HTTP, and redirect it to HTTPS
    #[arg(long, env = "FLEET_HTTP_REDIRECT", value_name = "ADDR", value_parser = address, hide_env_values = true)]
    pub http_redirect: Option<SocketAddr>,
}
