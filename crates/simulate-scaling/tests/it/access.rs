//! Signed requests, against a server that verifies them.

use std::net::SocketAddr;

use aws_credential_types::Credentials;
use fleet_server::{AccessMode, AccessOptions, Server, ServerOptions};

use crate::program::simulate_in;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[tokio::test]
async fn signed_requests_are_taken_by_a_server_that_asks_for_them_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let port = SocketAddr::from(([127, 0, 0, 1], 0));
    let token = Some("session-token".to_owned());
    let server = Server::start(ServerOptions {
        listen: port,
        aws_listen: port,
        in_memory: true,
        stage: Some("prod".parse().unwrap()),
        access: AccessOptions {
            mode: Some(AccessMode::Template),
            api_key_file: Some(folder.path().join("keys")),
            credentials: Some(Credentials::new(ID, SECRET, token, None, "test")),
            ..AccessOptions::default()
        },
        ..ServerOptions::default()
    })
    .await
    .unwrap();
    let url = format!("{}/scalableTargetDimensions/a%20b%2Bc", server.base_url());
    let environment = |secret| {
        [
            ("AWS_ACCESS_KEY_ID", ID),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_SESSION_TOKEN", "session-token"),
        ]
    };
    let check = ["--endpoint", &url, "--check"];
    let signed = [&check[..], &["--sigv4", "us-east-1"]].concat();
    let done = simulate_in(&signed, &environment(SECRET)).await;
    assert_eq!(done.parts(), (Some(0), ""), "{}", done.out);
    for (arguments, secret) in [(&signed[..], "another"), (&check[..], SECRET)] {
        let done = simulate_in(arguments, &environment(secret)).await;
        assert_ne!(done.parts().0, Some(0), "{}", done.out);
    }
    server.stop().await;
}
