//! Why the server does not start with the requested access rules.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use fleet_edge::words;

/// Why the server does not start: one sentence for a person at a terminal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// Other machines can reach the server, and nothing says what they may do.
    #[error(
        "Other machines can reach {0}: say --access template to ask for the API keys and signatures that the template asks for, or --access open to take every request."
    )]
    NotSaid(SocketAddr),
    /// An issuer of tokens, and routes that ask for nothing.
    #[error("--jwt-issuer is for --access template: without it no route asks for a token.")]
    IssuerWithoutRules,
    /// Routes that ask for a token, and no issuer.
    #[error(
        "The template asks for tokens: name their issuer with --jwt-issuer and their audience with --jwt-audience."
    )]
    NoIssuer,
    /// An issuer, and no route that asks for a token.
    #[error(
        "No route of the template asks for a token: leave --jwt-issuer and --jwt-audience out, or give it the parameter JwtIssuer as this project's template has it."
    )]
    NoTokenRoute,
    /// No TLS client for the issuer's keys.
    #[error("Cannot verify tokens: {0}.")]
    Tokens(String),
    /// No file for API keys.
    #[error(
        "The template asks for API keys, and there is no data folder to keep them in: name their file with --api-key-file."
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
    /// The file exists but holds no key.
    #[error("The API key file {} has no key: write one a line, or delete the file to have one generated.", .0.display())]
    NoKeys(PathBuf),
    /// A line that is not a key.
    #[error("Line {line} of the API key file {} is not a key: a key has 20 to 128 letters, digits, - and _.", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}
