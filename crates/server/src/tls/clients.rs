//! The certificates that clients may present, and the routes on which they must.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{
    error::TlsError,
    files::{CertificateFacts, OptionFile},
};
use crate::template::TemplateRoute;

/// The routes protected by default: the scaling routes.
const SCALING_ROUTES: [&str; 4] = [
    "/scalableTargetDimensions",
    "/scalableTargetDimensions/*",
    "/v1/scalableTargetDimensions",
    "/v1/scalableTargetDimensions/*",
];
/// Every route and every page.
const EVERYTHING: &str = "*";

/// Accepts certificates signed by a listed one, and the listed ones themselves.
///
/// The certificate that API Gateway creates for an API is self-signed and not a CA, so listing it accepts exactly that
/// one. The usual chain check would reject such a certificate if it claims to be a CA's, as those of
/// `openssl req -x509` do.
#[derive(Debug)]
pub(crate) struct ClientCertificates {
    /// The chain verifier; `None` if no CA is listed.
    chains: Option<Arc<dyn ClientCertVerifier>>,
    listed: Vec<CertificateDer<'static>>,
    /// The CAs that a client's certificate may come from.
    subjects: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertificates {
    /// The rules for `listed`, the certificates in `file`.
    pub(crate) fn new(
        file: &OptionFile,
        listed: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let wrong = |what: String| TlsError::Content {
            option: file.option,
            path: file.path.clone(),
            what,
        };
        let (mut all, mut authorities) = (RootCertStore::empty(), RootCertStore::empty());
        for (number, certificate) in listed.iter().enumerate() {
            let untrusted = |_| {
                wrong(format!(
                    "has a certificate that cannot be trusted, number {}",
                    number + 1
                ))
            };
            all.add(certificate.clone()).map_err(untrusted)?;
            // The owner of a CA's key could sign for everybody.
            if CertificateFacts::of(certificate).is_some_and(|about| about.is_ca) {
                authorities.add(certificate.clone()).map_err(untrusted)?;
            }
        }
        let chains = if authorities.is_empty() {
            None
        } else {
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::new(authorities),
                Arc::clone(provider),
            )
            .allow_unauthenticated();
            Some(
                verifier
                    .build()
                    .map_err(|cause| wrong(format!("cannot be used ({cause})")))?,
            )
        };
        Ok(Self {
            chains,
            listed,
            subjects: all.subjects(),
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    /// Not for the connection: the route is only known after the handshake.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if !self.listed.iter().any(|listed| listed == shown) {
            let chains = self
                .chains
                .as_ref()
                .ok_or(CertificateError::UnknownIssuer)?;
            return chains.verify_client_cert(shown, intermediates, now);
        }
        let about = CertificateFacts::of(shown).ok_or(CertificateError::BadEncoding)?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < about.from {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > about.until {
            return Err(CertificateError::Expired.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    // This proves that the client has the key, for listed certificates too.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The routes that require a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientRoutes(Vec<String>);

impl ClientRoutes {
    /// The routes among `routes` that `asked` matches, or the scaling routes if it is empty. A pattern that matches
    /// nothing is an error, since it would leave a route open.
    pub(crate) fn new(asked: &[String], routes: &[TemplateRoute]) -> Result<Self, TlsError> {
        let asked: Vec<String> = asked
            .iter()
            .map(|pattern| pattern.trim().to_owned())
            .collect();
        if asked.iter().any(String::is_empty) {
            return Err(TlsError::EmptyRoute);
        }
        let protects = |pattern: &String| {
            pattern == EVERYTHING || routes.iter().any(|route| covers(pattern, &route.path))
        };
        let useless = |pattern: String| {
            let mut known: Vec<&str> = routes.iter().map(|route| route.path.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            TlsError::NoSuchRoute {
                pattern,
                known: known.join(", "),
            }
        };
        if let Some(pattern) = asked.iter().find(|pattern| !protects(pattern)) {
            return Err(useless(pattern.clone()));
        }
        if !asked.is_empty() {
            return Ok(Self(asked));
        }
        let scaling = SCALING_ROUTES.map(str::to_owned).to_vec();
        if scaling.iter().any(protects) {
            Ok(Self(scaling))
        } else {
            Err(useless(SCALING_ROUTES.join(",")))
        }
    }

    /// Whether a request for the route `resource`, as in the template, needs a certificate; `None` is a request
    /// without a route, such as for a page.
    pub(crate) fn cover(&self, resource: Option<&str>) -> bool {
        self.0.iter().any(|pattern| {
            pattern == EVERYTHING || resource.is_some_and(|resource| covers(pattern, resource))
        })
    }
}

fn covers(pattern: &str, resource: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(folder) if folder.ends_with('/') => resource.starts_with(folder),
        _ => pattern == resource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(paths: &[&str]) -> Vec<TemplateRoute> {
        let route = |path: &&str| TemplateRoute {
            method: None,
            path: (*path).to_owned(),
            function: "F".to_owned(),
            binary: "f".to_owned(),
        };
        paths.iter().map(route).collect()
    }

    const SCALING: &str = "/scalableTargetDimensions/{scalableTargetDimensionId}";

    #[test]
    fn the_scaling_routes_are_protected_unless_others_are_named() {
        let routes = routes(&[SCALING, "/ec2", "/ec2/{id}"]);
        let scaling = ClientRoutes::new(&[], &routes).unwrap();
        assert!(scaling.cover(Some(SCALING)) && scaling.cover(Some("/scalableTargetDimensions")));
        for open in [Some("/ec2"), Some("/scalableTargetDimensionsX/{id}"), None] {
            assert!(!scaling.cover(open), "{open:?}");
        }
        let below = ClientRoutes::new(&["/ec2/*".to_owned()], &routes).unwrap();
        assert!(
            below.cover(Some("/ec2/{id}"))
                && !below.cover(Some("/ec2"))
                && !below.cover(Some(SCALING))
        );
        let one = ClientRoutes::new(&[" /ec2 ".to_owned()], &routes).unwrap();
        assert!(one.cover(Some("/ec2")) && !one.cover(Some("/ec2/{id}")));
        let all = ClientRoutes::new(&["*".to_owned()], &routes).unwrap();
        assert!(all.cover(Some("/ec2")) && all.cover(None));
    }

    #[test]
    fn a_pattern_that_protects_nothing_is_refused() {
        for pattern in [
            "/ec3",
            "/ec2*",
            "/EC2",
            "ec2",
            "/ec2/1/*",
            "/scalableTargetDimensions",
        ] {
            let refused = ClientRoutes::new(
                &["/ec2".to_owned(), pattern.to_owned()],
                &routes(&["/ec2", SCALING]),
            )
            .unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!(
                    "The pattern {pattern} of --client-ca-routes matches no route: the routes are /ec2, {SCALING}."
                )
            );
        }
        assert!(
            ClientRoutes::new(&[], &routes(&["/ec2"])).is_err(),
            "nothing would be protected by default"
        );
        let refused = ClientRoutes::new(&["/ec2".to_owned(), " ".to_owned()], &routes(&["/ec2"]))
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "The option --client-ca-routes contains an empty path."
        );
    }
}
