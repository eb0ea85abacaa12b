//! An issuer's public keys: JSON Web Keys (RFC 7517, RFC 7518), of which those for signatures are kept.

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{self, EcdsaVerificationAlgorithm, RsaParameters, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::limits;

/// How a token is signed (RFC 7518, section 3.1): what an issuer's public key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    /// The algorithm of `alg`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            _ => return None,
        })
    }

    /// Its kind of key, and how AWS-LC verifies with it. RSA keys have at least 2,048 bits (RFC 7518, section 3.3).
    fn verification(self) -> Verification {
        match self {
            Self::Rs256 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Verification::Curve(Curve::P256, &signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Verification::Curve(Curve::P384, &signature::ECDSA_P384_SHA384_FIXED),
            Self::Es512 => Verification::Curve(Curve::P521, &signature::ECDSA_P521_SHA512_FIXED),
        }
    }
}

enum Verification {
    Rsa(&'static RsaParameters),
    Curve(Curve, &'static EcdsaVerificationAlgorithm),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    /// The bytes of a coordinate, which a JWK has all of (RFC 7518, section 6.2.1.2).
    fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key for signatures.
#[derive(Debug)]
pub(crate) struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if the issuer says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    Curve(Curve, Vec<u8>),
}

impl Key {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let fits = match (algorithm.verification(), &self.material) {
            (Verification::Rsa(_), Material::Rsa { .. }) => true,
            (Verification::Curve(curve, _), Material::Curve(own, _)) => curve == *own,
            _ => false,
        };
        fits && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature` is this key's over `signed`. A key of another kind, or one that is no key, verifies nothing.
    pub(crate) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (algorithm.verification(), &self.material) {
            (Verification::Rsa(parameters), Material::Rsa { n, e }) => PublicKeyComponents { n, e }
                .verify(parameters, signed, signature)
                .is_ok(),
            (Verification::Curve(curve, verification), Material::Curve(own, point)) => {
                curve == *own
                    && UnparsedPublicKey::new(verification, point)
                        .verify(signed, signature)
                        .is_ok()
            }
            _ => false,
        }
    }
}

/// The members of a JWK that matter here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key, if it is one for signatures that is known here. An issuer may have others, for encryption for example.
    fn key(self) -> Option<Key> {
        let signs = self.usage.is_none_or(|usage| usage == "sig")
            && self
                .key_ops
                .is_none_or(|all| all.iter().any(|operation| operation == "verify"));
        let algorithm = match self.alg {
            Some(name) => Some(Algorithm::parse(&name)?),
            None => None,
        };
        let bytes = |text: Option<String>| BASE64_URL_SAFE_NO_PAD.decode(text?).ok();
        let material = match self.kty.as_str() {
            "RSA" => Material::Rsa {
                n: bytes(self.n)?,
                e: bytes(self.e)?,
            },
            "EC" => {
                let curve = Curve::parse(self.crv.as_deref()?)?;
                let (x, y) = (bytes(self.x)?, bytes(self.y)?);
                let size = curve.coordinate_bytes();
                if x.len() != size || y.len() != size {
                    return None;
                }
                Material::Curve(curve, [&[4][..], &x, &y].concat())
            }
            _ => return None,
        };
        signs.then_some(Key {
            id: self.kid,
            algorithm,
            material,
        })
    }
}

/// The keys of an issuer at one time.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWK Set; `None` if it is not one. Keys of unknown kinds are left out (RFC 7517, section 5).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(text).ok()?;
        let keys = set.keys.into_iter().filter_map(|key| {
            let key: Jwk = serde_json::from_value(key).ok()?;
            key.key()
        });
        Some(Self(keys.take(limits::KEYS).collect()))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names. One that names none has the only key for its algorithm, if there is just one.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.is_for(algorithm) && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(first)
    }
}
