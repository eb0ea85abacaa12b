//! Plain HTTP beside HTTPS.

use super::{NAME, TlsFiles};
use crate::{
    client::{Raw, send_with},
    support::free_port,
};

#[tokio::test]
async fn plain_http_is_sent_to_the_same_address_by_https() {
    let files = TlsFiles::new();
    let server = files
        .serve_with(|options| options.tls.http_redirect = Some(free_port()))
        .await;
    let (plain, port) = (
        server.running().redirect_addr().unwrap(),
        server.address().port(),
    );
    for (host, path, location) in [
        (NAME, "/", format!("https://{NAME}:{port}/")),
        (
            &format!("{NAME}:80"),
            "/ec2?limit=1",
            format!("https://{NAME}:{port}/ec2?limit=1"),
        ),
        (
            "Fleet.Example.Com",
            "/ec2/a%2Fb",
            format!("https://Fleet.Example.Com:{port}/ec2/a%2Fb"),
        ),
        (
            NAME,
            "//elsewhere.example.com/x",
            format!("https://{NAME}:{port}//elsewhere.example.com/x"),
        ),
    ] {
        let answer = send_with(plain, "POST", path, &[("host", host)], "{}").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, location.as_str()),
            "{host}{path}"
        );
        assert_eq!(
            (
                answer.header("connection"),
                answer.header("strict-transport-security")
            ),
            ("close", "")
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_to_a_host_that_the_server_has_no_certificate_for() {
    let files = TlsFiles::new();
    let server = files
        .serve_with(|options| options.tls.http_redirect = Some(free_port()))
        .await;
    let plain = server.running().redirect_addr().unwrap();
    for host in [
        "elsewhere.example.com",
        "127.0.0.1",
        "[::1]",
        "",
        "a b",
        &format!("x@{NAME}"),
        &format!("{NAME}.elsewhere.com"),
        &format!("{NAME}/x"),
    ] {
        let answer = send_with(plain, "GET", "/", &[("host", host)], "").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (421, ""),
            "{host}"
        );
        let expected = "This server does not serve the request's host.";
        assert_eq!(
            (
                answer.body["message"].as_str(),
                answer.body["request_id"].as_str()
            ),
            (Some(expected), Some(answer.header("x-amzn-requestid")))
        );
    }
    for head in [
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nhost: {NAME}\r\nhost: elsewhere.example.com\r\n\r\n"),
        format!("GET http://elsewhere.example.com/ HTTP/1.1\r\nhost: {NAME}\r\n\r\n"),
    ] {
        let mut raw = Raw::connect(plain).await;
        raw.write(&head).await;
        let answer = raw.read_to_end().await;
        assert!(
            answer.contains(" 421 ") && !answer.contains("location:"),
            "{head}{answer}"
        );
    }
}
