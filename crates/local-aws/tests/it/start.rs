//! Starting, stopping and restarting.

use fleet_local_aws::{Engine, LocalAws, LocalAwsError, Storage};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    dynamodb,
    support::{Aws, CLUSTER, KEY, SECRET, SIGNATURE, TABLE, options, text},
};

#[tokio::test]
async fn a_restart_keeps_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::in_folder(folder.path()).await;
    aws.add(None, "i-1").await.unwrap();
    let id = aws_sdk_dynamodb::types::AttributeValue::S("1-2".into());
    dynamodb::client(&aws)
        .put_item()
        .table_name(TABLE)
        .item(KEY, id.clone())
        .send()
        .await
        .unwrap();
    let open = aws.begin().await;
    aws.add(Some(&open), "never-committed").await.unwrap();
    aws.local.stop().await;

    let aws = Aws::in_folder(folder.path()).await;
    let ids = aws
        .sql("SELECT aws_instance_id FROM ec2", &[])
        .await
        .unwrap();
    assert_eq!(ids.records(), [[text("i-1")]]);
    assert!(
        dynamodb::client(&aws)
            .get_item()
            .table_name(TABLE)
            .key(KEY, id)
            .send()
            .await
            .unwrap()
            .item()
            .is_some()
    );
    aws.local.stop().await;
}

#[tokio::test]
async fn a_stop_lets_the_request_under_way_finish() {
    let aws = Aws::start().await;
    let address = aws.local.local_addr();
    let body = format!(r#"{{"resourceArn":"{CLUSTER}","secretArn":"{SECRET}","sql":"SELECT 7"}}"#);
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /Execute HTTP/1.1\r\nhost: {address}\r\nauthorization: {SIGNATURE}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // After this response the request is in progress: the server waits for its body.
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopped = tokio::spawn(aws.local.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#"[[{"longValue":7}]]"#),
        "{answer}"
    );
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_transaction_that_nobody_goes_on_with() {
    let aws = Aws::start().await;
    let open = aws.begin().await;
    aws.add(Some(&open), "i-1").await.unwrap();
    // It waits for the writer slot, which only the end of the open transaction frees.
    let other = aws.data.clone();
    let waiting = tokio::spawn(async move {
        let call = other
            .execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET);
        call.sql("DELETE FROM ec2").send().await
    });
    aws.sql("SELECT 1", &[]).await.unwrap();
    let begun = std::time::Instant::now();
    aws.local.stop().await;
    let _ = waiting.await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_option() {
    let aws = Aws::start().await;
    let mut second = options(Storage::InMemory);
    second.listen = aws.local.local_addr();
    let error = LocalAws::start(second).await.unwrap_err();
    let message = format!(
        "The address {} for the local AWS endpoints is already in use: choose another one with --aws-listen.",
        aws.local.local_addr()
    );
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn a_folder_is_served_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::in_folder(folder.path()).await;
    let error = LocalAws::start(options(Storage::Folder(folder.path().to_owned())))
        .await
        .unwrap_err();
    assert!(matches!(error, LocalAwsError::FolderInUse(_)), "{error}");
    aws.local.stop().await;
    assert!(
        LocalAws::start(options(Storage::Folder(folder.path().to_owned())))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = LocalAws::start(options(Storage::Folder(missing.clone())))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(missing.to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rds.sqlite", "dynamodb.sqlite"] {
        let file = folder.path().join(name);
        let foreign = "random bytes".repeat(100);
        std::fs::write(&file, &foreign).unwrap();
        let error = LocalAws::start(options(Storage::Folder(folder.path().to_owned())))
            .await
            .unwrap_err();
        let message = format!(
            "The file {} is not a database of this server: move it away, or choose another data folder with --data-dir.",
            file.display()
        );
        assert_eq!(error.to_string(), message);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), foreign);
        std::fs::remove_file(&file).unwrap();
    }
    assert!(
        LocalAws::start(options(Storage::Folder(folder.path().to_owned())))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_schema_that_does_not_parse_stops_the_start() {
    let mut broken = options(Storage::InMemory);
    broken.schema.migrations[0].sql = "CREATE TABEL x".into();
    assert!(matches!(
        LocalAws::start(broken).await.unwrap_err(),
        LocalAwsError::Schema(_)
    ));
}

#[tokio::test]
async fn a_bad_database_url_is_explained_without_its_password() {
    let start = |url: &str| {
        let mut options = options(Storage::InMemory);
        options.engine = Engine::MySql(url.into());
        LocalAws::start(options)
    };
    for url in [
        "postgres://u:hunter2@localhost/db",
        "u:hunter2@localhost",
        "mysql://u:hunter2@localhost:port/db",
        "mysql://u:hunter2@localhost/db?x=hunter2",
    ] {
        let error = start(url).await.unwrap_err();
        assert!(matches!(error, LocalAwsError::DatabaseUrl(_)), "{error}");
        assert!(
            !error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    // Nothing listens on a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = start(&format!("mysql://u:hunter2@{free}/db"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("The database at {free} cannot be reached (nothing answers there).")
    );
}
