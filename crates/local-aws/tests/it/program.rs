//! The standalone program.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use aws_sdk_rdsdata::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fleet-local-aws");

#[tokio::test]
async fn the_program_says_where_it_listens_answers_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.strip_prefix("Local AWS endpoints: ").unwrap();
    let config = aws_sdk_rdsdata::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "any", None, None, "tests"))
        .endpoint_url(url)
        .build();
    let answer = Client::from_conf(config)
        .execute_statement()
        .resource_arn("arn:aws:rds:us-east-1:000000000000:cluster:local")
        .secret_arn("local-database")
        .database("app")
        .sql("SELECT 7")
        .send()
        .await
        .unwrap();
    assert_eq!(*answer.records()[0][0].as_long_value().unwrap(), 7);
    let stopped = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(folder.path().join("data/rds.sqlite").exists());
}

#[test]
fn help_names_each_service() {
    let help = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for service in [
        "DynamoDB",
        "RDS Data API",
        "Secrets Manager",
        "Application Auto Scaling",
        "CloudWatch",
    ] {
        assert!(help.contains(service), "{service}: {help}");
        assert!(fleet_local_aws::SERVICES.contains(service), "{service}");
    }
}

#[test]
fn an_address_that_other_machines_reach_is_refused() {
    let mut child = Command::new(PROGRAM)
        .args(["--listen", "0.0.0.0:0", "--in-memory"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(
        said.starts_with("0.0.0.0:0 is not a loopback address"),
        "{said}"
    );
}
