//! The TLS negotiation, and the limits of a connection.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{HttpsClient, NAME, TLS_1_2, TLS_1_3, TlsFiles};
use crate::client;

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_http_1_1_within() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    for (versions, said) in [
        (&TLS_1_2, rustls::ProtocolVersion::TLSv1_2),
        (&TLS_1_3, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let client = HttpsClient {
            versions,
            protocols: &["h2", "http/1.1"],
            ..files.client()
        };
        let stream = client.connect(server.address()).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(said));
        assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = client::send_over(stream, NAME, "GET", "/v1/health", &[], "").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, r#"{"status":"ok"}"#)
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000"
        );
    }
    let only_h2 = HttpsClient {
        protocols: &["h2"],
        ..files.client()
    };
    assert!(only_h2.connect(server.address()).await.is_err());
    assert_eq!(
        server.running().base_url(),
        format!("https://{NAME}:{}", server.address().port())
    );
}

#[tokio::test]
async fn a_large_body_arrives_and_an_error_is_the_same_as_over_plain_http() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    let packages: Vec<String> = (0..5000)
        .map(|number| format!(r#"{{"package_name":"package-{number}","package_version":"1"}}"#))
        .collect();
    let body = format!(
        r#"{{"aws_region":"us-east-1","aws_account":"1","packages":[{}]}}"#,
        packages.join(",")
    );
    let added = files
        .client()
        .send(server.address(), "POST", "/ec2/i-1", body.clone())
        .await;
    assert_eq!(added.status, 200);
    let again = files
        .client()
        .send(server.address(), "POST", "/ec2/i-1", body)
        .await;
    assert_eq!(again.status, 400);
    assert!(
        again
            .text
            .contains("Duplicate entry 'i-1' for key 'PRIMARY'"),
        "{}",
        again.text
    );
    let unknown = files
        .client()
        .send(server.address(), "POST", "/nowhere", "x".repeat(500_000))
        .await;
    assert_eq!(
        (unknown.status, unknown.text.as_str()),
        (403, r#"{"message":"Missing Authentication Token"}"#)
    );
    assert_eq!(
        unknown.header("strict-transport-security"),
        "max-age=31536000"
    );
}

#[tokio::test]
async fn plain_http_gets_no_answer_on_the_port_of_https() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut read = Vec::new();
    // A reset is an acceptable end.
    let _ = stream.read_to_end(&mut read).await;
    assert!(!read.starts_with(b"HTTP/"), "{read:?}");
    assert_eq!(
        files
            .client()
            .send(server.address(), "GET", "/v1/health", "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn plain_http_has_no_word_of_https() {
    let server = crate::support::TestServer::start().await;
    assert_eq!(
        server
            .get("/v1/health")
            .await
            .header("strict-transport-security"),
        ""
    );
    assert_eq!(
        (
            server.running().certificate(),
            server.running().redirect_addr()
        ),
        (None, None)
    );
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let files = TlsFiles::new();
    let server = files
        .serve_with(|options| options.limits.handshake = SHORT)
        .await;
    let began = Instant::now();
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    assert!(
        matches!(silent.read_u8().await, Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
    );
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_takes_the_place_of_an_idle_one() {
    let files = TlsFiles::new();
    let server = files
        .serve_with(|options| options.limits.connections = 1)
        .await;
    let mut first = files.client().connect(server.address()).await.unwrap();
    let client = files.client();
    let second = client.send(server.address(), "GET", "/v1/health", "").await;
    assert_eq!(second.status, 200);
    assert!(first.read_u8().await.is_err(), "it is closed");
    // A connection that does not even begin a handshake.
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    let third = client.send(server.address(), "GET", "/v1/health", "").await;
    assert_eq!(third.status, 200);
    assert!(silent.read_u8().await.is_err(), "it is closed");
}

/// Reads a response's head and the body `{"status":"ok"}`.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_says_goodbye_to_every_connection() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    let address: SocketAddr = server.address();
    let mut idle = files.client().connect(address).await.unwrap();
    idle.write_all(b"GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(
        read_answer(&mut idle)
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    // A connection that sends nothing at all, and blocks nobody.
    let silent = TcpStream::connect(address).await.unwrap();
    let mut busy = files.client().connect(address).await.unwrap();
    busy.write_all(b"PATCH /scalableTargetDimensions/d HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 25\r\n\r\n")
        .await
        .unwrap();
    let mut asked = [0; 25];
    busy.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(server.stop());
    let mut rest = Vec::new();
    // Without TLS's closing message this read would be an error.
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    busy.write_all(br#"{"desiredCapacity": 3.0 } "#.get(..25).unwrap())
        .await
        .unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""desiredCapacity":3.0"#),
        "{answer}"
    );
    stopping.await.unwrap();
    drop(silent);
    assert!(TcpStream::connect(address).await.is_err());
}
