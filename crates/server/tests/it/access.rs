//! `--access template`: API keys, signatures and throttles as `template.yaml` requires them.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use fleet_server::AccessMode;
use serde_json::Value;

use crate::{
    binary::{Binary, command, refusal},
    client::{self, ServerAnswer},
    sigv4::{ID, SECRET, TestSigner},
    support::TestServer,
};

const KEY: &str = "a-key-of-this-test-alone";
const TEMPLATE: &str = include_str!("../../../../template.yaml");
const DIMENSION: &str = "/scalableTargetDimensions/a%20b";

/// A server with access rules, with a folder for its key file and its template.
struct GuardedServer {
    server: TestServer,
    folder: tempfile::TempDir,
}

impl GuardedServer {
    async fn start() -> Self {
        Self::start_with(TEMPLATE, None).await
    }

    async fn start_with(template: &str, token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keys, template_file) = (
            folder.path().join("keys"),
            folder.path().join("template.yaml"),
        );
        fs::write(&keys, format!("# of a test\n{KEY}\n")).unwrap();
        fs::write(&template_file, template).unwrap();
        let credentials = Credentials::new(ID, SECRET, token.map(str::to_owned), None, "test");
        let server = TestServer::start_with(|options| {
            options.template = Some(template_file);
            options.access.mode = Some(AccessMode::Template);
            options.access.api_key_file = Some(keys);
            options.access.credentials = Some(credentials);
        })
        .await;
        Self { server, folder }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> ServerAnswer {
        let body = body.to_owned();
        client::send_with(self.server.address(), method, path, headers, body).await
    }

    async fn with_key(&self, method: &str, path: &str, key: &str) -> ServerAnswer {
        self.send(method, path, &[("x-api-key", key)], "").await
    }

    /// Sends a request signed by `signer`, whose headers `change` alters afterwards.
    async fn signed_by(
        &self,
        signer: TestSigner<'_>,
        (method, path, query, body): (&str, &str, &str, &str),
        sent_body: &str,
    ) -> ServerAnswer {
        let host = self.server.address().to_string();
        let headers = signer.sign(&host, method, path, query, body);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let target = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        self.send(method, &target, &headers, sent_body).await
    }
}

/// Checks that an error response is the template's gateway response of this type.
fn is_refused(answer: &ServerAnswer, kind: &str, error_type: &str) {
    let response = gateway_response(kind);
    assert_eq!(answer.status, response.0, "{}", answer.text);
    assert_eq!(answer.header("x-amzn-errortype"), error_type);
    assert_eq!(answer.header("retry-after"), response.1, "{kind}");
    let expected = response
        .2
        .replace("$context.requestId", answer.header("x-amzn-requestid"));
    assert_eq!(
        answer.body,
        serde_json::from_str::<Value>(&expected).unwrap(),
        "{kind}"
    );
}

/// Status, `Retry-After` and body of a gateway response, read line by line from the template's text.
fn gateway_response(kind: &str) -> (u16, String, String) {
    let (_, rest) = TEMPLATE
        .split_once(&format!("\n        {kind}:\n"))
        .unwrap();
    let lines = rest
        .lines()
        .take_while(|line| line.starts_with("          "));
    let value = |key: &str| {
        let line = lines.clone().find(|line| line.trim().starts_with(key))?;
        let value = line.trim().strip_prefix(key)?.trim();
        Some(value.trim_matches(['\'', '"']).to_owned())
    };
    (
        value("StatusCode:").unwrap().parse().unwrap(),
        value("Retry-After:").unwrap_or_default(),
        value("application/json:").unwrap(),
    )
}

#[tokio::test]
async fn a_route_with_an_api_key_asks_for_it() {
    let asking = GuardedServer::start().await;
    let shown = asking.with_key("GET", "/ec2/i-1", KEY).await;
    assert_eq!(
        (shown.status, &shown.body["record_found"]),
        (200, &false.into())
    );
    for key in ["", "another-key-of-this-test", &KEY[1..]] {
        is_refused(
            &asking.with_key("GET", "/ec2/i-1", key).await,
            "INVALID_API_KEY",
            "ForbiddenException",
        );
    }
    for (method, path) in [
        ("GET", "/ec2"),
        ("GET", "/ec2/i-1"),
        ("DELETE", "/ec2/i-1"),
        ("POST", "/ec2/i-1"),
    ] {
        is_refused(
            &asking.send(method, path, &[], "").await,
            "INVALID_API_KEY",
            "ForbiddenException",
        );
    }
}

#[tokio::test]
async fn routes_that_the_template_leaves_open_are_open() {
    let asking = GuardedServer::start().await;
    for path in ["/v1", "/v1/health", "/api/books", "/api/authors/1"] {
        assert_eq!(
            asking.send("GET", path, &[], "").await.status,
            200,
            "{path}"
        );
    }
    // The page would show what the keys protect.
    for path in ["/_ui/instances", "/_ui/dimensions", "/docs"] {
        let answer = asking
            .send("GET", path, &[("accept", "text/html")], "")
            .await;
        assert_eq!(
            answer.text, r#"{"message":"Missing Authentication Token"}"#,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_changed_key_file_counts_at_the_next_request() {
    let asking = GuardedServer::start().await;
    assert_eq!(asking.with_key("GET", "/ec2", KEY).await.status, 200);
    fs::write(asking.keys(), "another-key-of-this-test\n").unwrap();
    assert_eq!(asking.with_key("GET", "/ec2", KEY).await.status, 403);
    let another = asking
        .with_key("GET", "/ec2", "another-key-of-this-test")
        .await;
    assert_eq!(another.status, 200);
}

#[tokio::test]
async fn a_signed_request_is_answered_with_its_body_query_and_encoded_path() {
    let asking = GuardedServer::start().await;
    let body = r#"{"desiredCapacity":3.0}"#;
    let patched = asking
        .signed_by(TestSigner::default(), ("PATCH", DIMENSION, "", body), body)
        .await;
    assert_eq!(
        (patched.status, &patched.body["scalableTargetDimensionId"]),
        (200, &"a b".into()),
        "{}",
        patched.text
    );
    let queried = asking
        .signed_by(
            TestSigner::default(),
            ("GET", &format!("/v1{DIMENSION}"), "a=%2F%20&b=2", ""),
            "",
        )
        .await;
    assert_eq!(queried.status, 200, "{}", queried.text);
}

#[tokio::test]
async fn a_signature_that_is_not_the_requests_is_refused() {
    let asking = GuardedServer::start().await;
    let body = r#"{"desiredCapacity":3.0}"#;
    let wrong = |answer: ServerAnswer| {
        is_refused(&answer, "INVALID_SIGNATURE", "InvalidSignatureException")
    };
    let patch = ("PATCH", DIMENSION, "", body);
    let get = ("GET", DIMENSION, "", "");
    let changed = r#"{"desiredCapacity":9.0}"#;
    wrong(
        asking
            .signed_by(TestSigner::default(), patch, changed)
            .await,
    );
    let secret = TestSigner {
        secret: "another",
        ..TestSigner::default()
    };
    wrong(asking.signed_by(secret, get, "").await);
    let region = TestSigner {
        region: "eu-central-1",
        ..TestSigner::default()
    };
    wrong(asking.signed_by(region, get, "").await);
    let service = TestSigner {
        service: "s3",
        ..TestSigner::default()
    };
    wrong(asking.signed_by(service, get, "").await);
    let hour = Duration::from_secs(3600);
    for at in [SystemTime::now() - hour, SystemTime::now() + hour] {
        let signer = TestSigner {
            at,
            ..TestSigner::default()
        };
        wrong(asking.signed_by(signer, get, "").await);
    }
    wrong(
        asking
            .send("GET", DIMENSION, &[("authorization", "Bearer x")], "")
            .await,
    );
    // None of it was carried out.
    let state = asking.signed_by(TestSigner::default(), get, "").await;
    assert_eq!(state.body["desiredCapacity"], 1.0, "{}", state.text);
}

#[tokio::test]
async fn a_caller_that_is_not_known_is_refused() {
    let asking = GuardedServer::start_with(TEMPLATE, Some("session-token")).await;
    let get = ("GET", DIMENSION, "", "");
    let signer = |id, token| TestSigner {
        id,
        token,
        ..TestSigner::default()
    };
    let right = asking
        .signed_by(signer(ID, Some("session-token")), get, "")
        .await;
    assert_eq!(right.status, 200, "{}", right.text);
    for (id, token) in [
        ("AKIDANOTHER", Some("session-token")),
        (ID, Some("another")),
        (ID, None),
    ] {
        let answer = asking.signed_by(signer(id, token), get, "").await;
        is_refused(&answer, "ACCESS_DENIED", "AccessDeniedException");
    }
}

#[tokio::test]
async fn a_signed_route_without_a_signature_answers_in_api_gateways_words() {
    let asking = GuardedServer::start().await;
    for (method, path) in [
        ("GET", DIMENSION),
        ("PATCH", DIMENSION),
        ("GET", "/v1/scalableTargetDimensions/x"),
    ] {
        let answer = asking.send(method, path, &[("x-api-key", KEY)], "{}").await;
        assert_eq!(
            (
                answer.status,
                answer.text.as_str(),
                answer.header("x-amzn-errortype")
            ),
            (
                403,
                r#"{"message":"Missing Authentication Token"}"#,
                "MissingAuthenticationTokenException"
            )
        );
    }
}

/// The template with one limit changed, which must occur in it.
fn changed(from: &str, to: &str) -> String {
    assert!(TEMPLATE.contains(from), "{from}");
    TEMPLATE.replacen(from, to, 1)
}

/// A template with one function, a route with a key, an open route, and these properties of the API.
fn small(properties: &str) -> String {
    let (_, responses) = TEMPLATE.split_once("      GatewayResponses:\n").unwrap();
    let responses: String = responses
        .lines()
        .take_while(|line| line.starts_with("        "))
        .map(|line| format!("{line}\n"))
        .collect();
    format!(
        "Resources:\n  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n{properties}\n      GatewayResponses:\n{responses}\n  \
         Books:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: books}}}}\n    Properties:\n      \
         Events:\n        Open: {{Type: Api, Properties: {{Method: GET, Path: /api/books}}}}\n        \
         Other: {{Type: Api, Properties: {{Method: GET, Path: /api/books/health}}}}\n        \
         Key: {{Type: Api, Properties: {{Method: GET, Path: '/api/books/{{id}}', Auth: {{ApiKeyRequired: true}}}}}}\n"
    )
}

#[tokio::test]
async fn a_route_has_the_throttle_of_its_stage() {
    let settings = "      MethodSettings: [{HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2}]";
    let asking = GuardedServer::start_with(&small(settings), None).await;
    for _ in 0..2 {
        assert_eq!(asking.send("GET", "/api/books", &[], "").await.status, 200);
    }
    is_refused(
        &asking.send("GET", "/api/books", &[], "").await,
        "THROTTLED",
        "TooManyRequestsException",
    );
    // Each route counts separately.
    let other = asking.send("GET", "/api/books/health", &[], "").await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_key_has_the_throttle_and_the_quota_of_the_usage_plan() {
    let plan = |limits: &str| small(&format!("      Auth: {{UsagePlan: {{{limits}}}}}"));
    for (limits, kind, error_type) in [
        (
            "Throttle: {RateLimit: 0.001, BurstLimit: 2}",
            "THROTTLED",
            "TooManyRequestsException",
        ),
        (
            "Quota: {Limit: 2, Period: MONTH}",
            "QUOTA_EXCEEDED",
            "LimitExceededException",
        ),
    ] {
        let asking = GuardedServer::start_with(&plan(limits), None).await;
        fs::write(asking.keys(), format!("{KEY}\nanother-key-of-this-test\n")).unwrap();
        for _ in 0..2 {
            assert_eq!(
                asking.with_key("GET", "/api/books/1", KEY).await.status,
                200
            );
        }
        is_refused(
            &asking.with_key("GET", "/api/books/1", KEY).await,
            kind,
            error_type,
        );
        let another = asking
            .with_key("GET", "/api/books/1", "another-key-of-this-test")
            .await;
        assert_eq!(another.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn a_start_that_other_machines_can_reach_must_say_its_access() {
    let mut start = command(&["--in-memory", "--listen", "0.0.0.0:0"]);
    let sentence = "fleet-server: Other machines can reach 0.0.0.0:0: use --access template to require the API keys and signatures that the template requires, or --access open to accept every request.\n";
    assert_eq!(refusal(&mut start).await, (Some(1), sentence.to_owned()));
}

#[tokio::test]
async fn access_by_the_template_needs_a_place_for_api_keys() {
    let mut no_file = command(&["--in-memory", "--access", "template"]);
    let sentence = "fleet-server: The template requires API keys, but there is no data folder to keep them in: name their file with --api-key-file.\n";
    assert_eq!(refusal(&mut no_file).await, (Some(1), sentence.to_owned()));
}

#[tokio::test]
async fn without_credentials_signed_routes_refuse_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let keys = keys.to_str().unwrap();
    let arguments = [
        "--in-memory",
        "--access",
        "template",
        "--api-key-file",
        keys,
    ];
    let server = Binary::start(&arguments).await;
    let said = server.said.join("\n");
    assert!(
        said.contains("no credentials to verify SigV4 signatures with"),
        "{said}"
    );
    let address = server.address();
    let headers = TestSigner::default().sign(&address.to_string(), "GET", DIMENSION, "", "");
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = client::send_with(address, "GET", DIMENSION, &headers, "").await;
    is_refused(&answer, "ACCESS_DENIED", "AccessDeniedException");
}

#[tokio::test]
async fn a_key_is_made_and_shown_once_and_a_profile_has_the_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (data, profile) = (folder.path().join("data"), folder.path().join("aws"));
    fs::write(
        &profile,
        format!("[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"),
    )
    .unwrap();
    let arguments = ["--access", "template", "--data-dir", data.to_str().unwrap()];
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", profile.to_str().unwrap())];
    let first = Binary::start_with(&arguments, &variables).await;
    let said = first.said.join("\n");
    let key = fs::read_to_string(data.join("api-keys")).unwrap();
    let key = key.lines().last().unwrap();
    assert!(said.contains(key), "{said}");
    assert!(
        said.contains(
            "as the template asks: API keys, SigV4 signatures, throttles; not checked: IAM policies"
        ),
        "{said}"
    );
    let url = format!("http://{}", first.address());
    let keys = data.join("api-keys");
    for line in [
        format!(
            r#"  curl -H "x-api-key: $(grep -om1 '^[A-Za-z0-9_-]\{{20,\}}' '{}')" {url}/ec2/instance-002"#,
            keys.display()
        ),
        format!(
            r#"  curl --aws-sigv4 aws:amz:us-east-1:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PATCH {url}/v1/scalableTargetDimensions/1-23456789 -d '{{"desiredCapacity":2.0}}'"#
        ),
        "  in a browser         no pages: they would show what keys and signatures protect"
            .to_owned(),
    ] {
        assert!(first.said.contains(&line), "{line}\n{said}");
    }
    let shown = client::send_with(first.address(), "GET", "/ec2", &[("x-api-key", key)], "").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let headers =
        TestSigner::default().sign(&first.address().to_string(), "GET", DIMENSION, "", "");
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let signed = client::send_with(first.address(), "GET", DIMENSION, &headers, "").await;
    assert_eq!(signed.status, 200, "{}", signed.text);
}

#[tokio::test]
async fn functions_that_ask_for_nothing_need_nothing() {
    let arguments = ["--access", "template", "--functions", "books,authors"];
    let server = Binary::start(&arguments).await;
    let answer = client::send(server.address(), "GET", "/api/books", "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_route_with_another_authorizer_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    fs::write(&template, changed("Authorizer: AWS_IAM", "Authorizer: Jwt")).unwrap();
    let named = template.to_str().unwrap();
    let mut start = command(&["--access", "template", "--in-memory", "--template", named]);
    let (code, said) = refusal(&mut start).await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains("has the authorizer Jwt, and this server knows AWS_IAM and NONE"),
        "{said}"
    );
}

#[tokio::test]
async fn the_document_says_what_the_server_asks_for() {
    let asking = GuardedServer::start().await;
    let document = asking.send("GET", "/v1/openapi.json", &[], "").await.body;
    let mut deployed: Value = serde_json::from_str(metadata::OPENAPI).unwrap();
    // Without an issuer, only keys.
    let schemes = &mut deployed["components"]["securitySchemes"];
    schemes.as_object_mut().unwrap().remove("BearerToken");
    assert_eq!(
        document["components"]["securitySchemes"],
        deployed["components"]["securitySchemes"]
    );
    for (path, item) in deployed["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut security = operation["security"].clone();
            if let Some(alternatives) = security.as_array_mut() {
                alternatives.retain(|one| one.get("BearerToken").is_none());
            }
            assert_eq!(
                document["paths"][path][method]["security"], security,
                "{method} {path}"
            );
        }
    }
    let said = document["info"]["description"].as_str().unwrap();
    assert!(
        said.ends_with("and asks callers for what each route says."),
        "{said}"
    );
}
