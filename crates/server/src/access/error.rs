//! Why the server does not start with the requested access rules.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use fleet_edge::words;

/// Why the server does not start: one sentence for people at a terminal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// Other machines can reach the server, and no option says what they may do.
    #[error(
        "Other machines can reach {0}: use --access template to require the API keys and signatures that the template requires, or --access open to accept every request."
    )]
    NotSaid(SocketAddr),
    /// An issuer of tokens without access rules.
    #[error("--jwt-issuer needs --access template: otherwise no route requires a token.")]
    IssuerWithoutRules,
    /// Routes that require a token, but no issuer.
    #[error(
        "The template requires tokens: name their issuer with --jwt-issuer and their audience with --jwt-audience."
    )]
    NoIssuer,
    /// An issuer, but no route that requires a token.
    #[error(
        "No route of the template requires a token: leave out --jwt-issuer and --jwt-audience, or add the parameter JwtIssuer as in this project's template."
    )]
    NoTokenRoute,
    /// No TLS client for the issuer's keys.
    #[error("Cannot verify tokens: {0}.")]
    Tokens(String),
    /// No file for API keys.
    #[error(
        "The template requires API keys, but there is no data folder to keep them in: name their file with --api-key-file."
    )]
    NoKeyFile,
    /// The file cannot be read or created.
    #[error("Cannot use the API key file {} ({reason}): choose another one with --api-key-file.", file.display(), reason = words(*cause))]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// The file exists but contains no key.
    #[error("The API key file {} contains no key: write one per line, or delete the file to have one generated.", .0.display())]
    NoKeys(PathBuf),
    /// A line that is not a key.
    #[error("Line {line} of the API key file {} is not a key: a key has 20 to 128 letters, digits, - and _.", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The line number, from 1.
        line: usize,
    },
}
