//! A full disk: what does not fit is refused, what was acknowledged stays, and with free space the server works again.

use fleet_faults::{FaultRun, ServerConnection, ServerProcess, client::send};
use serde_json::{Value, json};
use tempfile::TempDir;

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");
/// The maximum file size, in blocks of 512 bytes: 1 MiB.
const BLOCKS: u32 = 2_048;
/// Packages of an instance: 40 of them fill the disk after a few instances.
const PACKAGES: usize = 40;

fn body(id: usize) -> String {
    let text = format!("{id:050}");
    let packages: Vec<Value> = (0..PACKAGES)
        .map(
            |n| json!({"package_name": format!("{n:02}{text}{text:.40}"), "package_version": text}),
        )
        .collect();
    json!({"aws_region": "r", "aws_account": "a", "packages": packages}).to_string()
}

async fn packages(connection: &mut ServerConnection, id: usize) -> Option<usize> {
    let answer = connection
        .send("GET", &format!("/ec2/i-{id}"), "")
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["record"]["packages"].as_array().map(Vec::len)
}

/// Each stored instance is complete, and no refused one is stored in part.
async fn nothing_is_lost(connection: &mut ServerConnection, stored: &[usize], refused: &[usize]) {
    for id in stored {
        assert_eq!(packages(connection, *id).await, Some(PACKAGES), "i-{id}");
    }
    for id in refused {
        let found = packages(connection, *id).await;
        assert!(
            matches!(found, None | Some(PACKAGES)),
            "i-{id} is there by halves"
        );
    }
}

/// Checks the log and the readiness after the disk has refused a write.
async fn says_so(server: &ServerProcess, connection: &mut ServerConnection, check: &str) {
    let ready = connection
        .send("GET", "/v1/health/ready", "")
        .await
        .unwrap();
    assert_eq!(
        (ready.status, &ready.body["checks"][check]),
        (503, &json!("unavailable")),
        "{}",
        ready.text
    );
    let said = server.output();
    let line = said
        .iter()
        .find(|line| line.contains("  503 ") && line.contains("cause=") && line.contains("disk"));
    assert!(line.is_some(), "{said:#?}");
    let not_ready = said.iter().find(|line| {
        line.contains("not ready") && line.contains(check) && line.contains("cannot be written to")
    });
    assert!(not_ready.is_some(), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let run = FaultRun::of("a full disk");
    let folder = TempDir::new().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let mut server = ServerProcess::start_limited(SERVER, BLOCKS, &arguments).await;
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    for id in 0..400 {
        let answer = connection
            .send("POST", &format!("/ec2/i-{id}"), body(id))
            .await
            .unwrap();
        match answer.status {
            200 => stored.push(id),
            503 => {
                assert!(
                    answer.body["request_id"].is_string() && !answer.text.contains("disk"),
                    "{}",
                    answer.text
                );
                refused.push(id);
            }
            _ => panic!("{}", answer.text),
        }
        if refused.len() == 5 {
            break;
        }
    }
    assert!(
        !stored.is_empty() && refused.len() == 5,
        "{} stored, {} refused",
        stored.len(),
        refused.len()
    );
    assert!(server.is_running());
    says_so(&server, &mut connection, "data_api").await;
    let mut patched = 0;
    let full = loop {
        let path = format!("/v1/scalableTargetDimensions/{:0200}", patched);
        let answer = connection
            .send("PATCH", &path, r#"{"desiredCapacity":2.0}"#)
            .await
            .unwrap();
        if answer.status != 200 {
            break answer;
        }
        patched += 1;
        assert!(patched < 5_000, "the disk never fills");
    };
    assert_eq!(full.status, 503, "{}", full.text);
    says_so(&server, &mut connection, "dynamodb").await;
    // Reads still work while nothing can be written.
    nothing_is_lost(&mut connection, &stored, &refused).await;
    server.kill().await;

    let server = ServerProcess::start(SERVER, &arguments, &[("RUST_LOG", "warn")]).await;
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    nothing_is_lost(&mut connection, &stored, &refused).await;
    assert_eq!(
        send(server.address(), "POST", "/ec2/with-room", body(1))
            .await
            .status,
        200
    );
    run.report(format_args!(
        "{} adds acknowledged, {} refused, 0 lost, 0 by halves",
        stored.len(),
        refused.len()
    ));
}
