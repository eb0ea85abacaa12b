//! Where a MySQL or MariaDB server is, and which user to connect as.

use std::path::Path;

use mysql_async::{Opts, OptsBuilder, UrlError};

use crate::options::{LocalAwsError, SecretOption};

/// The address of a database.
pub(crate) struct DatabaseAddress {
    pub(crate) options: Opts,
}

impl DatabaseAddress {
    /// A server on this machine, through its socket.
    pub(crate) fn socket(path: &Path) -> Self {
        let options = OptsBuilder::default().socket(Some(path.to_string_lossy()));
        Self {
            options: options.into(),
        }
    }

    pub(crate) fn host(&self) -> &str {
        self.options.ip_or_hostname()
    }

    pub(crate) fn port(&self) -> u16 {
        self.options.tcp_port()
    }

    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }
}

/// Parses a database URL; also returns the credentials to use, either the URL's or the secret's.
pub(crate) fn target(
    url: &str,
    secret: &SecretOption,
) -> Result<(DatabaseAddress, SecretOption), LocalAwsError> {
    let options = Opts::from_url(url).map_err(|error| {
        // The driver's own message may contain a part of the URL, and so of the password.
        LocalAwsError::DatabaseUrl(match error {
            UrlError::UnsupportedScheme { .. } => "its scheme is not mysql".into(),
            UrlError::UnknownParameter { param } => format!("the parameter {param} is not known"),
            UrlError::InvalidParamValue { param, .. } => {
                format!("the value of the parameter {param} is not valid")
            }
            _ => "it is not a URL".into(),
        })
    })?;
    let credentials = match options.user() {
        Some(user) => SecretOption {
            name: secret.name.clone(),
            username: user.to_owned(),
            password: options.pass().unwrap_or_default().to_owned(),
        },
        None => secret.clone(),
    };
    Ok((DatabaseAddress { options }, credentials))
}
