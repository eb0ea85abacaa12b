//! Which certificate authorities a function trusts when it calls AWS.
//!
//! Reading and parsing the system's store takes most of the start of a function with a client: some 900 system calls
//! on a system with one file per authority, and parsing 150 certificates if they are in one. AWS's own endpoints
//! chain to five roots, which are compiled in. Wherever the endpoint may not be AWS's, the system's store is used.

use aws_smithy_http_client::tls::TrustStore;

/// Amazon Trust Services' roots, in PEM.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// The variables that replace or extend the system's store; rustls-native-certs reads them.
const OWN_STORE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The variables that send requests through a proxy, which may issue its own certificates.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The prefix of the variables that set an endpoint, for all services or for one.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The authorities that a function trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// None: every call goes to an endpoint over plain HTTP.
    Nobody,
    /// The roots of AWS's own endpoints in the partition `aws`.
    AmazonRoots,
    /// Whatever the system trusts.
    System,
}

impl Trust {
    /// The trust that the environment requires.
    pub(crate) fn from_env() -> Self {
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        }))
    }

    /// The trust that these variables require.
    fn of(variables: impl Iterator<Item = (String, String)>) -> Self {
        let (mut region, mut all_services, mut over_tls, mut not_aws) = (None, None, false, false);
        for (name, value) in variables.filter(|(_, value)| !value.trim().is_empty()) {
            let name = name.as_str();
            if name.starts_with(ENDPOINT) {
                over_tls |= !is_plain(&value);
                if name == ENDPOINT {
                    all_services = Some(value);
                }
            } else if name == "AWS_REGION" || (name == "AWS_DEFAULT_REGION" && region.is_none()) {
                region = Some(value);
            } else {
                not_aws |= OWN_STORE.contains(&name) || PROXIES.contains(&name);
            }
        }
        if all_services.is_some() && !over_tls {
            return Self::Nobody;
        }
        match region {
            Some(region) if in_partition_aws(&region) && !over_tls && !not_aws => Self::AmazonRoots,
            _ => Self::System,
        }
    }

    /// The trust store for a TLS client.
    pub(crate) fn store(self) -> TrustStore {
        match self {
            Self::Nobody => TrustStore::empty(),
            Self::AmazonRoots => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
            Self::System => TrustStore::default(),
        }
    }
}

fn is_plain(url: &str) -> bool {
    url.trim()
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

/// Whether a region's name belongs to the partition `aws`:
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>. An unknown
/// partition counts as another one.
fn in_partition_aws(region: &str) -> bool {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let place = parts.next().unwrap_or_default();
    ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"].contains(&area)
        && !place.starts_with("gov")
        && !place.starts_with("iso")
        && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

    use super::*;

    fn trust(variables: &[(&str, &str)]) -> Trust {
        Trust::of(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn a_function_on_aws_trusts_amazons_roots_alone() {
        for region in ["us-east-1", "eu-west-3", "ap-southeast-5", "mx-central-1"] {
            assert_eq!(trust(&[("AWS_REGION", region)]), Trust::AmazonRoots);
        }
        assert_eq!(
            trust(&[
                ("AWS_REGION", "us-east-1"),
                ("AWS_ENDPOINT_URL", ""),
                ("SSL_CERT_FILE", ""),
                ("HTTP_PROXY", "http://proxy:3128"),
            ]),
            Trust::AmazonRoots
        );
    }

    #[test]
    fn the_systems_store_decides_where_somebody_else_may_answer() {
        for region in [
            "cn-north-1",
            "us-gov-west-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
            "moon-base-1",
            "us",
        ] {
            assert_eq!(trust(&[("AWS_REGION", region)]), Trust::System, "{region}");
        }
        assert_eq!(trust(&[]), Trust::System);
        for (name, value) in [
            ("SSL_CERT_FILE", "/etc/pki/own.pem"),
            ("SSL_CERT_DIR", "/etc/pki/own"),
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("all_proxy", "http://proxy:3128"),
            ("AWS_ENDPOINT_URL", "https://aws.example"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "HTTPS://dynamodb.example"),
        ] {
            let variables = [("AWS_REGION", "us-east-1"), (name, value)];
            assert_eq!(trust(&variables), Trust::System, "{name}");
        }
    }

    #[test]
    fn the_default_region_counts_where_there_is_no_other() {
        let default = |region| ("AWS_DEFAULT_REGION", region);
        let region = ("AWS_REGION", "us-east-1");
        assert_eq!(trust(&[default("us-east-1")]), Trust::AmazonRoots);
        for both in [
            [region, default("cn-north-1")],
            [default("cn-north-1"), region],
        ] {
            assert_eq!(trust(&both), Trust::AmazonRoots);
        }
        assert_eq!(trust(&[("HOME", "us-east-1")]), Trust::System);
    }

    #[test]
    fn the_systems_store_is_read_only_where_it_decides() {
        for (trust, native) in [
            (Trust::Nobody, false),
            (Trust::AmazonRoots, false),
            (Trust::System, true),
        ] {
            let store = format!("{:?}", trust.store());
            assert!(
                store.contains(&format!("enable_native_roots: {native}")),
                "{store}"
            );
        }
    }

    #[test]
    fn nobody_is_trusted_where_every_call_is_plain_http() {
        let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        let one = ("AWS_ENDPOINT_URL_RDS_DATA", "HTTP://127.0.0.1:8080");
        let region = ("AWS_REGION", "us-east-1");
        assert_eq!(trust(&[region, all, one]), Trust::Nobody);
        let own_store = ("SSL_CERT_FILE", "/etc/pki/own.pem");
        assert_eq!(trust(&[region, all, own_store]), Trust::Nobody);
        // The other services use AWS's own endpoints.
        assert_eq!(trust(&[region, one]), Trust::AmazonRoots);
    }

    #[test]
    fn the_roots_are_mozillas() {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let known: HashSet<&[u8]> = TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).collect();
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let roots: Vec<_> = text
            .split("-----BEGIN CERTIFICATE-----")
            .skip(1)
            .map(|part| {
                let base64 = part.split("-----END").next().unwrap();
                STANDARD
                    .decode(base64.split_whitespace().collect::<String>())
                    .unwrap()
            })
            .collect();
        assert_eq!(roots.len(), 5);
        for root in &roots {
            assert!(
                known.contains(root.as_slice()),
                "a root that Mozilla has not"
            );
        }
        // Mozilla has no other root of Amazon's: a new one must be added here as well.
        let of_amazon = |der: &&&[u8]| {
            der.windows(b"Amazon Root CA".len())
                .any(|window| window == b"Amazon Root CA")
        };
        assert_eq!(known.iter().filter(of_amazon).count(), 4);
    }
}
