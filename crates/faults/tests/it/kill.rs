//! A server that is killed under load loses nothing that it acknowledged, stores nothing partially, and starts again.

use std::{net::SocketAddr, time::Duration};

use fastrand::Rng;
use fleet_faults::{FaultRun, ServerConnection, ServerProcess, client::send};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");
/// How many clients add; the same number patch, each a separate dimension.
const CLIENTS: usize = 4;

/// The adds of one client until the server died.
struct Adds {
    /// Ids that were acknowledged.
    acknowledged: Vec<String>,
    /// The id in the request without a response.
    open: Option<String>,
}

fn packages(id: &str) -> Value {
    json!(
        (0..5)
            .map(|number| json!({"package_name": format!("p{number}"), "package_version": id}))
            .collect::<Vec<_>>()
    )
}

async fn adds(address: SocketAddr, prefix: String) -> Adds {
    let mut done = Adds {
        acknowledged: Vec::new(),
        open: None,
    };
    let Ok(mut connection) = ServerConnection::open(address).await else {
        return done;
    };
    for number in 0.. {
        let id = format!("{prefix}-{number}");
        let body =
            json!({"aws_region": "r", "aws_account": "a", "packages": packages(&id)}).to_string();
        match connection.send("POST", &format!("/ec2/{id}"), body).await {
            Ok(answer) if answer.status == 200 => done.acknowledged.push(id),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => {
                done.open = Some(id);
                break;
            }
        }
    }
    done
}

/// Returns the last acknowledged capacity, and the one that was requested after it.
async fn patches(address: SocketAddr, path: String, first: u64) -> (u64, u64) {
    let mut acknowledged = first;
    let Ok(mut connection) = ServerConnection::open(address).await else {
        return (first, first);
    };
    loop {
        let body = format!(r#"{{"desiredCapacity":{}.0}}"#, acknowledged + 1);
        match connection.send("PATCH", &path, body).await {
            Ok(answer) if answer.status == 200 => acknowledged += 1,
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return (acknowledged, acknowledged + 1),
        }
    }
}

/// How many packages an instance has, each checked to be its own; `None` if the instance does not exist.
async fn found(connection: &mut ServerConnection, id: &str) -> Option<usize> {
    let answer = connection
        .send("GET", &format!("/ec2/{id}"), "")
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.body["record_found"] == true).then(|| {
        let stored = answer.body["record"]["packages"].as_array().unwrap();
        assert!(
            stored.is_empty() || json!(stored) == packages(id),
            "{answer:?}"
        );
        stored.len()
    })
}

/// One run of the server: load, and a kill at a random moment. Returns the acknowledged ids.
async fn life(
    server: ServerProcess,
    round: usize,
    rng: &mut Rng,
    capacities: &mut [u64; CLIENTS],
    folder: &str,
) -> (ServerProcess, Vec<String>) {
    let (mut adders, mut patchers) = (JoinSet::new(), JoinSet::new());
    for (client, capacity) in capacities.iter().enumerate() {
        adders.spawn(adds(server.address(), format!("i-{round}-{client}")));
        let patched = patches(
            server.address(),
            format!("/v1/scalableTargetDimensions/{client}"),
            *capacity,
        );
        patchers.spawn(async move { (client, patched.await) });
    }
    sleep(Duration::from_millis(rng.u64(1..400))).await;
    server.kill().await;
    let (adds, patches) = (adders.join_all().await, patchers.join_all().await);

    let server =
        ServerProcess::start(SERVER, &["--data-dir", folder], &[("RUST_LOG", "warn")]).await;
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    for client in &adds {
        for id in &client.acknowledged {
            assert_eq!(
                found(&mut connection, id).await,
                Some(5),
                "{id} was acknowledged"
            );
        }
        if let Some(id) = &client.open {
            assert!(
                matches!(found(&mut connection, id).await, None | Some(5)),
                "{id} is there by halves"
            );
        }
    }
    for (client, (acknowledged, open)) in patches {
        let body = connection
            .send("GET", &format!("/v1/scalableTargetDimensions/{client}"), "")
            .await
            .unwrap()
            .body;
        let desired = body["desiredCapacity"].as_f64().unwrap();
        assert!(
            desired == acknowledged as f64 || desired == open as f64,
            "{acknowledged}, {open}: {body}"
        );
        capacities[client] = desired as u64;
    }
    (
        server,
        adds.into_iter()
            .flat_map(|client| client.acknowledged)
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_keeps_what_it_acknowledged() {
    let run = FaultRun::of("kills");
    let (kills, mut rng) = (run.count(4, 200), run.rng(0));
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut server =
        ServerProcess::start(SERVER, &["--data-dir", path], &[("RUST_LOG", "warn")]).await;
    let (mut capacities, mut all) = ([1; CLIENTS], Vec::new());
    for round in 0..kills {
        let (next, acknowledged) = life(server, round, &mut rng, &mut capacities, path).await;
        server = next;
        all.extend(acknowledged);
    }
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    for id in &all {
        assert_eq!(
            found(&mut connection, id).await,
            Some(5),
            "{id} was acknowledged"
        );
    }
    let patched: u64 = capacities.iter().map(|capacity| capacity - 1).sum();
    run.report(format_args!(
        "{kills}; {} adds and {patched} patches acknowledged, 0 lost, 0 by halves",
        all.len()
    ));
    assert_eq!(
        send(server.address(), "GET", "/v1/health/ready", "")
            .await
            .status,
        200
    );
}
