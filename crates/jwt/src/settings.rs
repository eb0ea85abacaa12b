//! The issuer whose tokens are accepted, and their audiences.

use std::fmt;

use http::Uri;
use thiserror::Error;

/// The variable with the issuer's URL.
const ISSUER: &str = "JWT_ISSUER";
/// The variable with the audiences.
const AUDIENCE: &str = "JWT_AUDIENCE";

/// The most audiences, and the most characters of each.
const AUDIENCES: usize = 10;
const AUDIENCE_LENGTH: usize = 255;

/// A missing or invalid setting: one sentence that names it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssuerSettingsError {
    /// Not set, or empty.
    #[error("The environment variable {0} is not set.")]
    Missing(&'static str),
    /// Not the URL of an issuer.
    #[error("The environment variable {ISSUER} {0}.")]
    Issuer(UrlError),
    /// Not a list of audiences.
    #[error("The environment variable {AUDIENCE} {0}.")]
    Audience(AudienceError),
}

/// Not an issuer's URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "must be the URL of an OpenID Connect issuer: https (http on loopback alone), without user, query and fragment"
)]
pub struct UrlError;

/// Not a list of audiences.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "must be 1 to 10 audiences, separated by commas, each 1 to 255 printable ASCII characters without white space"
)]
pub struct AudienceError;

/// The issuer whose tokens are accepted, and their audiences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// `iss`, and the base of the keys' location.
    pub issuer: IssuerUrl,
    /// `aud`, or `client_id` of Cognito's access tokens.
    pub audiences: Audiences,
}

impl IssuerSettings {
    /// Reads `JWT_ISSUER` and `JWT_AUDIENCE` from the environment.
    ///
    /// # Errors
    /// [`IssuerSettingsError`] for the first one that is missing or invalid.
    pub fn from_env() -> Result<Self, IssuerSettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    pub(crate) fn read(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, IssuerSettingsError> {
        let set = |name| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .ok_or(IssuerSettingsError::Missing(name))
        };
        Ok(Self {
            issuer: set(ISSUER)?.parse().map_err(IssuerSettingsError::Issuer)?,
            audiences: set(AUDIENCE)?
                .parse()
                .map_err(IssuerSettingsError::Audience)?,
        })
    }
}

/// The URL of an issuer, exactly as in its tokens' `iss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of its configuration: OpenID Connect Discovery 1.0, section 4.
    pub(crate) fn configuration(&self) -> String {
        let base = self.0.trim_end_matches('/');
        format!("{base}/.well-known/openid-configuration")
    }
}

impl std::str::FromStr for IssuerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let is_url = is_fetchable(text) && !text.contains('?');
        is_url.then(|| Self(text.to_owned())).ok_or(UrlError)
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether this URL may be fetched: nobody must be able to read or change the response in transit.
pub(crate) fn is_fetchable(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    let host = authority.host();
    let is_loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let is_private = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback,
        _ => false,
    };
    is_private && !host.is_empty() && !authority.as_str().contains('@') && !text.contains('#')
}

/// The audiences, one of which a token must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audiences(Vec<String>);

impl Audiences {
    /// Whether this is one of them.
    pub(crate) fn include(&self, audience: &str) -> bool {
        self.0.iter().any(|known| known == audience)
    }
}

impl std::str::FromStr for Audiences {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, AudienceError> {
        let all: Vec<_> = text.split(',').map(str::to_owned).collect();
        let is_audience = |audience: &String| {
            (1..=AUDIENCE_LENGTH).contains(&audience.len())
                && audience.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let are_audiences = all.len() <= AUDIENCES && all.iter().all(is_audience);
        are_audiences.then_some(Self(all)).ok_or(AudienceError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_url_that_nobody_can_read_along() {
        for text in [
            "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12",
            "https://example.eu.auth0.com/",
            "https://issuer.example:8443/realms/fleet",
            "http://127.0.0.1:8080",
            "http://localhost:8080/realms/fleet",
            "http://[::1]:8080",
        ] {
            assert_eq!(text.parse(), Ok(IssuerUrl(text.to_owned())), "{text}");
        }
        for text in [
            "",
            "issuer.example",
            "/path",
            "ftp://issuer.example",
            "http://issuer.example",
            "http://127.0.0.1.issuer.example",
            "http://localhost@issuer.example",
            "https://user:password@issuer.example",
            "https://issuer.example?tenant=1",
            "https://issuer.example#a",
            "https://issuer.example/a b",
        ] {
            assert_eq!(text.parse::<IssuerUrl>(), Err(UrlError), "{text}");
        }
    }

    #[test]
    fn its_configuration_is_below_it_whether_it_ends_with_a_slash_or_not() {
        for text in ["https://issuer.example/a", "https://issuer.example/a/"] {
            let url: IssuerUrl = text.parse().unwrap();
            assert_eq!(
                url.configuration(),
                "https://issuer.example/a/.well-known/openid-configuration"
            );
        }
    }

    #[test]
    fn audiences_are_a_list() {
        let audiences: Audiences = "fleet,https://fleet.example/".parse().unwrap();
        assert!(audiences.include("fleet") && audiences.include("https://fleet.example/"));
        assert!(!audiences.include("fleet,https://fleet.example/") && !audiences.include(""));
        for text in [
            "",
            "a,",
            ",a",
            "a b",
            "ä",
            &"a,".repeat(11),
            &"a".repeat(256),
        ] {
            assert_eq!(text.parse::<Audiences>(), Err(AudienceError), "{text}");
        }
    }

    #[test]
    fn a_missing_or_wrong_setting_is_named() {
        let read = |issuer: &'static str, audience: &'static str| {
            IssuerSettings::read(move |name| {
                Some(if name == ISSUER { issuer } else { audience }.to_owned())
            })
            .map_err(|error| error.to_string())
        };
        assert!(read("https://issuer.example", "fleet").is_ok());
        assert_eq!(
            read("", "fleet").unwrap_err(),
            "The environment variable JWT_ISSUER is not set."
        );
        assert_eq!(
            read("https://issuer.example", "").unwrap_err(),
            "The environment variable JWT_AUDIENCE is not set."
        );
        for (issuer, audience, beginning) in [
            (
                "http://issuer.example",
                "a",
                "The environment variable JWT_ISSUER must be the URL of",
            ),
            (
                "https://issuer.example",
                "a b",
                "The environment variable JWT_AUDIENCE must be 1 to 10",
            ),
        ] {
            let sentence = read(issuer, audience).unwrap_err();
            assert!(
                sentence.starts_with(beginning) && sentence.ends_with('.'),
                "{sentence}"
            );
        }
    }
}
