//! An issuer's public keys: JSON Web Keys (RFC 7517), of which only those for signatures are used.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, crypto,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::limits;

/// The accepted signature algorithms (RFC 7518, section 3.1): those that an issuer's public key can verify.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
];

/// The algorithm named in `alg`; `None` if it is not accepted.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    accepted(name.parse().ok()?)
}

fn accepted(algorithm: Algorithm) -> Option<Algorithm> {
    ALGORITHMS.contains(&algorithm).then_some(algorithm)
}

/// A public key for signatures.
#[derive(Debug)]
pub(crate) struct Key {
    id: Option<String>,
    /// The only algorithm that it may be used with, if the issuer restricts it.
    algorithm: Option<Algorithm>,
    kind: KeyKind,
    key: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
}

impl KeyKind {
    fn of(algorithm: &AlgorithmParameters) -> Option<Self> {
        match algorithm {
            AlgorithmParameters::RSA(_) => Some(Self::Rsa),
            AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
                EllipticCurve::P256 => Some(Self::P256),
                EllipticCurve::P384 => Some(Self::P384),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_for(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa => algorithm.family() == AlgorithmFamily::Rsa,
            Self::P256 => algorithm == Algorithm::ES256,
            Self::P384 => algorithm == Algorithm::ES384,
        }
    }

    /// The length of an uncompressed point. A JWK has its coordinates in full (RFC 7518, section 6.2.1.2).
    fn point_bytes(self) -> Option<usize> {
        match self {
            Self::Rsa => None,
            Self::P256 => Some(1 + 2 * 32),
            Self::P384 => Some(1 + 2 * 48),
        }
    }
}

impl Key {
    /// The key, if it is a supported signature key. An issuer may have others, for encryption for example.
    fn read(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let common = &jwk.common;
        let signs = common
            .public_key_use
            .as_ref()
            .is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && common
                .key_operations
                .as_ref()
                .is_none_or(|all| all.contains(&KeyOperations::Verify));
        let only = match common.key_algorithm {
            Some(named) => Some(accepted(Algorithm::try_from(named).ok()?)?),
            None => None,
        };
        let kind = KeyKind::of(&jwk.algorithm)?;
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let is_whole = kind.point_bytes().is_none_or(|size| {
            key.try_get_as_bytes()
                .is_ok_and(|point| point.len() == size)
        });
        (signs && is_whole).then_some(Self {
            id: jwk.common.key_id,
            algorithm: only,
            kind,
            key,
        })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.kind.is_for(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature`, in base64url, was made over `signed` with this key. A key of another kind, or an RSA key
    /// of less than 2,048 bits (RFC 7518, section 3.3), verifies nothing.
    pub(crate) fn verifies(&self, algorithm: Algorithm, signed: &str, signature: &str) -> bool {
        self.is_for(algorithm)
            && crypto::verify(signature, signed.as_bytes(), &self.key, algorithm)
                .is_ok_and(|is_own| is_own)
    }
}

/// The keys of an issuer at one time.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Parses a JWK Set; `None` if it is not one. Keys of unknown kinds are skipped (RFC 7517, section 5).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct JwkSet {
            keys: Vec<Value>,
        }
        let set: JwkSet = serde_json::from_slice(text).ok()?;
        let keys = set.keys.into_iter().filter_map(Key::read);
        Some(Self(keys.take(limits::KEYS).collect()))
    }

    /// Whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with the id in a token. A token without an id gets the only key for its algorithm, if there is just one.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.is_for(algorithm) && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(first)
    }
}
