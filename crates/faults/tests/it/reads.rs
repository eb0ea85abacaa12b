//! Reads change nothing.

use std::{collections::BTreeMap, fs, path::Path};

use fleet_faults::{FaultRun, ServerConnection, ServerProcess, client::send};
use tempfile::TempDir;

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");

/// The bytes of every file with data. SQLite's `-shm` files are its readers' shared memory and contain none.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    named
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_what_is_not_there_leaves_the_store_byte_for_byte_as_it_was() {
    let run = FaultRun::of("reads");
    let count = run.count(200, 10_000);
    let folder = TempDir::new().unwrap();
    let server = ServerProcess::start(
        SERVER,
        &["--data-dir", folder.path().to_str().unwrap()],
        &[("RUST_LOG", "warn")],
    )
    .await;
    let add = r#"{"aws_region":"r","aws_account":"a","packages":[{"package_name":"p","package_version":"1"}]}"#;
    assert_eq!(
        send(server.address(), "POST", "/ec2/i-1", add).await.status,
        200
    );
    assert_eq!(
        send(
            server.address(),
            "PATCH",
            "/v1/scalableTargetDimensions/1",
            r#"{"desiredCapacity":2}"#
        )
        .await
        .status,
        200
    );
    let before = bytes(folder.path());
    assert!(
        before.values().map(Vec::len).sum::<usize>() > 0,
        "{:?}",
        before.keys()
    );

    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    let mut rng = run.rng(0);
    for number in 0..count {
        let path = match number % 4 {
            0 => format!("/ec2/unknown-{}", rng.u64(..)),
            1 => format!("/ec2?aws_region=unknown-{number}&package_name=unknown&limit=100"),
            _ => format!(
                "/v1/scalableTargetDimensions/unknown-{}?x={number}",
                rng.u64(..)
            ),
        };
        let answer = connection.send("GET", &path, "").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let after = bytes(folder.path());
    assert!(
        before == after,
        "{:?} became {:?}",
        before.keys(),
        after.keys()
    );

    // The comparison really detects a write.
    assert_eq!(
        send(
            server.address(),
            "PATCH",
            "/v1/scalableTargetDimensions/2",
            r#"{"desiredCapacity":2}"#
        )
        .await
        .status,
        200
    );
    assert!(before != bytes(folder.path()));
    run.report(format_args!(
        "{count} of unknown ids, every file byte for byte as it was"
    ));
}
