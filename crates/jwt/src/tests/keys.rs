//! When the issuer's keys are fetched, and what happens when they cannot be.

use std::time::Duration;

use fleet_testing::issuer::{AUDIENCE, IssuerBehavior, SigningKey};
use serde_json::json;

use super::{IssuerSetup, TestClock, outcome, refused, verifier_of};
use crate::{TokenRefusal, VerifyError, limits};

#[tokio::test]
async fn an_unknown_key_is_asked_for_once() {
    let setup = IssuerSetup::new().await;
    let token = setup.token(&json!({}));
    assert!(setup.outcome(&token).await.is_ok());
    let stranger = SigningKey::curve("unknown").token(&setup.issuer.claims());
    // The keys have just been fetched.
    assert_eq!(
        setup.outcome(&stranger).await,
        refused(TokenRefusal::UnknownKey)
    );
    assert_eq!(setup.issuer.asked_for_keys(), 1);
    for fetches in 2..4 {
        setup.clock.advance(limits::FETCH_INTERVAL);
        for _ in 0..5 {
            assert_eq!(
                setup.outcome(&stranger).await,
                refused(TokenRefusal::UnknownKey)
            );
        }
        assert_eq!(setup.issuer.asked_for_keys(), fetches);
    }
    assert!(setup.outcome(&token).await.is_ok());
}

#[tokio::test]
async fn requests_at_once_ask_once() {
    let setup = IssuerSetup::new().await;
    let token = setup.token(&json!({}));
    let (one, two, three) = tokio::join!(
        setup.outcome(&token),
        setup.outcome(&token),
        setup.outcome(&token)
    );
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(setup.issuer.asked_for_keys(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_found_and_a_withdrawn_one_ends() {
    let setup = IssuerSetup::new().await;
    let old = setup.token(&json!({}));
    assert!(setup.outcome(&old).await.is_ok());
    let next = SigningKey::curve("key-2");
    setup.issuer.publish(&[setup.key.jwk(), next.jwk()]);
    let new = next.token(&setup.issuer.claims());
    setup.clock.advance(limits::FETCH_INTERVAL);
    assert!(setup.outcome(&new).await.is_ok());
    assert!(setup.outcome(&old).await.is_ok());
    // The old one is withdrawn. The next fetch notices this, even without an unknown key in between.
    setup.issuer.publish(&[next.jwk()]);
    assert!(setup.outcome(&old).await.is_ok());
    setup.clock.advance(limits::REFRESH_AFTER);
    assert_eq!(setup.outcome(&old).await, refused(TokenRefusal::UnknownKey));
    assert!(setup.outcome(&new).await.is_ok());
}

#[tokio::test]
async fn a_token_without_a_key_id_has_the_only_key_that_fits() {
    let setup = IssuerSetup::new().await;
    let header = json!({"alg": "ES256"});
    let token = setup.key.token_with(&header, &setup.issuer.claims());
    assert!(setup.outcome(&token).await.is_ok());
    let other = SigningKey::curve("key-2");
    setup.issuer.publish(&[setup.key.jwk(), other.jwk()]);
    setup.clock.advance(limits::REFRESH_AFTER);
    assert_eq!(
        setup.outcome(&token).await,
        refused(TokenRefusal::UnknownKey)
    );
}

#[tokio::test]
async fn an_issuer_that_is_down_lets_nobody_in() {
    let setup = IssuerSetup::new().await;
    setup.issuer.answer(IssuerBehavior::Status(500));
    let token = setup.token(&json!({}));
    let stranger = SigningKey::curve("unknown").token(&setup.issuer.claims());
    for token in [&token, &stranger, &token] {
        let verified = setup
            .verifier
            .verify(Some(&format!("Bearer {token}")))
            .await;
        assert!(
            matches!(verified, Err(VerifyError::Keys(_))),
            "{verified:?}"
        );
    }
    // The keys are fetched again a little later.
    setup.issuer.answer(IssuerBehavior::Well);
    setup.clock.advance(limits::RETRY_INTERVAL);
    assert!(setup.outcome(&token).await.is_ok());
}

#[tokio::test]
async fn kept_keys_outlast_an_issuer_for_an_hour() {
    let setup = IssuerSetup::new().await;
    let in_three_hours = setup.issuer.claims()["exp"].as_u64().unwrap() + 7200;
    let token = setup.token(&json!({"exp": in_three_hours}));
    assert!(setup.outcome(&token).await.is_ok());
    setup.issuer.answer(IssuerBehavior::Status(503));
    setup.clock.advance(limits::REFRESH_AFTER);
    assert!(setup.outcome(&token).await.is_ok());
    // It is unknown whether the issuer has a key that is not cached.
    let stranger = SigningKey::curve("unknown").token(&setup.issuer.claims());
    let reason = setup.outcome(&stranger).await.unwrap_err();
    assert_eq!(
        reason,
        "the issuer's configuration cannot be fetched: its status is 503"
    );
    setup
        .clock
        .advance(limits::KEYS_AGE - limits::REFRESH_AFTER - Duration::from_secs(5));
    assert!(setup.outcome(&token).await.is_ok());
    setup.clock.advance(Duration::from_secs(5));
    let reason = setup.outcome(&token).await.unwrap_err();
    assert_eq!(
        reason,
        "the issuer's configuration cannot be fetched: its status is 503"
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_lets_nobody_in() {
    let configuration = |issuer: &str, keys: &str| {
        IssuerBehavior::Text(json!({"issuer": issuer, "jwks_uri": keys}).to_string())
    };
    let own = IssuerSetup::new().await;
    let url = own.issuer.url().to_owned();
    for (answers, reason) in [
        (
            IssuerBehavior::Status(404),
            "configuration cannot be fetched: its status is 404",
        ),
        (
            IssuerBehavior::Redirects,
            "configuration cannot be fetched: its status is 302",
        ),
        (
            IssuerBehavior::Text("<html>".to_owned()),
            "configuration cannot be used: it is not JSON with issuer and jwks_uri",
        ),
        (
            configuration("https://other.example", &format!("{url}/keys")),
            "configuration cannot be used: its issuer is not exactly JWT_ISSUER",
        ),
        (
            configuration(&url, "http://issuer.example/keys"),
            "configuration cannot be used: its jwks_uri is not an https URL",
        ),
        (
            configuration(&url, "file:///etc/passwd"),
            "configuration cannot be used: its jwks_uri is not an https URL",
        ),
        (
            IssuerBehavior::LargeKeys(limits::ANSWER_BYTES),
            "keys cannot be used: it is larger than 256 KiB",
        ),
    ] {
        own.issuer.answer(answers.clone());
        own.clock.advance(limits::RETRY_INTERVAL);
        let found = own.outcome(&own.token(&json!({}))).await.unwrap_err();
        assert_eq!(found, format!("the issuer's {reason}"), "{answers:?}");
    }
    own.issuer.answer(IssuerBehavior::Well);
    own.issuer.publish(&[json!({"kty": "oct", "k": "AAAA"})]);
    own.clock.advance(limits::RETRY_INTERVAL);
    let found = own.outcome(&own.token(&json!({}))).await.unwrap_err();
    assert_eq!(
        found,
        "the issuer's keys cannot be used: none is for RSA or ECDSA signatures"
    );
}

/// The clock is the runtime's and advances by itself while nothing else happens.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_never_answers_is_not_waited_for() {
    let setup = IssuerSetup::new().await;
    setup.issuer.answer(IssuerBehavior::Never);
    let begun = tokio::time::Instant::now();
    let verified = setup.verifier.prefetch().await;
    assert!(verified.is_err());
    assert!(begun.elapsed() <= limits::FETCH_TIME + Duration::from_secs(1));
}

#[tokio::test]
async fn nobody_answering_is_a_reason_without_the_token() {
    let setup = IssuerSetup::new().await;
    // Nothing listens on port 9.
    let verifier = verifier_of("http://127.0.0.1:9", AUDIENCE, &TestClock::default());
    let token = setup.token(&json!({}));
    let reason = outcome(&verifier, &token).await.unwrap_err();
    assert!(
        reason.starts_with("the issuer's configuration cannot be fetched: "),
        "{reason}"
    );
    assert!(!reason.contains(&token[..20]), "{reason}");
}
