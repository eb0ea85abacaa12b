//! Certificates that change while the server runs.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout},
};

use super::{NAME, TlsFiles, certificates::api_gateway};
use crate::{
    binary::{Binary, Signal},
    support::TestServer,
};

/// Longer than the server's interval for checking the files.
const PATIENCE: Duration = Duration::from_secs(60);

/// The certificate that a new connection sees.
async fn seen(files: &TlsFiles, server: &TestServer) -> CertificateDer<'static> {
    let stream = files.client().connect(server.address()).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

async fn until_seen(files: &TlsFiles, server: &TestServer, cert: &str) {
    let expected = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
    let found = async {
        while seen(files, server).await != expected {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap();
}

#[tokio::test]
async fn a_new_pair_is_taken_up_and_connections_go_on() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    let mut open = files.client().connect(server.address()).await.unwrap();
    let renewed = files.authority.server(NAME);
    // Replaced one after the other; in between, the two do not match.
    files.write("cert.pem", &renewed.cert);
    server.running().reload();
    for _ in 0..5 {
        assert_ne!(
            seen(&files, &server).await,
            CertificateDer::from_pem_slice(renewed.cert.as_bytes()).unwrap()
        );
        sleep(Duration::from_millis(10)).await;
    }
    files.write("key.pem", &renewed.key);
    // Without a signal.
    until_seen(&files, &server, &renewed.cert).await;
    open.write_all(b"GET /v1/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn files_that_cannot_be_used_change_nothing() {
    let files = TlsFiles::new();
    let server = files.serve().await;
    let first = seen(&files, &server).await;
    let good = std::fs::read(files.path("cert.pem")).unwrap();
    for bad in [&b""[..], b"nonsense", &good[..good.len() / 2]] {
        files.write("cert.pem", bad);
        server.running().reload();
        sleep(Duration::from_millis(50)).await;
        assert_eq!(seen(&files, &server).await, first);
    }
    std::fs::remove_file(files.path("cert.pem")).unwrap();
    server.running().reload();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(seen(&files, &server).await, first);
    let renewed = files.authority.server(NAME);
    files.write_pair(&renewed);
    server.running().reload();
    until_seen(&files, &server, &renewed.cert).await;
}

#[tokio::test]
async fn the_list_of_clients_is_read_again_too() {
    let files = TlsFiles::new();
    let (old, new) = (api_gateway(), api_gateway());
    let listed = files.write("clients.pem", &old.cert);
    let server = files
        .serve_with(|options| options.tls.client_ca = Some(listed))
        .await;
    assert!(
        files
            .client()
            .showing(&new)
            .is_refused(server.address())
            .await
    );
    files.write("clients.pem", format!("{}{}", old.cert, new.cert));
    server.running().reload();
    let taken = async {
        while files
            .client()
            .showing(&new)
            .is_refused(server.address())
            .await
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, taken).await.unwrap();
    assert!(
        !files
            .client()
            .showing(&old)
            .is_refused(server.address())
            .await
    );
}

#[tokio::test]
async fn a_hang_up_reads_the_files_and_says_what_is_wrong_with_them() {
    let files = TlsFiles::new();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let arguments = [
        "--in-memory",
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let mut server = Binary::start(&arguments).await;
    server.signal(Signal::HangUp);
    server.wait_for_line("the certificates are unchanged").await;
    files.write("cert.pem", &files.authority.server(NAME).cert);
    server.signal(Signal::HangUp);
    server
        .wait_for_line("keeping the current certificates: The private key")
        .await;
    files.write_pair(&files.authority.server(NAME));
    server.signal(Signal::HangUp);
    server
        .wait_for_line("new connections use the new certificates")
        .await;
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
}
