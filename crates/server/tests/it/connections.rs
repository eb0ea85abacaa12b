//! Many clients: one that holds a connection without using it cannot lock others out.

use std::{fs, time::Duration};

use fleet_server::Limits;

use crate::{
    binary::{Binary, Signal, limited},
    client::{Raw, send},
    hosted::HostedGateway,
};

fn at_most(connections: usize) -> Limits {
    Limits {
        connections,
        ..Limits::default()
    }
}

#[tokio::test]
async fn the_connection_that_is_idle_longest_is_closed_for_a_new_one() {
    let hosted = HostedGateway::start(at_most(3)).await;
    let mut busy = Raw::connect(hosted.address()).await;
    busy.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    hosted.has_begun().await;
    let mut half = Raw::connect(hosted.address()).await;
    half.write("GET /echo/1 HTTP/1.1\r\nhost:").await;
    let mut idle = Vec::new();
    for _ in 0..9 {
        let mut raw = Raw::connect(hosted.address()).await;
        // A response shows that the connection has been accepted.
        raw.write("GET /echo/1 HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(
            raw.read_until("\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 200 ")
        );
        idle.push(raw);
    }
    // Half a head is not a request in progress.
    assert!(!half.read_to_end().await.starts_with("HTTP/1.1 200"));
    for raw in &mut idle[..7] {
        raw.read_to_end().await;
    }
    // The newest are still open, and so is the one with a request.
    for raw in &mut idle[7..] {
        raw.write("GET /not-there HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        raw.read_until("Missing Authentication Token\"}").await;
    }
    hosted.strings.may_end.add_permits(1);
    assert!(
        busy.read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn where_every_connection_has_a_request_a_new_one_waits_for_an_answer() {
    let hosted = HostedGateway::start(at_most(2)).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(hosted.address()).await;
        raw.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
        hosted.has_begun().await;
        busy.push(raw);
    }
    let address = hosted.address();
    let waiting = tokio::spawn(async move { send(address, "GET", "/echo/1", "").await.status });
    // The wait is not observable; what counts is that the request does not fail.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    hosted.strings.may_end.add_permits(1);
    assert_eq!(waiting.await.unwrap(), 200);
    hosted.strings.may_end.add_permits(1);
    assert_eq!(hosted.hosting.stop().await, 0);
    for raw in &mut busy {
        let answer = raw.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn idle_clients_beyond_the_limit_of_open_files_lock_nobody_out() {
    let mut server = Binary::run(limited("-n 256", &["--in-memory"])).await;
    let mut idle = Vec::new();
    // The limit leaves 64 connections for one and 32 for the other.
    for (address, clients) in [(server.address(), 100), (server.aws_address(), 50)] {
        for _ in 0..clients {
            idle.push(Raw::connect(address).await);
        }
    }
    server.wait_for_line("connections are in use").await;
    for id in 0..5 {
        let path = format!("/ec2/i-{id}");
        let body = r#"{"aws_region":"r","aws_account":"a"}"#;
        assert_eq!(
            send(server.address(), "POST", &path, body).await.status,
            200
        );
        let path = format!("/v1/scalableTargetDimensions/d-{id}");
        let body = r#"{"desiredCapacity":2.0}"#;
        assert_eq!(
            send(server.address(), "PATCH", &path, body).await.status,
            200
        );
    }
    drop(idle);
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
    let all = server.said.join("\n");
    assert!(!all.contains("cannot accept"), "{all}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_soft_limit_of_open_files_is_raised() {
    let server = Binary::run(limited("-S -n 200", &["--in-memory"])).await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers: Vec<u64> = line
        .unwrap()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(numbers[0], numbers[1].min(65_536), "{limits}");
}
