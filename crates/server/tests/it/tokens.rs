//! `--access template` with an issuer of tokens: what the inventory then requires.

use fleet_server::AccessMode;
use fleet_testing::issuer::{AUDIENCE, Issuer, IssuerBehavior, SigningKey};
use serde_json::{Value, json};

use crate::{
    binary::{command, refusal},
    client::{self, ServerAnswer},
    support::TestServer,
};

struct WithIssuer {
    key: SigningKey,
    issuer: Issuer,
    server: TestServer,
}

impl WithIssuer {
    async fn start() -> Self {
        let key = SigningKey::curve("key-1");
        let issuer = Issuer::start(&[&key]).await;
        let url = issuer.url().parse().unwrap();
        let server = TestServer::start_with(|options| {
            options.access.mode = Some(AccessMode::Template);
            options.access.jwt_issuer = Some(url);
            options.access.jwt_audience = Some(AUDIENCE.parse().unwrap());
        })
        .await;
        Self {
            key,
            issuer,
            server,
        }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> ServerAnswer {
        client::send_with(self.server.address(), method, path, headers, String::new()).await
    }

    async fn with_token(&self, token: &str) -> ServerAnswer {
        let bearer = format!("Bearer {token}");
        self.send("GET", "/ec2", &[("authorization", &bearer)])
            .await
    }
}

fn is_refused(answer: &ServerAnswer) {
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert_eq!(answer.header("x-amzn-errortype"), "UnauthorizedException");
    let sentence =
        "This route requires a token. Send a valid one in the header authorization: Bearer TOKEN.";
    assert_eq!(
        answer.body,
        json!({"code": "Unauthorized", "message": sentence, "error_message": sentence,
            "request_id": answer.header("x-amzn-requestid")})
    );
}

#[tokio::test]
async fn the_inventory_asks_for_a_token_and_no_key() {
    let set = WithIssuer::start().await;
    let good = set.key.token(&set.issuer.claims());
    let answer = set.with_token(&good).await;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({"records": []}))
    );
    for (method, path) in [
        ("GET", "/ec2"),
        ("GET", "/ec2/i-1"),
        ("POST", "/ec2/i-1"),
        ("DELETE", "/ec2/i-1"),
    ] {
        is_refused(&set.send(method, path, &[]).await);
        let key = [("x-api-key", "a-key-of-twenty-characters")];
        is_refused(&set.send(method, path, &key).await);
    }
    let bearer = format!("Bearer {good}");
    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    is_refused(&set.send("GET", "/ec2", &twice).await);
    let mut claims = set.issuer.claims();
    claims["aud"] = json!("other");
    is_refused(&set.with_token(&set.key.token(&claims)).await);
    is_refused(
        &set.with_token(&SigningKey::curve("key-1").token(&set.issuer.claims()))
            .await,
    );
    // The other routes require what they always do.
    assert_eq!(set.send("GET", "/api/books", &[]).await.status, 200);
    let dimension = "/v1/scalableTargetDimensions/1";
    let answer = set
        .send("GET", dimension, &[("authorization", &bearer)])
        .await;
    assert_eq!(answer.status, 403, "{}", answer.text);
}

#[tokio::test]
async fn nobody_gets_in_while_the_issuer_is_down() {
    let set = WithIssuer::start().await;
    set.issuer.answer(IssuerBehavior::Status(500));
    let answer = set.with_token(&set.key.token(&set.issuer.claims())).await;
    assert_eq!(
        (
            answer.status,
            answer.header("retry-after"),
            &answer.body["code"]
        ),
        (503, "1", &json!("Unavailable"))
    );
}

#[tokio::test]
async fn the_document_says_that_tokens_are_asked_for() {
    let set = WithIssuer::start().await;
    let document = set.send("GET", "/v1/openapi.json", &[]).await.body;
    let schemes: Vec<_> = document["components"]["securitySchemes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(schemes, ["AwsSignature", "BearerToken"]);
    let asked = |path: &str| document["paths"][path]["get"]["security"].clone();
    assert_eq!(asked("/ec2"), json!([{"BearerToken": []}]));
    assert_eq!(asked("/api/books"), Value::Null);
}

#[tokio::test]
async fn an_issuer_that_nothing_would_ask_is_said_at_the_start() {
    let issuer = ["--jwt-issuer", "https://issuer.example"];
    let audience = ["--jwt-audience", "fleet"];
    let books = ["--access", "template", "--functions", "books"];
    for (arguments, sentence) in [
        (
            [&issuer[..], &audience].concat(),
            "--jwt-issuer needs --access template: otherwise no route requires a token.",
        ),
        (
            [&issuer[..], &audience, &books].concat(),
            "No route of the template requires a token",
        ),
        (
            [&issuer[..], &["--access", "template"]].concat(),
            "--jwt-audience",
        ),
        (
            [&audience[..], &["--access", "template"]].concat(),
            "--jwt-issuer",
        ),
        (
            vec![
                "--jwt-issuer",
                "http://issuer.example",
                "--jwt-audience",
                "fleet",
            ],
            "must be the URL of an OpenID Connect issuer",
        ),
    ] {
        let (code, said) = refusal(&mut command(&arguments)).await;
        assert!(code == Some(1) || code == Some(2), "{code:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
}
