//! Tokens of an issuer on loopback, and its responses, good and bad.

mod algorithms;
mod keys;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use fleet_testing::issuer::{AUDIENCE, Issuer, SigningKey, encoded, unsigned};
use serde_json::{Value, json};

use crate::{IssuerSettings, TokenRefusal, TokenVerifier, VerifyError, limits};

/// A clock that a test can move forward.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

fn verifier_of(issuer: &str, audiences: &str, clock: &TestClock) -> TokenVerifier {
    let settings = IssuerSettings {
        issuer: issuer.parse().unwrap(),
        audiences: audiences.parse().unwrap(),
    };
    let ahead = Arc::clone(&clock.0);
    let now = move || SystemTime::now() + Duration::from_secs(ahead.load(Ordering::Relaxed));
    TokenVerifier::with_clock(settings, Arc::new(now)).unwrap()
}

/// An issuer with one key, and a verifier of its tokens.
struct IssuerSetup {
    key: SigningKey,
    issuer: Issuer,
    clock: TestClock,
    verifier: TokenVerifier,
}

impl IssuerSetup {
    async fn new() -> Self {
        let key = SigningKey::curve("key-1");
        let issuer = Issuer::start(&[&key]).await;
        let clock = TestClock::default();
        let verifier = verifier_of(issuer.url(), AUDIENCE, &clock);
        Self {
            key,
            issuer,
            clock,
            verifier,
        }
    }

    /// A token with valid claims, except for these changes; `null` removes a claim.
    fn token(&self, changes: &Value) -> String {
        let mut claims = self.issuer.claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        self.key.token(&claims)
    }

    async fn outcome(&self, token: &str) -> Result<Option<String>, String> {
        outcome(&self.verifier, token).await
    }
}

/// The owner of a token, or why it is rejected.
async fn outcome(verifier: &TokenVerifier, token: &str) -> Result<Option<String>, String> {
    let principal = verifier.verify(Some(&format!("Bearer {token}"))).await;
    principal
        .map(|principal| principal.name().map(str::to_owned))
        .map_err(|error| error.to_string())
}

fn refused<T>(refusal: TokenRefusal) -> Result<T, String> {
    Err(refusal.to_string())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn a_token_of_the_issuer_for_the_audience_is_accepted() {
    let setup = IssuerSetup::new().await;
    let somebody = Ok(Some("somebody".to_owned()));
    let token = setup.token(&json!({}));
    assert_eq!(setup.outcome(&token).await, somebody);
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let header = format!("{scheme} {token}");
        let verified = setup.verifier.verify(Some(&header)).await;
        assert_eq!(verified.unwrap().name(), Some("somebody"), "{scheme}");
    }
    for claims in [
        json!({"aud": ["other", AUDIENCE]}),
        json!({"exp": now() as f64 + 60.5}),
        json!({"nbf": now() - 10, "iat": null}),
    ] {
        assert_eq!(
            setup.outcome(&setup.token(&claims)).await,
            somebody,
            "{claims}"
        );
    }
    let nobody = setup.token(&json!({"sub": null}));
    assert_eq!(setup.outcome(&nobody).await, Ok(None));
    assert_eq!(setup.issuer.asked_for_keys(), 1);
}

#[tokio::test]
async fn a_claim_that_breaks_a_rule_is_refused() {
    let setup = IssuerSetup::new().await;
    for (claims, refusal) in [
        (
            json!({"iss": "https://other.example"}),
            TokenRefusal::Issuer,
        ),
        (
            json!({"iss": format!("{}/", setup.issuer.url())}),
            TokenRefusal::Issuer,
        ),
        (json!({"iss": null}), TokenRefusal::NoClaim("iss")),
        (json!({"aud": "other"}), TokenRefusal::Audience),
        (json!({"aud": ["other", "another"]}), TokenRefusal::Audience),
        (json!({"aud": []}), TokenRefusal::Audience),
        (json!({"aud": null}), TokenRefusal::NoClaim("aud")),
        (
            json!({"aud": null, "azp": AUDIENCE}),
            TokenRefusal::NoClaim("aud"),
        ),
        (json!({"exp": null}), TokenRefusal::NoClaim("exp")),
        (json!({"exp": "tomorrow"}), TokenRefusal::Malformed),
        (json!({"nbf": "yesterday"}), TokenRefusal::Malformed),
        (json!({"aud": {"a": 1}}), TokenRefusal::Malformed),
        (
            json!({"iss": [setup.issuer.url()]}),
            TokenRefusal::Malformed,
        ),
    ] {
        let outcome = setup.outcome(&setup.token(&claims)).await;
        assert_eq!(outcome, refused(refusal), "{claims}");
    }
}

#[tokio::test]
async fn an_expired_or_early_token_is_refused_beyond_the_clocks_difference() {
    let setup = IssuerSetup::new().await;
    let skew = limits::CLOCK_SKEW.as_secs();
    // A few seconds of slack for a slow machine.
    for (claims, refusal) in [
        (
            json!({"exp": now() - skew - 1}),
            Some(TokenRefusal::Expired),
        ),
        (json!({"exp": 0}), Some(TokenRefusal::Expired)),
        (json!({"exp": -1}), Some(TokenRefusal::Expired)),
        (json!({"exp": now() - skew + 30}), None),
        (
            json!({"nbf": now() + skew + 30}),
            Some(TokenRefusal::NotYet),
        ),
        (json!({"nbf": now() + skew}), None),
    ] {
        let outcome = setup.outcome(&setup.token(&claims)).await;
        let expected = refusal.map_or_else(|| Ok(Some("somebody".to_owned())), refused);
        assert_eq!(outcome, expected, "{claims}");
    }
    // The same token, later.
    let token = setup.token(&json!({}));
    assert!(setup.outcome(&token).await.is_ok());
    setup.clock.advance(Duration::from_secs(3600 + skew));
    assert_eq!(setup.outcome(&token).await, refused(TokenRefusal::Expired));
}

#[tokio::test]
async fn cognitos_access_tokens_have_the_audience_in_client_id() {
    let setup = IssuerSetup::new().await;
    let access = json!({"aud": null, "client_id": AUDIENCE, "token_use": "access"});
    assert!(setup.outcome(&setup.token(&access)).await.is_ok());
    let id = json!({"token_use": "id"});
    assert!(setup.outcome(&setup.token(&id)).await.is_ok());
    for (claims, refusal) in [
        (
            json!({"aud": null, "client_id": "other", "token_use": "access"}),
            TokenRefusal::Audience,
        ),
        (
            json!({"aud": null, "client_id": AUDIENCE}),
            TokenRefusal::NoClaim("aud"),
        ),
        (
            json!({"aud": null, "client_id": AUDIENCE, "token_use": "id"}),
            TokenRefusal::NoClaim("aud"),
        ),
        // RFC 9068: both are present, and the audience decides.
        (
            json!({"aud": "other", "client_id": AUDIENCE, "token_use": "access"}),
            TokenRefusal::Audience,
        ),
        (json!({"token_use": "refresh"}), TokenRefusal::Use),
    ] {
        let outcome = setup.outcome(&setup.token(&claims)).await;
        assert_eq!(outcome, refused(refusal), "{claims}");
    }
    let machine = json!({"aud": null, "sub": null, "client_id": AUDIENCE, "token_use": "access"});
    let outcome = setup.outcome(&setup.token(&machine)).await;
    assert_eq!(outcome, Ok(Some(AUDIENCE.to_owned())));
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let setup = IssuerSetup::new().await;
    let verifier = verifier_of(setup.issuer.url(), "first,second", &setup.clock);
    let second = setup.token(&json!({"aud": "second"}));
    assert!(outcome(&verifier, &second).await.is_ok());
    let both = setup.token(&json!({"aud": "first,second"}));
    assert_eq!(
        outcome(&verifier, &both).await,
        refused(TokenRefusal::Audience)
    );
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused_without_asking_the_issuer() {
    let setup = IssuerSetup::new().await;
    let token = setup.token(&json!({}));
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = head.split_once('.').unwrap();
    let long = format!("Bearer {}", "a".repeat(limits::AUTHORIZATION_BYTES - 6));
    let most = format!("Bearer {}", "a".repeat(limits::AUTHORIZATION_BYTES - 7));
    for (value, refusal) in [
        (None, TokenRefusal::Missing),
        (Some(String::new()), TokenRefusal::Missing),
        (Some(" ".to_owned()), TokenRefusal::Missing),
        (Some("Bearer".to_owned()), TokenRefusal::NotBearer),
        (Some(token.clone()), TokenRefusal::NotBearer),
        (Some(format!("Basic {token}")), TokenRefusal::NotBearer),
        (Some(long), TokenRefusal::TooLong),
        (Some(most), TokenRefusal::Malformed),
        (Some("Bearer a".to_owned()), TokenRefusal::Malformed),
        (Some("Bearer ..".to_owned()), TokenRefusal::Malformed),
        (Some("Bearer a.b.c".to_owned()), TokenRefusal::Malformed),
        (Some(format!("Bearer {head}")), TokenRefusal::Malformed),
        (
            Some(format!("Bearer {token}.{signature}")),
            TokenRefusal::Malformed,
        ),
        (
            Some(format!("Bearer {header}=.{claims}.{signature}")),
            TokenRefusal::Malformed,
        ),
        (
            Some(format!("Bearer {header}.{claims}.{signature}+")),
            TokenRefusal::Malformed,
        ),
        (
            Some(format!("Bearer {token} {token}")),
            TokenRefusal::Malformed,
        ),
        // A JSON array, and a duplicate member.
        (
            Some(format!("Bearer {}.{claims}.{signature}", encoded(b"[]"))),
            TokenRefusal::Malformed,
        ),
        (
            Some(format!(
                "Bearer {}.{claims}.{signature}",
                encoded(br#"{"alg":"none","alg":"ES256","kid":"key-1"}"#)
            )),
            TokenRefusal::Malformed,
        ),
    ] {
        let verified = setup.verifier.verify(value.as_deref()).await;
        let Err(VerifyError::Refused(found)) = verified else {
            panic!("{value:?} is {verified:?}");
        };
        assert_eq!(found, refusal, "{value:?}");
    }
    assert_eq!(setup.issuer.asked_for_keys(), 0);
}

#[tokio::test]
async fn a_token_that_was_changed_or_signed_by_another_is_refused() {
    let setup = IssuerSetup::new().await;
    let token = setup.token(&json!({}));
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let richer = unsigned(&json!({}), &json!({"sub": "root"}));
    let (_, claims) = richer.split_once('.').unwrap();
    let stranger = SigningKey::curve("key-1").token(&setup.issuer.claims());
    for token in [
        format!("{header}.{claims}.{signature}"),
        format!("{head}."),
        format!("{head}.{}", encoded(&[0; 64])),
        format!("{head}.{}", encoded(&[1; 300])),
        stranger,
    ] {
        assert_eq!(
            setup.outcome(&token).await,
            refused(TokenRefusal::Signature),
            "{token}"
        );
    }
}

#[tokio::test]
async fn nothing_of_a_token_is_in_the_reason() {
    let setup = IssuerSetup::new().await;
    let secret = "s3cr3t-claim";
    for claims in [
        json!({"iss": secret}),
        json!({"aud": secret}),
        json!({"token_use": secret}),
    ] {
        let reason = setup.outcome(&setup.token(&claims)).await.unwrap_err();
        assert!(!reason.contains(secret), "{reason}");
    }
}
