//! An OpenID Connect issuer on loopback, with keys that can be exchanged and answers that can go wrong.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The audience of [`Issuer::claims`].
pub const AUDIENCE: &str = "fleet";

/// Where the issuer's keys are.
const KEYS: &str = "/keys";

/// How an issuer answers.
#[derive(Clone, Debug, PartialEq)]
pub enum IssuerBehavior {
    /// As it should.
    Well,
    /// With this status and no body.
    Status(u16),
    /// With a redirection to the same place.
    Redirects,
    /// Never.
    Never,
    /// To both questions with this text.
    Text(String),
    /// With keys that begin with this many bytes of space.
    LargeKeys(usize),
}

/// A key pair, by its id.
#[derive(Debug)]
pub struct SigningKey {
    id: String,
    pair: KeyPair,
}

#[derive(Debug)]
enum KeyPair {
    Curve(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// A key on the curve P-256, for ES256.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn curve(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self {
            id: id.to_owned(),
            pair: KeyPair::Curve(pair.expect("a key pair")),
        }
    }

    /// An RSA key of 2,048 bits, for RS256. Making one takes some tenths of a second.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn rsa(id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair");
        Self {
            id: id.to_owned(),
            pair: KeyPair::Rsa(Box::new(pair)),
        }
    }

    /// The name of its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            KeyPair::Curve(_) => "ES256",
            KeyPair::Rsa(_) => "RS256",
        }
    }

    /// Its public part, as issuers publish it.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.pair {
            KeyPair::Curve(pair) => {
                // 4, x and y.
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256",
                    "x": encoded(&point[1..33]), "y": encoded(&point[33..65])})
            }
            KeyPair::Rsa(_) => {
                json!({"kty": "RSA", "kid": self.id, "use": "sig", "alg": "RS256",
                    "n": encoded(&self.public_bytes()), "e": "AQAB"})
            }
        }
    }

    /// The bytes of the public key: the modulus, or the point.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            KeyPair::Curve(pair) => pair.public_key().as_ref().to_vec(),
            // RSAPublicKey of RFC 8017: after 9 bytes of DER come the 256 of the modulus.
            KeyPair::Rsa(pair) => pair.public_key().as_ref()[9..265].to_vec(),
        }
    }

    /// A token with these claims.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(
            &json!({"alg": self.algorithm(), "typ": "JWT", "kid": self.id}),
            claims,
        )
    }

    /// A token with this header, whatever it says, and a signature of this key.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            KeyPair::Curve(pair) => pair
                .sign(&random, signed.as_bytes())
                .expect("a signature")
                .as_ref()
                .to_vec(),
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    signed.as_bytes(),
                    &mut signature,
                )
                .expect("a signature");
                signature
            }
        };
        format!("{signed}.{}", encoded(&signature))
    }
}

/// The first two parts of a token.
#[must_use]
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encoded(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// Base64url without padding, as in tokens.
#[must_use]
pub fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A running issuer. It ends when it is dropped.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    state: Arc<Mutex<IssuerState>>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct IssuerState {
    url: String,
    keys: Vec<Value>,
    answers: IssuerBehavior,
    asked_for_keys: usize,
}

impl Issuer {
    /// An issuer that publishes these keys.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has one");
        let url = format!("http://{address}/realm");
        let state = Arc::new(Mutex::new(IssuerState {
            url: url.clone(),
            keys: keys.iter().map(|key| key.jwk()).collect(),
            answers: IssuerBehavior::Well,
            asked_for_keys: 0,
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Self { url, state, server }
    }

    /// Its URL, as tokens have it in `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Claims that are good for an hour, for [`AUDIENCE`].
    #[must_use]
    pub fn claims(&self) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        json!({"iss": self.url, "aud": AUDIENCE, "sub": "somebody", "iat": now, "exp": now + 3600})
    }

    /// Publishes these keys, and no others, from now on.
    pub fn publish(&self, keys: &[Value]) {
        self.lock().keys = keys.to_vec();
    }

    /// Answers so from now on.
    pub fn answer(&self, answers: IssuerBehavior) {
        self.lock().answers = answers;
    }

    /// How often it was asked for its keys.
    #[must_use]
    pub fn asked_for_keys(&self) -> usize {
        self.lock().asked_for_keys
    }

    fn lock(&self) -> MutexGuard<'_, IssuerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(state): State<Arc<Mutex<IssuerState>>>, uri: Uri) -> Response {
    let (answers, configuration, keys) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if uri.path() == KEYS {
            state.asked_for_keys += 1;
        }
        let base = state.url.trim_end_matches("/realm");
        let configuration = json!({"issuer": state.url, "jwks_uri": format!("{base}{KEYS}")});
        (
            state.answers.clone(),
            configuration.to_string(),
            json!({"keys": state.keys}).to_string(),
        )
    };
    let well = match uri.path() {
        KEYS => Some(keys),
        "/realm/.well-known/openid-configuration" => Some(configuration),
        _ => None,
    };
    match (answers, well) {
        (_, None) => StatusCode::NOT_FOUND.into_response(),
        (IssuerBehavior::Well, Some(text)) | (IssuerBehavior::Text(text), Some(_)) => {
            text.into_response()
        }
        (IssuerBehavior::Status(status), _) => StatusCode::from_u16(status)
            .unwrap_or_default()
            .into_response(),
        (IssuerBehavior::Redirects, _) => {
            (StatusCode::FOUND, [(LOCATION, uri.to_string())]).into_response()
        }
        (IssuerBehavior::Never, _) => std::future::pending().await,
        (IssuerBehavior::LargeKeys(size), Some(text)) if uri.path() == KEYS => {
            (" ".repeat(size) + &text).into_response()
        }
        (IssuerBehavior::LargeKeys(_), Some(text)) => text.into_response(),
    }
}
