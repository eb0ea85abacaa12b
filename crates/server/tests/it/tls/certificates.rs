//! Certificates made for a test.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_RSA_SHA256, date_time_ymd,
};

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub(super) struct IssuedCertificate {
    pub(super) cert: String,
    pub(super) key: String,
}

/// A CA.
pub(super) struct Authority {
    pub(super) cert: String,
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            cert: certificate.pem(),
            certificate,
            key,
        }
    }

    /// A server's certificate for `name`.
    pub(super) fn server(&self, name: &str) -> IssuedCertificate {
        self.issue(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// A client's certificate.
    pub(super) fn client(&self, name: &str) -> IssuedCertificate {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// An expired certificate.
    pub(super) fn expired_client(&self, name: &str) -> IssuedCertificate {
        let mut params = named(name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.issue(params)
    }

    /// A certificate for servers only.
    pub(super) fn for_servers_only(&self, name: &str) -> IssuedCertificate {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> IssuedCertificate {
        let key = KeyPair::generate().unwrap();
        let cert = params
            .signed_by(&key, &self.certificate, &self.key)
            .unwrap();
        IssuedCertificate {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A certificate like API Gateway's: self-signed, RSA with 2048 bits, version 3 without any extension,
/// the subject `C=US, L=Seattle, CN=ApiGateway`.
pub(super) fn api_gateway() -> IssuedCertificate {
    self_signed(api_gateway_params())
}

/// Such a certificate, and one that was signed with its key.
pub(super) fn api_gateway_that_signs() -> (IssuedCertificate, IssuedCertificate) {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = api_gateway_params().self_signed(&key).unwrap();
    let minted = KeyPair::generate().unwrap();
    let cert = named("minted")
        .signed_by(&minted, &certificate, &key)
        .unwrap();
    (
        IssuedCertificate {
            cert: certificate.pem(),
            key: key.serialize_pem(),
        },
        IssuedCertificate {
            cert: cert.pem(),
            key: minted.serialize_pem(),
        },
    )
}

/// The same kind of certificate, expired.
pub(super) fn expired_api_gateway() -> IssuedCertificate {
    let mut params = api_gateway_params();
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2025, 1, 1);
    self_signed(params)
}

/// A self-signed certificate that claims to be a CA's, like those of `openssl req -x509`.
pub(super) fn self_signed_ca(name: &str) -> IssuedCertificate {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    self_signed(params)
}

fn self_signed(params: CertificateParams) -> IssuedCertificate {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    IssuedCertificate {
        cert: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn api_gateway_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params
        .distinguished_name
        .push(DnType::LocalityName, "Seattle");
    params
        .distinguished_name
        .push(DnType::CommonName, "ApiGateway");
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
