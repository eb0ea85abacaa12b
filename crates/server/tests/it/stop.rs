//! Stopping: what is under way finishes, and nothing new begins.

use std::{sync::Arc, time::Duration};

use fleet_server::Limits;
use tokio::net::TcpStream;

use crate::{
    binary::{Binary, Signal},
    client::Raw,
    hosted::Hosted,
};

const ADD: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;

#[tokio::test]
async fn a_stop_waits_for_the_requests_under_way_and_takes_no_new_ones() {
    let hosted = Hosted::start(Limits::default()).await;
    let (address, strings) = (hosted.address(), Arc::clone(&hosted.strings));
    let mut idle = Raw::connect(address).await;
    let mut busy = Raw::connect(address).await;
    busy.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    hosted.has_begun().await;
    let stop = tokio::spawn(hosted.hosting.stop());
    assert_eq!(
        idle.read_to_end().await,
        "",
        "an idle connection is closed at once"
    );
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!stop.is_finished());
    strings.may_end.add_permits(1);
    assert!(busy.read_to_end().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stop.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_a_request_may_take() {
    let request = Duration::from_millis(100);
    let hosted = Hosted::start(Limits {
        request,
        ..Limits::default()
    })
    .await;
    // A head that never ends is no request that a time limit of its own would stop.
    let mut raw = Raw::connect(hosted.address()).await;
    raw.write("GET /stay HTTP/1.1\r\nhost:").await;
    hosted.hosting.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_half_a_head_nor_for_a_client_that_does_not_read() {
    let hosted = Hosted::start(Limits::default()).await;
    let mut half = Raw::connect(hosted.address()).await;
    half.write("GET /stay HTTP/1.1\r\nhost:").await;
    let mut deaf = Raw::connect(hosted.address()).await;
    deaf.write("GET /not-there HTTP/1.1\r\nhost: a\r\n\r\n".repeat(10_000))
        .await;
    // A request may take 29 s by these limits.
    tokio::time::timeout(Duration::from_secs(15), hosted.hosting.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn sigterm_lets_a_half_sent_request_finish_and_exits_with_0() {
    let mut server = Binary::start(&["--in-memory"]).await;
    let mut raw = Raw::connect(server.address()).await;
    let (first, second) = ADD.split_at(20);
    let length = ADD.len();
    // The answer to the expectation shows that the request is under way.
    raw.write(format!("POST /ec2/i-1 HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")).await;
    raw.read_until("\r\n\r\n").await;
    raw.write(first).await;
    server.signal(Signal::Terminate);
    server.wait_for_line("stopping").await;
    raw.write(second).await;
    let answer = raw.read_to_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""new_record""#),
        "{answer}"
    );
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn ctrl_c_stops_an_idle_server_with_0() {
    let mut server = Binary::start(&["--in-memory"]).await;
    server.signal(Signal::Interrupt);
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let mut server = Binary::start(&["--in-memory"]).await;
    let mut raw = Raw::connect(server.address()).await;
    raw.write(
        "POST /ec2/i-1 HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n",
    )
    .await;
    raw.read_until("\r\n\r\n").await;
    server.signal(Signal::Terminate);
    server.wait_for_line("stopping").await;
    server.signal(Signal::Interrupt);
    assert_eq!(server.exit_code().await, Some(130));
}
