//! A server that hosts a subset of the functions.

use crate::{
    binary::{Binary, Signal, command, refusal},
    client::send,
    support::TestServer,
};

const MISSING: &str = r#"{"message":"Missing Authentication Token"}"#;

#[tokio::test]
async fn functions_without_a_store_start_with_no_setting_at_all() {
    let mut server = Binary::start(&["--backend", "aws", "--functions", "books,authors"]).await;
    let said = server.said.join("\n");
    assert!(
        said.contains("  stores               none: these functions need none\n"),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "Try:\n  curl http://{}/api/books\n",
            server.address()
        )) && !said.contains("ec2"),
        "{said}"
    );
    assert!(!said.contains("in a browser"), "{said}");
    for (path, status) in [
        ("/api/books", 200),
        ("/api/books/1", 200),
        ("/api/books/0", 404),
        ("/api/books/health", 200),
    ] {
        for service in ["books", "authors"] {
            assert_eq!(
                send(server.address(), "GET", &path.replace("books", service), "")
                    .await
                    .status,
                status,
                "{path}"
            );
        }
    }
    for (method, path) in [
        ("POST", "/api/books"),
        ("GET", "/ec2"),
        ("POST", "/ec2/i-1"),
        ("GET", "/v1"),
        ("GET", "/v1/health"),
        ("PATCH", "/scalableTargetDimensions/1"),
        ("GET", "/docs"),
        ("GET", "/_ui/filters"),
        ("GET", "/_ui/state"),
    ] {
        let answer = send(server.address(), method, path, "").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (403, MISSING),
            "{method} {path}"
        );
    }
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn the_variable_names_functions_too_and_nothing_is_made_for_stores_that_none_needs() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    let variables = [
        ("FLEET_FUNCTIONS", "books"),
        ("FLEET_DATA_DIR", data.to_str().unwrap()),
    ];
    let server = Binary::start_with(&[], &variables).await;
    assert_eq!(
        send(server.address(), "GET", "/api/books/1", "")
            .await
            .status,
        200
    );
    assert_eq!(
        send(server.address(), "GET", "/api/authors/1", "")
            .await
            .status,
        403
    );
    assert!(!data.exists());
}

#[tokio::test]
async fn functions_with_a_store_have_theirs() {
    let aws = TestServer::start().await;
    let endpoint = aws.aws_endpoint_url();
    let variables = [
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    let functions = [
        "--functions",
        "scalable-dimension-get,scalable-dimension-patch",
    ];
    let server = Binary::start_with(
        &["--backend", "aws", functions[0], functions[1]],
        &variables,
    )
    .await;
    let path = "/v1/scalableTargetDimensions/1-1";
    assert_eq!(
        send(
            server.address(),
            "PATCH",
            path,
            r#"{"desiredCapacity":2.0}"#
        )
        .await
        .status,
        200
    );
    assert_eq!(aws.get(path).await.body["desiredCapacity"], 2.0);
    assert_eq!(send(server.address(), "GET", "/ec2", "").await.status, 403);
    let embedded = Binary::start(&["--in-memory", "--functions", "ec2-inventory-list"]).await;
    assert_eq!(
        send(embedded.address(), "GET", "/ec2", "").await.status,
        200
    );
    assert_eq!(send(embedded.address(), "GET", path, "").await.status, 403);
}

#[tokio::test]
async fn what_cannot_be_hosted_is_named_with_what_can_be() {
    let names = "[possible values: ec2-inventory-add, ec2-inventory-get, ec2-inventory-list, ec2-inventory-remove, \
                 scalable-dimension-get, scalable-dimension-list, scalable-dimension-patch, books, authors, health, metadata";
    for value in ["books,films", "Books", "books,", ""] {
        let (code, said) = refusal(&mut command(&["--functions", value])).await;
        assert!(
            code == Some(2) && said.contains("--functions <NAMES>") && said.contains(names),
            "{value}: {said}"
        );
    }
    let (code, said) = refusal(&mut command(&[
        "--backend",
        "aws",
        "--functions",
        "books,health",
    ]))
    .await;
    assert!(
        code == Some(1) && said.contains("The environment variable DB_CLUSTER_ARN is not set"),
        "{said}"
    );
    let folder = tempfile::TempDir::new().unwrap();
    let template = folder.path().join("template.yaml");
    let function = "Resources: {B: {Type: AWS::Serverless::Function, Metadata: {BuildProperties: {Binary: books}}, \
                    Properties: {Events: {E: {Type: Api, Properties: {Path: /b, Method: GET}}}}}}";
    std::fs::write(&template, function).unwrap();
    let (code, said) = refusal(&mut command(&[
        "--template",
        template.to_str().unwrap(),
        "--functions",
        "authors",
    ]))
    .await;
    assert!(
        code == Some(1)
            && said.contains("it has no route to the function authors, which --functions names"),
        "{said}"
    );
}
