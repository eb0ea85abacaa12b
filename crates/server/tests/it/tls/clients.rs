//! Client certificates: who may call which routes.

use fleet_server::ServerOptions;
use rustls::{
    HandshakeKind,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

use super::{
    HttpsClient, TLS_1_2, TLS_1_3, TlsFiles,
    certificates::{
        Authority, IssuedCertificate, api_gateway, api_gateway_that_signs, expired_api_gateway,
        self_signed_ca,
    },
};
use crate::{
    binary::{Binary, Signal},
    support::TestServer,
};

const DIMENSION: &str = "/scalableTargetDimensions/1-23456789";

async fn serve(files: &TlsFiles, listed: &[&str]) -> TestServer {
    let listed = files.write("clients.pem", listed.join("\n"));
    files
        .serve_with(|options: &mut ServerOptions| options.tls.client_ca = Some(listed))
        .await
}

/// The statuses of a scaling route, with and without `/v1`, and of another route.
async fn statuses(client: &HttpsClient, server: &TestServer) -> [u16; 3] {
    let mut found = [0; 3];
    for (status, path) in found.iter_mut().zip([
        DIMENSION.to_owned(),
        format!("/v1{DIMENSION}"),
        "/api/books".to_owned(),
    ]) {
        *status = client.send(server.address(), "GET", &path, "").await.status;
    }
    found
}

#[tokio::test]
async fn the_scaling_routes_need_a_certificate_and_no_other_route_does() {
    let files = TlsFiles::new();
    let authority = Authority::new("a client's CA");
    let server = serve(&files, &[&authority.cert]).await;
    assert_eq!(statuses(&files.client(), &server).await, [403, 403, 200]);
    assert_eq!(
        statuses(
            &files.client().showing(&authority.client("scaler")),
            &server
        )
        .await,
        [200, 200, 200]
    );
    let refused = files
        .client()
        .send(
            server.address(),
            "PATCH",
            DIMENSION,
            r#"{"desiredCapacity":2.0}"#,
        )
        .await;
    let message = "This route requires a client certificate.";
    assert_eq!(
        refused.body,
        json!({"code": "Forbidden", "message": message, "request_id": refused.header("x-amzn-requestid")})
    );
    assert_eq!(
        (refused.status, refused.header("x-amzn-errortype")),
        (403, "ForbiddenException")
    );
}

#[tokio::test]
async fn no_way_of_writing_the_path_goes_round_the_certificate() {
    let files = TlsFiles::new();
    let server = serve(&files, &[&api_gateway().cert]).await;
    for path in [
        "/scalableTargetDimensions/1/",
        "/scalableTargetDimensions/1?a=b",
        "/scalableTargetDimensions/%2e%2e",
        "/scalableTargetDimensions/..",
        "/scalableTargetDimensions/1%2F2",
        "//scalableTargetDimensions/1",
        "/./scalableTargetDimensions/1",
        "/v1/../scalableTargetDimensions/1",
        "/%73calableTargetDimensions/1",
        "/scalableTargetDimensions%2F1",
        "http://elsewhere.example.com/scalableTargetDimensions/1",
    ] {
        assert_eq!(
            files
                .client()
                .send(server.address(), "GET", path, "")
                .await
                .status,
            403,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_listed_certificate_is_taken_itself_as_api_gateways_is() {
    let files = TlsFiles::new();
    let (gateway, ca) = (api_gateway(), self_signed_ca("made by openssl req -x509"));
    let server = serve(&files, &[&gateway.cert, &ca.cert]).await;
    for shown in [&gateway, &ca] {
        let client = files.client().showing(shown);
        assert_eq!(statuses(&client, &server).await, [200, 200, 200]);
        let old = HttpsClient {
            versions: &TLS_1_2,
            ..client
        };
        assert_eq!(statuses(&old, &server).await, [200, 200, 200]);
    }
}

#[test]
fn the_certificate_of_these_tests_has_the_shape_of_api_gateways() {
    let der = CertificateDer::from_pem_slice(api_gateway().cert.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(
        (certificate.version(), certificate.extensions().len()),
        (X509Version::V3, 0)
    );
    assert_eq!(certificate.subject(), certificate.issuer());
    assert_eq!(
        certificate.subject().to_string(),
        "C=US, L=Seattle, CN=ApiGateway"
    );
    assert_eq!(certificate.public_key().parsed().unwrap().key_size(), 2048);
}

#[tokio::test]
async fn a_certificate_that_is_not_to_be_trusted_ends_the_handshake() {
    let files = TlsFiles::new();
    let authority = Authority::new("a client's CA");
    let (gateway, expired) = (api_gateway(), expired_api_gateway());
    let server = serve(&files, &[&authority.cert, &gateway.cert, &expired.cert]).await;
    // The names are the same, the keys are not.
    let stranger = Authority::new("a client's CA");
    for (what, shown) in [
        ("another CA's", stranger.client("scaler")),
        ("another ApiGateway", api_gateway()),
        ("listed and expired", expired),
        ("the CA's and expired", authority.expired_client("scaler")),
        ("for servers alone", authority.for_servers_only("scaler")),
    ] {
        for versions in [rustls::ALL_VERSIONS, &TLS_1_2] {
            let client = HttpsClient {
                versions,
                ..files.client().showing(&shown)
            };
            assert!(client.is_refused(server.address()).await, "{what}");
        }
    }
    assert!(
        !files
            .client()
            .showing(&gateway)
            .is_refused(server.address())
            .await
    );
}

#[tokio::test]
async fn a_listed_certificate_that_is_no_cas_vouches_for_nobody_else() {
    let files = TlsFiles::new();
    let (gateway, minted) = api_gateway_that_signs();
    // Together with a CA, and alone.
    for others in [vec![], vec![Authority::new("a client's CA").cert]] {
        let listed: Vec<&str> = [&gateway.cert]
            .into_iter()
            .chain(&others)
            .map(String::as_str)
            .collect();
        let server = serve(&files, &listed).await;
        assert!(
            files
                .client()
                .showing(&minted)
                .is_refused(server.address())
                .await
        );
        assert!(
            !files
                .client()
                .showing(&gateway)
                .is_refused(server.address())
                .await
        );
    }
}

#[tokio::test]
async fn no_session_is_taken_up_again_since_its_certificate_would_not_be_looked_at() {
    let files = TlsFiles::new();
    let gateway = api_gateway();
    let server = serve(&files, &[&gateway.cert]).await;
    let plain = TlsFiles::new();
    let without = plain.serve().await;
    for versions in [&TLS_1_2, &TLS_1_3] {
        let client = HttpsClient {
            versions,
            ..files.client().showing(&gateway)
        };
        assert_eq!(
            client.handshakes(server.address()).await,
            [HandshakeKind::Full; 2]
        );
        // The result that the check above would see otherwise.
        let client = HttpsClient {
            versions,
            ..plain.client()
        };
        assert_eq!(
            client.handshakes(without.address()).await,
            [HandshakeKind::Full, HandshakeKind::Resumed]
        );
    }
}

#[tokio::test]
async fn a_stolen_certificate_is_nothing_without_its_key() {
    let files = TlsFiles::new();
    let gateway = api_gateway();
    let server = serve(&files, &[&gateway.cert]).await;
    let thief = IssuedCertificate {
        cert: gateway.cert,
        key: api_gateway().key,
    };
    // The library itself refuses such a pair, so its check is bypassed.
    assert!(
        shows_by_force(&files, &thief, server.address())
            .await
            .is_err()
    );
}

/// Presents a certificate with another certificate's key.
async fn shows_by_force(
    files: &TlsFiles,
    thief: &IssuedCertificate,
    address: std::net::SocketAddr,
) -> std::io::Result<u8> {
    use std::sync::Arc;

    use rustls::{
        ClientConfig, RootCertStore, SignatureScheme,
        client::ResolvesClientCert,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
        sign::CertifiedKey,
    };
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);
    impl ResolvesClientCert for Thief {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }

        fn has_certs(&self) -> bool {
            true
        }
    }
    let key = aws_lc_rs::sign::any_supported_type(
        &PrivateKeyDer::from_pem_slice(thief.key.as_bytes()).unwrap(),
    )
    .unwrap();
    let shown = CertifiedKey::new(
        vec![CertificateDer::from_pem_slice(thief.cert.as_bytes()).unwrap()],
        key,
    );
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(files.authority.cert.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(Thief(Arc::new(shown))));
    let stream = tokio::net::TcpStream::connect(address).await?;
    let name = ServerName::try_from(super::NAME).unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    stream
        .write_all(b"GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n")
        .await?;
    stream.read_u8().await
}

#[tokio::test]
async fn other_routes_can_be_chosen_and_everything_too() {
    let files = TlsFiles::new();
    let gateway = api_gateway();
    let listed = files.write("clients.pem", &gateway.cert);
    let serve = async |routes: &[&str]| {
        files
            .serve_with(|options| {
                options.tls.client_ca = Some(listed.clone());
                options.tls.client_ca_routes =
                    routes.iter().map(|route| (*route).to_owned()).collect();
            })
            .await
    };
    let chosen = serve(&["/api/books", "/ec2/*"]).await;
    assert_eq!(statuses(&files.client(), &chosen).await, [200, 200, 403]);
    for (path, status) in [("/api/books/1", 200), ("/ec2", 200), ("/ec2/i-1", 403)] {
        assert_eq!(
            files
                .client()
                .send(chosen.address(), "GET", path, "")
                .await
                .status,
            status,
            "{path}"
        );
    }
    // The page's data is protected like the routes that return it.
    for (path, status) in [
        ("/_ui/state", 403),
        ("/_ui/state?only=instances", 403),
        ("/_ui/filters", 403),
        ("/docs", 200),
    ] {
        let answer = files.client().send(chosen.address(), "GET", path, "").await;
        assert_eq!(answer.status, status, "{path}");
    }
    let everything = serve(&["*"]).await;
    for path in [
        "/api/books",
        "/v1/health",
        "/docs",
        "/_ui/state",
        "/nowhere",
    ] {
        let answer = files
            .client()
            .send(everything.address(), "GET", path, "")
            .await;
        assert!(
            answer.status == 403 && answer.text.contains("requires a client certificate"),
            "{path}"
        );
    }
    assert_eq!(
        statuses(&files.client().showing(&gateway), &everything).await,
        [200, 200, 200]
    );
}

#[tokio::test]
async fn the_log_has_the_subject_of_who_asked_for_a_protected_route_and_nothing_more() {
    let files = TlsFiles::new();
    let gateway = api_gateway();
    let (cert, key, listed) = (
        files.path("cert.pem"),
        files.path("key.pem"),
        files.write("clients.pem", &gateway.cert),
    );
    let [cert, key, listed] = [&cert, &key, &listed].map(|path| path.to_str().unwrap());
    let arguments = [
        "--in-memory",
        "--log-format",
        "json",
        "--tls-cert",
        cert,
        "--tls-key",
        key,
        "--client-ca",
        listed,
    ];
    let mut server = Binary::start(&arguments).await;
    let said = server.said.join("\n");
    let port = said
        .split_once(&format!("answers on https://{}:", super::NAME))
        .unwrap()
        .1
        .split_once('\n')
        .unwrap()
        .0;
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let client = files.client().showing(&gateway);
    let scaled = client.send(address, "GET", DIMENSION, "").await;
    let read = client.send(address, "GET", "/api/books", "").await;
    assert_eq!((scaled.status, read.status), (200, 200));
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
    let lines: Vec<serde_json::Value> = server
        .said
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let clients: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "client certificate")
        .collect();
    assert_eq!(clients.len(), 1, "{lines:#?}");
    assert_eq!(clients[0]["client"], "C=US, L=Seattle, CN=ApiGateway");
    assert_eq!(clients[0]["request_id"], scaled.header("x-amzn-requestid"));
}
