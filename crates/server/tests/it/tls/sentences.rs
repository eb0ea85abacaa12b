//! The error message of each failed start, before anything has changed.

use tempfile::TempDir;

use super::{
    NAME, TlsFiles,
    certificates::{Authority, api_gateway},
};
use crate::binary::{Binary, command, refusal};

/// The error message of a start with these options, which must fail and leave nothing behind.
async fn sentence(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let (code, said) = refusal(command(arguments).env("FLEET_DATA_DIR", &data)).await;
    assert_eq!(code, Some(1), "{arguments:?}: {said}");
    assert!(!data.exists(), "{arguments:?} left a data folder");
    let said = said
        .strip_prefix("fleet-server: ")
        .unwrap()
        .trim_end()
        .to_owned();
    assert!(!said.contains('\n'), "{said}");
    said
}

#[tokio::test]
async fn options_that_need_or_contradict_each_other_are_told() {
    for (arguments, expected) in [
        (
            &["--tls-cert", "c"][..],
            "The option --tls-cert needs --tls-key: give both, or leave --tls-cert out.",
        ),
        (
            &["--tls-key", "k"],
            "The option --tls-key needs --tls-cert: give both, or leave --tls-key out.",
        ),
        (
            &[
                "--tls-cert",
                "c",
                "--tls-key",
                "k",
                "--acme-domain",
                "a.example.com",
            ],
            "The options --tls-cert and --acme-domain contradict each other: a certificate comes from files or by ACME.",
        ),
        (
            &[
                "--tls-cert",
                "c",
                "--tls-key",
                "k",
                "--acme-email",
                "a@example.com",
            ],
            "The options --tls-cert and --acme-email contradict each other: a certificate comes from files or by ACME.",
        ),
        (
            &["--acme-email", "a@example.com"],
            "The option --acme-email needs --acme-domain: give both, or leave --acme-email out.",
        ),
        (
            &["--client-ca", "c"],
            "The option --client-ca needs --tls-cert or --acme-domain: give both, or leave --client-ca out.",
        ),
        (
            &["--http-redirect", "127.0.0.1:0"],
            "The option --http-redirect needs --tls-cert or --acme-domain: give both, or leave --http-redirect out.",
        ),
        (
            &["--acme-domain", "a.example.com", "--client-ca-routes", "*"],
            "The option --client-ca-routes needs --client-ca: give both, or leave --client-ca-routes out.",
        ),
        (
            &["--acme-domain", "a.example.com", "--in-memory"],
            "The option --acme-domain needs --acme-cache where the data is in memory: give both, or leave --acme-domain out.",
        ),
        (
            &[
                "--acme-domain",
                "a.example.com",
                "--aws-listen",
                "0.0.0.0:0",
            ],
            "With HTTPS, --aws-listen must be on loopback, but is 0.0.0.0:0: these endpoints accept any credentials.",
        ),
        (
            &["--acme-domain", "*.example.com"],
            "The option --acme-domain has the value \"*.example.com\": it must be a whole DNS name like api.example.com; ACME over this port gives no wildcards and no addresses.",
        ),
        (
            &["--acme-domain", "a.example.com", "--acme-email", "ops"],
            "The option --acme-email has the value \"ops\": it must be one address like name@example.com.",
        ),
        (
            &[
                "--acme-domain",
                "a.example.com",
                "--acme-directory",
                "http://ca.example.com",
            ],
            "The option --acme-directory has the value \"http://ca.example.com\": it must be letsencrypt, letsencrypt-staging, or the https:// address of an ACME directory.",
        ),
    ] {
        assert_eq!(sentence(arguments).await, expected);
    }
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_told_by_name() {
    let files = TlsFiles::new();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let other = Authority::new("another").server(NAME);
    let cut = std::fs::read(&cert).unwrap();
    let paths = [
        ("missing", files.path("missing")),
        ("folder", files.folder.path().to_owned()),
        ("text", files.write("text", "hello")),
        ("cut", files.write("cut", &cut[..cut.len() / 2])),
        ("der", files.write("der", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n")),
        ("other-key", files.write("other-key", &other.key)),
        ("locked", files.write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGVsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n")),
        ("odd-key", files.write("odd-key", "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n")),
        ("cert", cert),
        ("key", key),
    ];
    let path = |name: &str| {
        paths
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
            .to_str()
            .unwrap()
            .to_owned()
    };
    for (cert, key, expected) in [
        (
            "missing",
            "key",
            "Cannot read {cert} of --tls-cert (it does not exist).",
        ),
        (
            "cert",
            "missing",
            "Cannot read {key} of --tls-key (it does not exist).",
        ),
        (
            "folder",
            "key",
            "The file {cert} of --tls-cert is a folder.",
        ),
        (
            "text",
            "key",
            "The file {cert} of --tls-cert has no certificate in it: it must be PEM, with a line -----BEGIN CERTIFICATE-----.",
        ),
        (
            "cut",
            "key",
            "The file {cert} of --tls-cert is not valid PEM: a block is cut short or not base64.",
        ),
        (
            "der",
            "key",
            "The file {cert} of --tls-cert has a certificate that cannot be read, number 1.",
        ),
        (
            "cert",
            "text",
            "The file {key} of --tls-key has no private key in it: it must be PEM, with a line -----BEGIN PRIVATE KEY-----.",
        ),
        (
            "cert",
            "cert",
            "The file {key} of --tls-key has no private key in it: it must be PEM, with a line -----BEGIN PRIVATE KEY-----.",
        ),
        (
            "cert",
            "locked",
            "The file {key} of --tls-key is protected by a password: give the key without one (openssl pkey -in FILE -out FILE).",
        ),
        (
            "cert",
            "odd-key",
            "The file {key} of --tls-key has a private key of a kind that TLS does not use.",
        ),
        (
            "cert",
            "other-key",
            "The private key {key} does not match the certificate {cert}: use the key that the certificate was issued for.",
        ),
    ] {
        let (cert, key) = (path(cert), path(key));
        let said = sentence(&["--tls-cert", &cert, "--tls-key", &key]).await;
        assert_eq!(
            said,
            expected.replace("{cert}", &cert).replace("{key}", &key)
        );
    }
    let text = path("text");
    let said = sentence(&[
        "--tls-cert",
        &path("cert"),
        "--tls-key",
        &path("key"),
        "--client-ca",
        &text,
    ])
    .await;
    assert_eq!(
        said,
        format!(
            "The file {text} of --client-ca has no certificate in it: it must be PEM, with a line -----BEGIN CERTIFICATE-----."
        )
    );
    let listed = files.write("listed", api_gateway().cert);
    let arguments = [
        "--tls-cert",
        &path("cert"),
        "--tls-key",
        &path("key"),
        "--client-ca",
        listed.to_str().unwrap(),
        "--client-ca-routes",
        "/scaling",
    ];
    let said = sentence(&arguments).await;
    assert!(said.starts_with("The pattern /scaling of --client-ca-routes matches no route: the routes are /api/authors, "), "{said}");
}

#[tokio::test]
async fn a_cache_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let cache = folder.path().to_str().unwrap();
    let said = sentence(&["--acme-domain", "a.example.com", "--acme-cache", cache]).await;
    assert_eq!(
        said,
        format!(
            "Other users can read the folder {cache} of --acme-cache, where private keys are kept: chmod 700 {cache}"
        )
    );
}

#[tokio::test]
async fn what_will_not_do_for_long_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = TlsFiles::new();
    let listed = files.write("listed", super::certificates::expired_api_gateway().cert);
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let [cert, key, listed] = [&cert, &key, &listed].map(|path| path.to_str().unwrap());
    let server = Binary::start(&[
        "--in-memory",
        "--tls-cert",
        cert,
        "--tls-key",
        key,
        "--client-ca",
        listed,
    ])
    .await;
    let said = server.said.join("\n");
    assert!(
        said.contains(&format!(
            "every user of this machine can read the private key {key}"
        )),
        "{said}"
    );
    assert!(
        said.contains("a certificate of --client-ca has expired"),
        "{said}"
    );
    let plain = Binary::start_with(
        &["--in-memory", "--access", "open"],
        &[("FLEET_LISTEN", "0.0.0.0:0")],
    )
    .await;
    assert!(
        plain
            .said
            .join("\n")
            .contains("accepts plain HTTP from other machines"),
        "{:?}",
        plain.said
    );
}
