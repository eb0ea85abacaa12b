//! `fleet-server export` and `fleet-server import`.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    binary::{Binary, Signal, command},
    client,
};

/// Runs `export` or `import`; returns its exit code and both output streams.
async fn transfer(word: &str, file: &Path, folder: &Path) -> (Option<i32>, String) {
    let output = command(&[
        word,
        file.to_str().unwrap(),
        "--data-dir",
        folder.to_str().unwrap(),
    ])
    .output()
    .await
    .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A folder with 250 instances, more than two pages of a list, and two dimensions.
async fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut server = Binary::start_with(
        &["--data-dir", folder.path().to_str().unwrap()],
        &[("SCALING_MODE", "production")],
    )
    .await;
    let address = server.address();
    for number in 0..250 {
        let packages: Vec<Value> = (0..number % 3)
            .map(|n| json!({"package_name": format!("p{n}"), "package_version": "1 \"é\""}))
            .collect();
        let body = json!({"aws_region": "r", "aws_account": "a", "packages": packages});
        let path = format!("/ec2/i-{number:03}");
        let answer = client::send(address, "POST", &path, body.to_string()).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for (id, body) in [
        ("one", json!({"desiredCapacity": 2.5})),
        (
            "two",
            json!({"scalingStatus": "Failed", "failureReason": "no capacity"}),
        ),
    ] {
        let path = format!("/scalableTargetDimensions/{id}");
        let answer = client::send(address, "PATCH", &path, body.to_string()).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
    folder
}

#[tokio::test]
async fn an_import_elsewhere_exports_the_same_file_and_can_be_repeated() {
    let folder = filled().await;
    let files = TempDir::new().unwrap();
    let (first, second) = (files.path().join("first"), files.path().join("second"));
    let told = format!(
        "250 instances and 2 dimensions are in {}.\n",
        first.display()
    );
    assert_eq!(
        transfer("export", &first, folder.path()).await,
        (Some(0), told)
    );
    let lines = fs::read_to_string(&first).unwrap();
    // 250 instances, 2 dimensions, 3 positions and the end.
    assert_eq!(lines.lines().count(), 256);

    let other = TempDir::new().unwrap();
    for said in [
        "252 added, 0 already existed, 0 exist with other contents.\n",
        "0 added, 252 already existed, 0 exist with other contents.\n",
    ] {
        assert_eq!(
            transfer("import", &first, other.path()).await,
            (Some(0), said.to_owned())
        );
    }
    transfer("export", &second, other.path()).await;
    // Including the dates.
    assert_eq!(fs::read_to_string(&second).unwrap(), lines);
    let again = transfer("export", &second, other.path()).await;
    assert_eq!(
        again,
        (
            Some(0),
            format!("{} is already complete.\n", second.display())
        )
    );
}

#[tokio::test]
async fn an_export_that_was_cut_anywhere_resumes() {
    let folder = filled().await;
    let files = TempDir::new().unwrap();
    let whole = files.path().join("whole");
    transfer("export", &whole, folder.path()).await;
    let bytes = fs::read(&whole).unwrap();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let up_to = |count: usize| lines[..count].concat().len();
    // In and after the first line, within a line, between the pages, at the dimensions, before and in the last line.
    for cut in [
        10,
        up_to(1),
        up_to(57) + 5,
        up_to(100),
        up_to(250),
        up_to(251),
        up_to(252),
        bytes.len() - 1,
    ] {
        let file = files.path().join("cut");
        fs::write(&file, &bytes[..cut]).unwrap();
        let (code, said) = transfer("export", &file, folder.path()).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "cut at {cut}");
    }
    let file = files.path().join("unfinished");
    fs::write(&file, &bytes[..up_to(30)]).unwrap();
    let (code, said) = transfer("import", &file, TempDir::new().unwrap().path()).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("is an unfinished export"), "{said}");
}

#[tokio::test]
async fn an_import_keeps_records_with_other_contents_and_names_an_invalid_line() {
    let folder = filled().await;
    let files = TempDir::new().unwrap();
    let file = files.path().join("file");
    transfer("export", &file, folder.path()).await;
    let text = fs::read_to_string(&file).unwrap();
    let other = text
        .replacen("\"aws_region\":\"r\"", "\"aws_region\":\"s\"", 1)
        .replacen("2.5", "3.5", 1);
    assert_ne!(other, text);
    fs::write(&file, &other).unwrap();
    let (code, said) = transfer("import", &file, folder.path()).await;
    assert_eq!(code, Some(4));
    for part in [
        "The instance i-000 already exists with other contents and was not changed.",
        "The dimension one already exists with other contents and was not changed.",
        "0 added, 250 already existed, 2 exist with other contents.",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let kept = files.path().join("kept");
    transfer("export", &kept, folder.path()).await;
    assert_eq!(fs::read_to_string(&kept).unwrap(), text);

    let first = text.lines().next().unwrap();
    for (line, reason) in [
        ("nonsense", "expected"),
        (
            &first.replace("\"aws_region\":\"r\"", "\"aws_region\":\"\""),
            "empty",
        ),
        (
            &first.replace("_utc\":\"20", "_utc\":\"x20"),
            "creation_date_utc",
        ),
    ] {
        fs::write(&file, format!("{first}\n{line}\n")).unwrap();
        let (code, said) = transfer("import", &file, folder.path()).await;
        assert_eq!(code, Some(1), "{said}");
        let named = format!("Line 2 of {} is not a line of an export (", file.display());
        assert!(said.contains(&named) && said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn an_export_by_the_api_has_the_same_records_with_its_key_and_signatures() {
    let folder = filled().await;
    let files = TempDir::new().unwrap();
    let by_stores = files.path().join("stores");
    transfer("export", &by_stores, folder.path()).await;
    let keys = files.path().join("keys");
    let (keys, data) = (keys.to_str().unwrap(), folder.path().to_str().unwrap());
    let credentials = [
        ("AWS_ACCESS_KEY_ID", "caller"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("SCALING_MODE", "production"),
    ];
    let server = Binary::start_with(
        &[
            "--data-dir",
            data,
            "--access",
            "template",
            "--api-key-file",
            keys,
        ],
        &credentials,
    )
    .await;
    let url = format!("http://{}/", server.address());
    let export = async |file: &Path, options: &[&str]| {
        let file = file.to_str().unwrap();
        let output = command(&[&["export", file, "--url", &url], options].concat())
            .envs(credentials)
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let by_api = files.path().join("api");
    let (code, text) = export(&by_api, &[]).await;
    assert_eq!(code, Some(1));
    assert!(
        text.contains("/ec2?limit=100 failed (403: This route requires an API key. Send a valid one in the header x-api-key). Run it again to continue."),
        "{text}"
    );
    // The instances are in the file, and the dimensions are refused.
    let (code, text) = export(&by_api, &["--api-key-file", keys]).await;
    assert_eq!(code, Some(1));
    assert!(
        text.contains("/scalableTargetDimensions?limit=100 failed (403: "),
        "{text}"
    );
    let (code, text) = export(&by_api, &["--api-key-file", keys, "--sign", "us-east-1"]).await;
    assert_eq!(code, Some(0), "{text}");
    let records = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        // The positions are specific to the source.
        let lines = text.lines().filter(|line| !line.starts_with("{\"next\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(records(&by_api).len(), 253);
    assert_eq!(records(&by_api), records(&by_stores));
}

#[tokio::test]
async fn a_base_url_and_its_options_are_checked() {
    for (options, message) in [
        (["--url", "ftp://x"], "must begin with http:// or https://"),
        (["--url", "http://x/?a=b"], "without a query"),
        (["--sign", "us-east-1"], "--url <URL>"),
    ] {
        let output = command(&[&["export", "file"][..], &options].concat())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(message), "{text}");
    }
}
