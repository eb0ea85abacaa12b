//! Empty settings.

use fleet_faults::{ServerProcess, Stores, client::send};

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_endpoint_of_one_service_is_none() {
    let stores = Stores::start().await;
    let endpoint = format!("http://{}", stores.address());
    let variables = [
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ENDPOINT_URL_RDS_DATA", ""),
        ("AWS_ENDPOINT_URL_DYNAMODB", ""),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", ""),
    ];
    let server = ServerProcess::start(SERVER, &["--backend", "aws"], &variables).await;
    let ready = send(server.address(), "GET", "/v1/health/ready", "").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
}
