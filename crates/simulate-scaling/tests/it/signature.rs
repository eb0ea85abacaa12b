//! Signature Version 4, computed independently from the specification
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::{
    program::{simulate, simulate_in},
    stub::{Stub, StubRequest, obey},
};

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The correct signature of a request.
fn signature(request: &StubRequest, signed: &str) -> String {
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let mut canonical = format!("{}\n{}\n\n", request.method, request.uri.path());
    for name in signed.split(';') {
        writeln!(canonical, "{name}:{}", header(name)).unwrap();
    }
    write!(
        canonical,
        "\n{signed}\n{}",
        hex(&Sha256::digest(&request.body))
    )
    .unwrap();
    let time = header("x-amz-date");
    let day = &time[..8];
    let scope = format!("{day}/eu-central-1/execute-api/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let key = [day, "eu-central-1", "execute-api", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            hmac(&key, part)
        });
    hex(&hmac(&key, &to_sign))
}

#[tokio::test]
async fn each_request_is_signed_for_execute_api() {
    let stub = Stub::start(obey).await;
    let options = [
        "--load",
        "constant(value=200)",
        "--duration",
        "5m",
        "--sigv4",
        "eu-central-1",
        "--header",
        "x-api-key: k",
    ];
    let environment = [
        ("AWS_ACCESS_KEY_ID", ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let done = simulate_in(
        &[&["--endpoint", &stub.url], &options[..]].concat(),
        &environment,
    )
    .await;
    assert_eq!(done.parts(), (Some(0), ""));
    assert_eq!(stub.patches(), 1);
    for request in stub.requests() {
        let authorization = request.headers["authorization"].to_str().unwrap();
        let (scope, rest) = authorization.split_once(", SignedHeaders=").unwrap();
        let (signed, sent) = rest.split_once(", Signature=").unwrap();
        assert!(
            scope.starts_with(&format!("AWS4-HMAC-SHA256 Credential={ID}/")),
            "{authorization}"
        );
        assert!(
            signed.contains("host")
                && signed.contains("x-api-key")
                && signed.contains("x-amz-security-token"),
            "{signed}"
        );
        assert_eq!(
            sent,
            signature(&request, signed),
            "{} {}",
            request.method,
            request.uri
        );
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let stub = Stub::start(obey).await;
    let done = simulate(&[
        "--endpoint",
        &stub.url,
        "--check",
        "--sigv4",
        "eu-central-1",
    ])
    .await;
    let (code, said) = done.parts();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.starts_with("simulate-scaling: there are no AWS credentials to sign with (neither the environment, nor the profile"),
        "the reason is said: {said}"
    );
    assert!(
        said.ends_with(
            "): sign in again, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
        ),
        "{said}"
    );
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn a_profile_with_a_credential_process_is_asked_once() {
    let stub = Stub::start(obey).await;
    let home = tempfile::tempdir().unwrap();
    let (asked, process, config) = (
        home.path().join("asked"),
        home.path().join("process"),
        home.path().join("config"),
    );
    let answer = r#"{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"b"}"#;
    let script = format!("echo asked >>'{}'; echo '{answer}'\n", asked.display());
    std::fs::write(&process, script).unwrap();
    let profile = format!("[default]\ncredential_process = sh {}\n", process.display());
    std::fs::write(&config, profile).unwrap();
    let options = [
        "--endpoint",
        &stub.url,
        "--check",
        "--sigv4",
        "eu-central-1",
    ];
    let environment = [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
    ];
    let done = simulate_in(&options, &environment).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    let requests = stub.requests();
    assert!(requests.len() > 1);
    for request in requests {
        let sent = request.headers["authorization"].to_str().unwrap();
        assert!(sent.contains("Credential=AKIDPROCESS/"), "{sent}");
    }
    assert_eq!(std::fs::read_to_string(asked).unwrap(), "asked\n");
}

#[tokio::test]
async fn a_profile_of_identity_center_without_a_token_says_so() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    let profile = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start\n";
    std::fs::write(&config, profile).unwrap();
    let options = [
        "--endpoint",
        "http://127.0.0.1:9/scalableTargetDimensions/1-23456789",
        "--check",
        "--sigv4",
        "eu-central-1",
    ];
    let environment = [("AWS_CONFIG_FILE", config.to_str().unwrap())];
    let done = simulate_in(&options, &environment).await;
    let (code, said) = done.parts();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("token") && !said.contains("feature") && said.lines().count() == 1,
        "{said}"
    );
}
