//! `--access template`: who may call a route. The rules are the template's, the error responses API Gateway's.

mod bucket;
mod denial;
mod error;
mod keys;
mod options;
mod signature;

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    path::{self, Path},
    time::SystemTime,
};

use aws_credential_types::Credentials;
use fleet_jwt::{IssuerSettings, TokenRefusal};
use http::{HeaderName, Method, header::AUTHORIZATION, request::Parts};
use tracing::warn;

pub(crate) use self::denial::DenialResponse;
use self::{
    bucket::Bucket,
    denial::{Denial, Responses},
    keys::ApiKeys,
    signature::{Claim, SignatureVerifier},
};

pub use self::{
    error::AccessError,
    options::{AccessMode, AccessOptions},
};
use crate::template::{AccessRules, RouteRule};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What a route requires of callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// An API key.
    pub(crate) key: bool,
    /// A token.
    pub(crate) token: bool,
    /// A signature.
    pub(crate) signature: bool,
}

/// The access rules of all routes.
pub(crate) struct Access {
    routes: HashMap<String, Vec<Guard>>,
    keys: Option<ApiKeys>,
    verifier: Option<SignatureVerifier>,
    tokens: Option<Tokens>,
    responses: Responses,
    made_key: Option<String>,
}

/// The verifier of tokens, and their issuer.
struct Tokens {
    verifier: fleet_jwt::TokenVerifier,
    issuer: String,
}

/// A route's rule and its throttle.
struct Guard {
    rule: RouteRule,
    throttle: Option<Bucket>,
}

/// What identifies callers.
pub(crate) struct Callers<'a> {
    /// The file with the API keys.
    pub(crate) key_file: Option<&'a Path>,
    /// The issuer whose tokens are accepted.
    pub(crate) issuer: Option<IssuerSettings>,
    /// The credentials that callers sign with.
    pub(crate) credentials: Option<Credentials>,
    /// The region that they sign for.
    pub(crate) region: String,
}

/// An admitted caller, except for the body's part in the signature.
#[must_use]
pub(crate) struct Admission<'a>(Option<(&'a SignatureVerifier, Claim, Option<&'a Bucket>)>);

impl Access {
    /// The access rules in `rules`. A route that `by_certificate` covers requires that certificate instead of a
    /// signature: the certificate belongs to a gateway that has verified the signature.
    ///
    /// # Errors
    /// [`AccessError`] for API keys that cannot be read or created.
    pub(crate) fn new(
        mut rules: AccessRules,
        callers: Callers<'_>,
        by_certificate: impl Fn(&str) -> bool,
    ) -> Result<Self, AccessError> {
        for rule in &mut rules.routes {
            rule.signature &= !by_certificate(&rule.path);
        }
        let (keys, made_key) = if rules.routes.iter().any(|rule| rule.api_key) {
            let file = callers.key_file.ok_or(AccessError::NoKeyFile)?;
            let (keys, made) = ApiKeys::open(file, rules.plan)?;
            (Some(keys), made)
        } else {
            (None, None)
        };
        let verifier = if rules.routes.iter().any(|rule| rule.signature) {
            if callers.credentials.is_none() {
                warn!(
                    "no credentials to verify SigV4 signatures with, so the routes that require one refuse every request: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE, to those that callers sign with"
                );
            }
            Some(SignatureVerifier::new(callers.credentials, callers.region))
        } else {
            None
        };
        let by_token = rules.routes.iter().any(|rule| rule.token);
        let tokens = match callers.issuer {
            None if by_token => return Err(AccessError::NoIssuer),
            Some(_) if !by_token => return Err(AccessError::NoTokenRoute),
            None => None,
            Some(settings) => Some(Tokens {
                issuer: settings.issuer.to_string(),
                verifier: fleet_jwt::TokenVerifier::new(settings)
                    .map_err(|error| AccessError::Tokens(error.to_string()))?,
            }),
        };
        let mut routes = HashMap::<String, Vec<Guard>>::new();
        for rule in rules.routes {
            let throttle = rule.throttle.map(Bucket::new);
            let guards = routes.entry(rule.path.clone()).or_default();
            guards.push(Guard { rule, throttle });
        }
        Ok(Self {
            routes,
            keys,
            verifier,
            tokens,
            responses: Responses::new(rules.responses),
            made_key,
        })
    }

    /// What the route with the template's `method` and `path` requires.
    pub(crate) fn requirements(&self, method: &str, path: &str) -> Requirements {
        let rules = self.routes.get(path).into_iter().flatten();
        rules
            .map(|guard| &guard.rule)
            .find(|rule| {
                let known = rule.method.as_ref().map(Method::as_str);
                known.is_none_or(|known| known.eq_ignore_ascii_case(method))
            })
            .map_or(Requirements::default(), |rule| Requirements {
                key: rule.api_key,
                token: rule.token,
                signature: rule.signature,
            })
    }

    /// The options that `curl` needs for a route with requirements, each with a space before it. Secrets are read
    /// from where they are stored, so that none is shown.
    pub(crate) fn curl_options(&self, method: &str, path: &str) -> String {
        let Requirements {
            key,
            token,
            signature,
        } = self.requirements(method, path);
        let mut options = String::new();
        if token {
            options.push_str(r#" -H "authorization: Bearer $TOKEN""#);
        }
        if let (true, Some(keys)) = (key, &self.keys) {
            // The commands are tried in another terminal than the server's.
            let file = path::absolute(keys.file());
            let file = file.as_deref().unwrap_or(keys.file()).to_string_lossy();
            let file = quoted(&file);
            // Writing to a String cannot fail.
            let _ = write!(
                options,
                r#" -H "x-api-key: $(grep -om1 '^[A-Za-z0-9_-]\{{20,\}}' {file})""#
            );
        }
        if let (true, Some(verifier)) = (signature, &self.verifier) {
            let _ = write!(
                options,
                r#" --aws-sigv4 aws:amz:{}:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY""#,
                verifier.region()
            );
            if verifier.wants_token() {
                options.push_str(r#" -H "x-amz-security-token: $AWS_SESSION_TOKEN""#);
            }
        }
        options
    }

    /// The API key that was created because there was no file.
    pub(crate) fn made_key(&self) -> Option<&str> {
        self.made_key.as_deref()
    }

    /// Checks the caller of a request for the route `resource`, as in the template, before its body is read.
    pub(crate) async fn admit(
        &self,
        parts: &Parts,
        resource: &str,
        now: SystemTime,
    ) -> Result<Admission<'_>, DenialResponse> {
        self.inspect(parts, resource, now)
            .await
            .map_err(|denial| self.responses.answer(denial))
    }

    /// Checks the body's part in the signature.
    pub(crate) fn confirm(
        &self,
        admission: Admission<'_>,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(), DenialResponse> {
        let Some((verifier, claim, throttle)) = admission.0 else {
            return Ok(());
        };
        verifier
            .confirm(&claim, parts, body)
            .and_then(|()| in_time(throttle))
            .map_err(|denial| self.responses.answer(denial))
    }

    async fn inspect(
        &self,
        parts: &Parts,
        resource: &str,
        now: SystemTime,
    ) -> Result<Admission<'_>, Denial> {
        let guards = self.routes.get(resource).map_or(&[][..], Vec::as_slice);
        let of = |method: Option<&Method>| {
            guards
                .iter()
                .find(|guard| guard.rule.method.as_ref() == method)
        };
        // Every route has a rule; without one, no caller would be allowed.
        let guard = of(Some(&parts.method))
            .or_else(|| of(None))
            .ok_or(Denial::NoSignature)?;
        let throttle = guard.throttle.as_ref();
        let claim = if guard.rule.signature {
            let verifier = self.verifier.as_ref().ok_or(Denial::NoSignature)?;
            Some((verifier, verifier.parse_claim(parts, now)?, throttle))
        } else {
            None
        };
        if guard.rule.token {
            self.look_at_token(parts).await?;
        }
        if guard.rule.api_key {
            self.look_at_key(parts, now)?;
        }
        if claim.is_none() {
            in_time(throttle)?;
        }
        Ok(Admission(claim))
    }

    async fn look_at_token(&self, parts: &Parts) -> Result<(), Denial> {
        let tokens = self
            .tokens
            .as_ref()
            .ok_or(Denial::Token(TokenRefusal::Missing))?;
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        // Two of them count as none, as in the authorizer on AWS.
        let authorization = match (values.next(), values.next()) {
            (Some(only), None) => only.to_str().ok(),
            _ => None,
        };
        tokens.verifier.verify(authorization).await?;
        Ok(())
    }

    fn look_at_key(&self, parts: &Parts, now: SystemTime) -> Result<(), Denial> {
        let shown = parts
            .headers
            .get(API_KEY)
            .ok_or(Denial::ApiKey("no x-api-key"))?;
        let key = self
            .keys
            .as_ref()
            .and_then(|keys| keys.find(shown.as_bytes()))
            .ok_or(Denial::ApiKey("the x-api-key is not known"))?;
        if !key.is_in_time() {
            return Err(Denial::Throttled("the key's throttle"));
        }
        if !key.has_quota(now) {
            return Err(Denial::Quota);
        }
        Ok(())
    }
}

impl fmt::Display for Access {
    /// One line for a person: what is required, and what is not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = || self.routes.values().flatten().map(|guard| &guard.rule);
        let mut asked = Vec::new();
        if self.keys.is_some() {
            asked.push("API keys");
        }
        let tokens = self.tokens.as_ref();
        let tokens = tokens.map(|tokens| format!("tokens of {}", tokens.issuer));
        if let Some(tokens) = &tokens {
            asked.push(tokens);
        }
        if self.verifier.is_some() {
            asked.push("SigV4 signatures");
        }
        if rules().any(|rule| rule.throttle.is_some()) {
            asked.push("throttles");
        }
        if asked.is_empty() {
            asked.push("nothing");
        }
        write!(
            f,
            "as the template asks: {}; not checked: IAM policies, resource policies, WAF",
            asked.join(", ")
        )
    }
}

/// A word for a shell, usable within double quotes or without.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn in_time(throttle: Option<&Bucket>) -> Result<(), Denial> {
    if throttle.is_none_or(Bucket::take) {
        Ok(())
    } else {
        Err(Denial::Throttled("the route's throttle"))
    }
}
