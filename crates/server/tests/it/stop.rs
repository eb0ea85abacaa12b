//! Shutdown: requests in progress finish, and nothing new begins.

use std::{sync::Arc, time::Duration};

use fleet_server::Limits;
use tokio::net::TcpStream;

use crate::{
    binary::{Binary, Signal},
    client::Raw,
    hosted::HostedGateway,
};

const ADD: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;

#[tokio::test]
async fn a_stop_waits_for_the_requests_under_way_and_takes_no_new_ones() {
    let hosted = HostedGateway::start(Limits::default()).await;
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

#[test]
fn a_stop_waits_for_a_body_and_for_its_function_and_is_given_that_time() {
    let limits = Limits::default();
    assert!(limits.stop > 2 * limits.request);
    let seconds = |text: &str, key: &str| -> Vec<u64> {
        let values = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(key));
        values
            .map(|value| value.trim().trim_end_matches("\"}").parse().unwrap())
            .collect()
    };
    let unit = include_str!("../../../../deploy_scripts/self_hosting/fleet-server.service");
    let tasks = include_str!("../../../../deploy_scripts/services.yaml");
    for (given, places) in [
        (seconds(unit, "TimeoutStopSec="), 1),
        (seconds(tasks, "StopTimeout:"), 2),
        (
            seconds(
                tasks,
                r#"- {Key: deregistration_delay.timeout_seconds, Value: ""#,
            ),
            2,
        ),
    ] {
        assert_eq!(given.len(), places);
        assert!(
            given.iter().all(|given| *given > limits.stop.as_secs()),
            "{given:?}"
        );
    }
}

#[tokio::test]
async fn a_stop_cuts_what_is_under_way_after_its_time_and_counts_it() {
    let hosted = HostedGateway::start(Limits {
        stop: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    // A head that never ends is not a request, so it does not count.
    let mut half = Raw::connect(hosted.address()).await;
    half.write("GET /stay HTTP/1.1\r\nhost:").await;
    let mut busy = Raw::connect(hosted.address()).await;
    busy.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    hosted.has_begun().await;
    assert_eq!(hosted.hosting.stop().await, 1);
    assert_eq!(busy.read_to_end().await, "");
}

#[tokio::test]
async fn a_stop_that_waits_for_a_function_without_a_client_counts_it_too() {
    let hosted = HostedGateway::start(Limits {
        stop: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let mut gone = Raw::connect(hosted.address()).await;
    gone.write("GET /stay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    hosted.has_begun().await;
    drop(gone);
    assert_eq!(hosted.hosting.stop().await, 1);
}

#[tokio::test]
async fn what_had_to_be_cut_is_named_and_the_exit_code_is_3() {
    let mut server = Binary::start(&["--in-memory", "--stop-timeout", "1"]).await;
    let mut raw = Raw::connect(server.address()).await;
    raw.write(
        "POST /ec2/i-1?x=secret HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n",
    )
    .await;
    raw.read_until("\r\n\r\n").await;
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(3));
    let line = cut_line(&server);
    assert!(
        line.contains("method=POST") && line.contains("/ec2/i-1") && line.contains("request_id"),
        "{line}"
    );
    assert!(!line.contains("secret"), "{line}");
    let last = server.said.last().unwrap();
    assert!(
        last.starts_with("Stopped; requests that were cut: 1."),
        "{last}"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_half_a_head_nor_for_a_client_that_does_not_read() {
    let hosted = HostedGateway::start(Limits::default()).await;
    let mut half = Raw::connect(hosted.address()).await;
    half.write("GET /stay HTTP/1.1\r\nhost:").await;
    let mut deaf = Raw::connect(hosted.address()).await;
    deaf.write("GET /not-there HTTP/1.1\r\nhost: a\r\n\r\n".repeat(10_000))
        .await;
    // If the shutdown waited for either, these limits would make it take 59 s.
    let stopped = tokio::time::timeout(Duration::from_secs(30), hosted.hosting.stop()).await;
    assert_eq!(stopped.unwrap(), 0);
}

#[tokio::test]
async fn sigterm_lets_a_half_sent_request_finish_and_exits_with_0() {
    let mut server = Binary::start(&["--in-memory"]).await;
    let mut raw = Raw::connect(server.address()).await;
    let (first, second) = ADD.split_at(20);
    let length = ADD.len();
    // The response to the expectation shows that the request is in progress.
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
    let line = cut_line(&server);
    assert!(
        line.contains("method=POST") && line.contains("/ec2/i-1"),
        "{line}"
    );
}

/// The log line of the single request that was cut off.
fn cut_line(server: &Binary) -> &str {
    let mut lines = server
        .said
        .iter()
        .filter(|line| line.contains("cut off by the shutdown"));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None);
    line
}
