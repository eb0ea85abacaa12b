//! The output of a start, and the error message and exit code of each failed start.

use std::{fs, net::TcpListener, path::Path};

use tempfile::TempDir;

use crate::{
    binary::{Binary, command, refusal},
    client,
};

/// The error message of a start with these arguments, which must fail with exit code 1.
async fn sentence(arguments: &[&str]) -> String {
    sentence_of(&mut command(arguments)).await
}

async fn sentence_of(command: &mut tokio::process::Command) -> String {
    let (code, said) = refusal(command).await;
    assert_eq!(code, Some(1), "{said}");
    let said = said
        .strip_prefix("fleet-server: ")
        .unwrap()
        .strip_suffix(".\n")
        .unwrap();
    assert!(!said.contains('\n'), "{said}");
    said.to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_start_says_where_everything_is_and_what_to_try() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let server = Binary::start(&["--data-dir", text(&data)]).await;
    let said = server
        .said
        .join("\n")
        .replace(&server.address().to_string(), "API")
        .replace(text(&data), "DATA");
    let aws = said
        .split_once("AWS_ENDPOINT_URL=http://")
        .unwrap()
        .1
        .split_once(')')
        .unwrap()
        .0
        .to_owned();
    insta::assert_snapshot!(said.replace(&aws, "AWS").replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r#"
    Fleet API VERSION answers on http://API
      in a browser         http://API/ shows what is stored, http://API/docs has every route to try
      local AWS endpoints  http://AWS (any AWS SDK or CLI: AWS_ENDPOINT_URL=http://AWS)
      data folder          DATA
    Try:
      curl -X POST http://API/ec2/instance-002 -d '{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"}]}'
      curl http://API/ec2/instance-002
      curl -X PATCH http://API/v1/scalableTargetDimensions/1-23456789 -d '{"desiredCapacity":2.0}'
    Ctrl-C stops the server.
    "#);
}

#[tokio::test]
async fn the_data_folder_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let data = folder.path().join("deep/data");
    let _server = Binary::start(&["--data-dir", text(&data)]).await;
    assert_eq!(
        fs::metadata(&data).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--aws-listen"] {
        let (code, said) = refusal(&mut command(&["--in-memory", option, &address])).await;
        let expected = format!(
            "fleet-server: The address {address} of {option} is already in use.\nStop what uses it, or add to the command:\n  {option} 127.0.0.1:"
        );
        assert_eq!(
            (code, said.starts_with(&expected)),
            (Some(1), true),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_second_server_hears_of_all_its_conflicts_and_what_to_type() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let first = Binary::start(&["--data-dir", text(&data)]).await;
    let said = first.said.join("\n");
    let (_, aws) = said.split_once("AWS_ENDPOINT_URL=http://").unwrap();
    let (aws, _) = aws.split_once(')').unwrap();
    let second = |listen: &str, aws_listen: &str, data_dir: &str| {
        let mut command = command(&[]);
        command
            .env("FLEET_LISTEN", listen)
            .env("FLEET_AWS_LISTEN", aws_listen)
            .env("FLEET_DATA_DIR", data_dir);
        command
    };
    let address = first.address().to_string();
    let (code, said) = refusal(&mut second(&address, aws, text(&data))).await;
    assert_eq!(code, Some(1));
    let lines: Vec<_> = said.lines().collect();
    let [api, endpoints, data_folder, stop, line] = lines[..] else {
        panic!("{said}")
    };
    assert_eq!(
        [api, endpoints, data_folder, stop],
        [
            format!("fleet-server: The address {address} of --listen is already in use."),
            format!("The address {aws} of --aws-listen is already in use."),
            format!(
                "The data folder {} is in use by another server.",
                data.display()
            ),
            "Stop what uses them, or type:".to_owned(),
        ]
    );
    // The printed command works as it is.
    let (program, options) = line.trim().split_once(" --listen ").unwrap();
    assert_eq!(program, env!("CARGO_BIN_EXE_fleet-server"));
    let (listen, options) = options.split_once(" --aws-listen ").unwrap();
    let (aws_listen, data_dir) = options.split_once(" --data-dir ").unwrap();
    let options = [
        "--listen",
        listen,
        "--aws-listen",
        aws_listen,
        "--data-dir",
        data_dir,
    ];
    let second = Binary::start(&options).await;
    assert_eq!(second.address().to_string(), listen);
    assert_eq!(data_dir, format!("{}-2", data.display()));
}

#[tokio::test]
async fn data_in_memory_has_no_folder() {
    let (code, said) = refusal(&mut command(&["--in-memory", "--data-dir", "data"])).await;
    assert!(
        code == Some(2) && said.contains("cannot be used with"),
        "{said}"
    );
}

#[tokio::test]
async fn two_databases_at_once_are_refused() {
    let url = ["--database-url", "mysql://127.0.0.1/d"];
    let both = [&["--in-memory", "--engine", "mariadb"], &url[..]].concat();
    assert_eq!(
        sentence(&both).await,
        "--engine mariadb and a database URL name two databases: leave out one of them"
    );
}

#[tokio::test]
async fn an_address_that_is_not_this_machines_is_named() {
    // From the documentation block (RFC 5737), which no machine has.
    let elsewhere = [
        "--in-memory",
        "--access",
        "open",
        "--listen",
        "192.0.2.1:3000",
    ];
    let said = sentence(&elsewhere).await;
    assert_eq!(
        said,
        "Cannot listen on 192.0.2.1:3000 (this machine does not have that address): choose another address with --listen"
    );
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (data, reason) in [
        (
            file.join("data"),
            "a part of its path is a file, not a folder",
        ),
        (file, "it is a file, not a folder"),
    ] {
        let expected = format!(
            "Cannot write to the data folder {} ({reason}): choose another one with --data-dir, or use --in-memory",
            data.display()
        );
        assert_eq!(sentence(&["--data-dir", text(&data)]).await, expected);
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let _first = Binary::start(&["--data-dir", text(folder.path())]).await;
    let (code, said) = refusal(&mut command(&["--data-dir", text(folder.path())])).await;
    let path = folder.path().display();
    let expected = format!(
        "fleet-server: The data folder {path} is in use by another server.\nStop what uses it, or add to the command:\n  --data-dir {path}-2\n"
    );
    assert_eq!((code, said), (Some(1), expected));
}

#[tokio::test]
async fn a_template_that_cannot_be_served_is_named_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("template.yaml");
    let template = text(&file);
    assert_eq!(
        sentence(&["--in-memory", "--template", template]).await,
        format!(
            "Cannot read the template {template} (it does not exist): choose another file with --template"
        )
    );
    let function = |binary: &str, path: &str| {
        format!(
            "{{Type: AWS::Serverless::Function, Metadata: {{BuildProperties: {{Binary: {binary}}}}}, \
             Properties: {{Events: {{E: {{Type: Api, Properties: {{Path: {path}, Method: GET}}}}}}}}}}"
        )
    };
    let resources = |list: &[String]| {
        let list: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(index, body)| format!("  F{index}: {body}\n"))
            .collect();
        format!("Resources:\n{}", list.concat())
    };
    for (body, reason) in [
        ("Resources: [}".to_owned(), "it is not valid YAML ("),
        (
            String::new(),
            "it has no routes: no AWS::Serverless::Function in its Resources has an event of type Api",
        ),
        (
            resources(&[function("nothing", "/a")]),
            "its function F0 is the program nothing, which this server does not have; it has ",
        ),
        (
            resources(&[function("books", "/a"), function("authors", "/a/")]),
            "it has the route GET /a twice",
        ),
        (
            resources(&[function("books", "'/a{b'")]),
            "its path /a{b is not valid in API Gateway",
        ),
    ] {
        fs::write(&file, &body).unwrap();
        let said = sentence(&["--in-memory", "--template", template]).await;
        assert!(
            said.starts_with(&format!(
                "The template {template} cannot be served: {reason}"
            )),
            "{said}\n{body}"
        );
    }
    fs::write(&file, b"\xFF").unwrap();
    let said = sentence(&["--in-memory", "--template", template]).await;
    assert_eq!(
        said,
        format!(
            "Cannot read the template {template} (it is not UTF-8 text): choose another file with --template"
        )
    );
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let said = sentence_of(command(&["--in-memory"]).env("SCALING_MODE", "Demo")).await;
    assert_eq!(
        said,
        "The environment variable SCALING_MODE must be demo or production"
    );
    // Empty counts as unset.
    let said = sentence_of(
        command(&["--in-memory"])
            .env("DB_NAME", "")
            .env("SCALING_MODE", "x"),
    )
    .await;
    assert_eq!(
        said,
        "The environment variable SCALING_MODE must be demo or production"
    );
}

#[tokio::test]
async fn a_database_url_that_is_none_is_refused_without_its_password() {
    let said = sentence(&[
        "--in-memory",
        "--database-url",
        "postgres://root:hunter2@localhost/db",
    ])
    .await;
    assert!(
        said.contains("mysql://") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_database_url_may_come_from_a_file_that_holds_one() {
    let folder = TempDir::new().unwrap();
    let (file, data) = (
        folder.path().join("database-url"),
        folder.path().join("data"),
    );
    let arguments = [
        "--data-dir",
        text(&data),
        "--database-url-file",
        text(&file),
    ];
    for (content, cause) in [(None, "it does not exist"), (Some(" \n"), "it is empty")] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let expected = format!(
            "Cannot read a database's address from {} ({cause}): the file of --database-url-file must hold mysql://user:password@host:3306/database",
            file.display()
        );
        assert_eq!(sentence(&arguments).await, expected);
    }
    fs::write(&file, "postgres://root:hunter2@localhost/db\n").unwrap();
    let said = sentence(&arguments).await;
    assert!(
        said.contains("mysql://") && !said.contains("hunter2"),
        "{said}"
    );
    let (code, said) =
        refusal(command(&arguments).env("FLEET_DATABASE_URL", "mysql://a:b@localhost/db")).await;
    assert!(
        code == Some(2) && said.contains("cannot be used with"),
        "{said}"
    );
}

#[tokio::test]
async fn the_backend_aws_needs_its_settings_and_a_region() {
    let said = sentence(&["--backend", "aws"]).await;
    assert!(
        said.starts_with("The environment variable DB_CLUSTER_ARN is not set; it must be "),
        "{said}"
    );
    let with_settings = |arguments: &[&str]| {
        let mut command = command(arguments);
        command
            .env(
                "DB_CLUSTER_ARN",
                "arn:aws:rds:us-east-1:123456789012:cluster:fleet",
            )
            .envs([
                ("DB_SECRET", "fleet-db"),
                ("DB_NAME", "ec2_inventory_db"),
                ("DIMENSIONS_TABLE", "fleet-dimensions"),
            ])
            .envs([
                ("HOME", "/nonexistent"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("FLEET_BACKEND", "aws"),
            ]);
        command
    };
    assert_eq!(
        sentence_of(&mut with_settings(&[])).await,
        "No AWS region is set: set AWS_REGION, or AWS_PROFILE to a profile that has one"
    );
    for (arguments, option) in [
        (&["--in-memory"][..], "--in-memory"),
        (
            &["--database-url", "mysql://a:b@localhost/db"],
            "--database-url",
        ),
    ] {
        let said = sentence_of(&mut with_settings(arguments)).await;
        assert_eq!(
            said,
            format!(
                "The option {option} is for the embedded backend: leave it out, or leave out --backend aws"
            )
        );
    }
}

#[tokio::test]
async fn a_wrong_option_is_a_usage_error() {
    for (arguments, expected) in [
        (
            &["--listen", "example.com"][..],
            "it must be an IP address and a port, like 0.0.0.0:3000, or a port of this machine",
        ),
        (&["--backend", "azure"], "[possible values: embedded, aws]"),
        (&["--verbose"], "unexpected argument '--verbose'"),
    ] {
        let (code, said) = refusal(&mut command(arguments)).await;
        assert!(code == Some(2) && said.contains(expected), "{said}");
    }
    let (code, said) = refusal(command(&[]).env("FLEET_IN_MEMORY", "perhaps")).await;
    assert!(code == Some(2) && said.contains("--in-memory"), "{said}");
}

#[tokio::test]
async fn the_log_is_text_without_colour_unless_json_is_asked_for() {
    for (arguments, begins, has) in [
        (&["--in-memory"][..], "20", "  200 GET    /v1/health "),
        (
            &["--in-memory", "--log-format", "json"],
            "{",
            "\"route\":\"/v1/health\"",
        ),
    ] {
        let mut server = Binary::start(arguments).await;
        client::send(server.address(), "GET", "/v1/health", "").await;
        server.wait_for_line("/v1/health").await;
        let line = server.said.last().unwrap();
        assert!(
            line.starts_with(begins) && line.contains(has) && !line.contains('\x1b'),
            "{line}"
        );
    }
}
