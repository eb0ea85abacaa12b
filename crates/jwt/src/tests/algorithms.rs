//! Which keys and algorithms verify a signature, and which must not.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use fleet_testing::issuer::{AUDIENCE, Issuer, SigningKey, encoded, unsigned};
use serde_json::{Value, json};

use super::{IssuerSetup, TestClock, outcome, refused, verifier_of};
use crate::{TokenRefusal, key::KeySet, token::Token};

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let setup = IssuerSetup::new().await;
    for name in ["none", "None", "NONE", "", "ES512", "EdDSA", "HS512"] {
        let header = json!({"alg": name, "kid": "key-1"});
        let token = format!("{}.", unsigned(&header, &setup.issuer.claims()));
        assert_eq!(
            setup.outcome(&token).await,
            refused(TokenRefusal::Algorithm),
            "{name}"
        );
    }
    let header = json!({"kid": "key-1"});
    let token = setup.key.token_with(&header, &setup.issuer.claims());
    assert_eq!(
        setup.outcome(&token).await,
        refused(TokenRefusal::Malformed)
    );
}

#[tokio::test]
async fn an_hmac_with_the_public_key_is_refused() {
    let key = SigningKey::rsa("key-1");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = verifier_of(issuer.url(), AUDIENCE, &TestClock::default());
    let signed = unsigned(&json!({"alg": "HS256", "kid": "key-1"}), &issuer.claims());
    for secret in [
        key.public_bytes(),
        key.jwk()["n"].as_str().unwrap().as_bytes().to_vec(),
    ] {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let tag = hmac::sign(&secret, signed.as_bytes());
        let token = format!("{signed}.{}", encoded(tag.as_ref()));
        assert_eq!(
            outcome(&verifier, &token).await,
            refused(TokenRefusal::Algorithm)
        );
    }
    // The key itself is valid.
    assert!(
        outcome(&verifier, &key.token(&issuer.claims()))
            .await
            .is_ok()
    );
    // It declares that it is only for RS256.
    let header = json!({"alg": "PS256", "kid": "key-1"});
    let token = key.token_with(&header, &issuer.claims());
    assert_eq!(
        outcome(&verifier, &token).await,
        refused(TokenRefusal::UnknownKey)
    );
}

#[tokio::test]
async fn an_algorithm_of_another_kind_than_the_keys_finds_no_key() {
    let setup = IssuerSetup::new().await;
    for name in ["RS256", "PS512", "ES384"] {
        let header = json!({"alg": name, "kid": "key-1"});
        let token = setup.key.token_with(&header, &setup.issuer.claims());
        assert_eq!(
            setup.outcome(&token).await,
            refused(TokenRefusal::UnknownKey),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_refused() {
    let setup = IssuerSetup::new().await;
    let header = json!({"alg": "ES256", "kid": "key-1", "crit": ["b64"], "b64": false});
    let token = setup.key.token_with(&header, &setup.issuer.claims());
    assert_eq!(setup.outcome(&token).await, refused(TokenRefusal::Critical));
}

/// Whether the only key that fits a header verifies the token, as in the verifier.
fn verifies(jwk: &Value, token: &str) -> bool {
    let header = format!("Bearer {token}");
    let token = Token::of_authorization(Some(&header)).unwrap();
    let set = KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    set.find(None, token.algorithm)
        .is_some_and(|key| key.verifies(token.algorithm, token.signed, token.signature))
}

#[test]
fn the_examples_of_rfc_7515_verify() {
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    // Appendices A.2 and A.3.
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
    let rs256 = format!(
        "eyJhbGciOiJSUzI1NiJ9.{claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let curve = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let es256 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    for (jwk, token) in [(&rsa, &rs256), (&curve, &es256)] {
        assert!(verifies(jwk, token), "{token}");
        assert!(
            !verifies(jwk, &token.replace("eyJpc3Mi", "eyJpc3Mj")),
            "{token}"
        );
    }
    assert!(!verifies(&rsa, &es256) && !verifies(&curve, &rs256));
}

#[test]
fn every_algorithm_verifies_its_own_signature_and_no_other() {
    let random = SystemRandom::new();
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = json!({"kty": "RSA", "n": encoded(&pair.public_key().as_ref()[9..265]), "e": "AQAB"});
    let mut tokens = Vec::new();
    let encodings: [(&str, &'static dyn RsaEncoding); 5] = [
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
        ("PS512", &RSA_PSS_SHA512),
    ];
    for (name, encoding) in encodings {
        let signed = unsigned(&json!({ "alg": name }), &json!({}));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, signed.as_bytes(), &mut signature)
            .unwrap();
        tokens.push((name, rsa.clone(), signed, signature));
    }
    {
        let (name, curve, algorithm) = ("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(point.len() / 2);
        let jwk = json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)});
        let signed = unsigned(&json!({ "alg": name }), &json!({}));
        let signature = pair.sign(&random, signed.as_bytes()).unwrap();
        tokens.push((name, jwk, signed, signature.as_ref().to_vec()));
    }
    for (name, jwk, signed, signature) in &tokens {
        assert!(
            verifies(jwk, &format!("{signed}.{}", encoded(signature))),
            "{name}"
        );
        for (other, _, _, foreign) in &tokens {
            let is_own = foreign == signature;
            let token = format!("{signed}.{}", encoded(foreign));
            assert_eq!(verifies(jwk, &token), is_own, "{other}'s as {name}");
        }
    }
}

#[test]
fn only_keys_for_signatures_are_kept() {
    let good = SigningKey::curve("good").jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let is_kept = |jwk: &Value| {
        !KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes())
            .unwrap()
            .is_empty()
    };
    for jwk in [
        good.clone(),
        with("use", Value::Null),
        with("alg", Value::Null),
        with("key_ops", json!(["verify"])),
        with("x5c", json!(["certificate"])),
    ] {
        assert!(is_kept(&jwk), "{jwk}");
    }
    for jwk in [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ECDH-ES")),
        with("alg", json!("HS256")),
        with("kty", json!("oct")),
        with("kty", json!("OKP")),
        with("crv", json!("secp256k1")),
        with("crv", json!("P-521")),
        with("crv", json!("P-384")),
        with("x", json!("AAAA")),
        with("y", Value::Null),
        with("kid", json!(1)),
        json!("no object"),
    ] {
        assert!(!is_kept(&jwk), "{jwk}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
        assert!(KeySet::parse(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn an_rsa_key_of_fewer_than_2048_bits_verifies_nothing() {
    // A modulus of 1,024 bits is too short, whatever the signature.
    let short = json!({"kty": "RSA", "n": encoded(&[0xff; 128]), "e": "AQAB"});
    let token = format!(
        "{}.{}",
        unsigned(&json!({"alg": "RS256"}), &json!({})),
        encoded(&[1; 128])
    );
    assert!(!verifies(&short, &token));
}
