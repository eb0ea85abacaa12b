//! The credentials of `--backend aws`, from all kinds of profiles that people sign in with.

use std::{fs, path::Path};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    binary::{Binary, command, refusal},
    client::send,
    support::TestServer,
};

/// The server with `profile` as its AWS configuration file, in a separate home.
fn with_profile(home: &Path, profile: &str) -> Command {
    let file = home.join("config");
    fs::write(&file, profile).unwrap();
    let mut command = command(&["--backend", "aws"]);
    command.env("HOME", home).env("AWS_CONFIG_FILE", file);
    command.envs([
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        ("AWS_PROFILE", "person"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("PATH", "/usr/bin:/bin"),
    ]);
    command
}

#[tokio::test]
async fn a_profile_with_a_credential_process_is_asked_once() {
    let aws = TestServer::start().await;
    let home = TempDir::new().unwrap();
    let asked = home.path().join("asked");
    let process = home.path().join("process");
    let answer = r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}"#;
    let script = format!("echo asked >>'{}'; echo '{answer}'\n", asked.display());
    fs::write(&process, script).unwrap();
    let profile = format!(
        "[profile person]\ncredential_process = sh {}\n",
        process.display()
    );
    let mut command = with_profile(home.path(), &profile);
    command.env("AWS_ENDPOINT_URL", aws.aws_endpoint_url());
    let server = Binary::run(command).await;
    for _ in 0..2 {
        let ready = send(server.address(), "GET", "/v1/health/ready", "").await;
        assert_eq!(ready.status, 200, "{:?}", ready.body);
    }
    assert_eq!(fs::read_to_string(asked).unwrap(), "asked\n");
}

#[tokio::test]
async fn a_start_without_credentials_says_why_there_are_none() {
    let home = TempDir::new().unwrap();
    let process = home.path().join("process");
    fs::write(
        &process,
        "echo 'signed out,' >&2; echo 'sign in' >&2; exit 3\n",
    )
    .unwrap();
    let process = format!("credential_process = sh {}", process.display());
    for (profile, reason) in [
        ("region = us-east-1", "nor the profile"),
        (
            "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = missing",
            "missing",
        ),
        (&process, "signed out, sign in"),
        (
            "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start",
            "token",
        ),
        (
            "login_session = arn:aws:sts::123456789012:assumed-role/r/person",
            "login",
        ),
    ] {
        let profile = format!("[profile person]\n{profile}\n");
        let (code, said) = refusal(&mut with_profile(home.path(), &profile)).await;
        let reason_given = said
            .strip_prefix("fleet-server: There are no AWS credentials (")
            .and_then(|rest| {
                rest.strip_suffix(
                    "): sign in again, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n",
                )
            })
            .unwrap_or_else(|| panic!("{profile}{said}"));
        assert_eq!(code, Some(1), "{said}");
        assert!(
            reason_given.contains(reason)
                && !reason_given.contains("feature")
                && !reason_given.contains('\n'),
            "{profile}{said}"
        );
    }
}
