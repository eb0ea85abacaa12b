//! Two hundred hostile ids: each is stored unchanged or rejected.

use fastrand::Rng;
use fleet_faults::{FaultRun, ServerConnection, ServerProcess};
use fleet_testing::fresh_database;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::json;

const SERVER: &str = env!("CARGO_BIN_EXE_fleet-faults-server");
const COUNT: usize = 200;

/// Texts with a special meaning to some component along the way, but plain text to the API.
const TEXTS: [&str; 72] = [
    ".",
    "..",
    "...",
    "../..",
    "..\\..",
    "../../etc/passwd",
    "/",
    "//",
    "/x",
    "x/",
    "\\",
    "\\\\x\\y",
    "C:\\",
    "%",
    "%%",
    "%0",
    "%zz",
    "%00",
    "%0d%0a",
    "%2e%2e%2f",
    "%252e",
    "%u0041",
    "+",
    "a+b",
    "a b",
    "&",
    "a=b&c=d",
    "?",
    "?x=1",
    "#",
    "#x",
    ";",
    "a;b",
    "'",
    "''",
    "\"",
    "`",
    "'--",
    "' OR '1'='1",
    ":id",
    ":token",
    "?1",
    "@x",
    "$1",
    "${x}",
    "$(id)",
    "{{7*7}}",
    "{}",
    "{aws_instance_id}",
    "[]",
    "null",
    "NULL",
    "undefined",
    "NaN",
    "true",
    "0",
    "-1",
    "1e309",
    "%s%n",
    "<b>",
    "<!--",
    "]]>",
    "&amp;",
    "health",
    "v1",
    "con",
    "*",
    "~",
    "!",
    "|",
    "\u{feff}x",
    "x\u{202e}y",
];
/// A word in each of several scripts, and texts that look like others.
const SCRIPTS: [&str; 24] = [
    "сервер",
    "διακομιστής",
    "خادم",
    "שרת",
    "सर्वर",
    "服务器",
    "サーバー",
    "서버",
    "เซิร์ฟเวอร์",
    "მასპინძელი",
    "սերվեր",
    "ሰርቨር",
    "é",
    "e\u{301}",
    "ß",
    "ss",
    "İ",
    "ı",
    "ﬁ",
    "fi",
    "👩\u{200d}💻",
    "🏳️",
    "𝕏",
    "\u{301}",
];

/// Those of these texts with a format character, or without a visible one.
const UNPRINTABLE: [&str; 3] = ["\u{feff}x", "x\u{202e}y", "\u{301}"];

/// The bytes of an id, and whether an instance and a dimension may have it.
struct Id {
    bytes: Vec<u8>,
    instance: bool,
    dimension: bool,
}

fn id(text: impl Into<String>, instance: bool, dimension: bool) -> Id {
    Id {
        bytes: text.into().into_bytes(),
        instance,
        dimension,
    }
}

fn ids(rng: &mut Rng) -> Vec<Id> {
    let mut ids: Vec<Id> = TEXTS
        .iter()
        .chain(&SCRIPTS)
        .map(|text| {
            let is_printable = !UNPRINTABLE.contains(text);
            id(*text, is_printable, is_printable && !text.contains('/'))
        })
        .collect();
    for c in ["x", "é", "界", "𝕏"] {
        ids.push(id(c.repeat(255), true, true));
        ids.push(id(c.repeat(256), false, false));
    }
    // Control characters, line and paragraph separators, and noncharacters.
    for c in (0..0x20).chain([
        0x7f, 0x80, 0x85, 0x9f, 0x2028, 0x2029, 0xfdd0, 0xffff, 0x1_fffe, 0x10_ffff,
    ]) {
        ids.push(id(
            format!("a{}b", char::from_u32(c).unwrap()),
            false,
            false,
        ));
    }
    for outer in [" a", "a ", "\u{a0}a", "a\u{3000}", "\u{2003}a", "a\u{205f}"] {
        ids.push(id(outer, false, true));
    }
    for bytes in [
        &[0xff][..],
        &[0xc0, 0x80],
        &[0xed, 0xa0, 0x80],
        &[0xf5, 0x80, 0x80, 0x80],
        &[b'a', 0xe2, 0x82],
    ] {
        ids.push(Id {
            bytes: bytes.to_vec(),
            instance: false,
            dimension: false,
        });
    }
    // Any letters and signs, of any length.
    while ids.len() < COUNT {
        let first = [
            0x21, 0x3b1, 0x430, 0x5d0, 0x905, 0xe01, 0x3041, 0x4e00, 0xac00, 0x1_0400, 0x1_f300,
            0x2_0000,
        ][rng.usize(..12)];
        let text: String = (0..rng.usize(1..=255))
            .map(|_| char::from_u32(first + rng.u32(0..14)).unwrap())
            .collect();
        let slash = text.contains('/');
        ids.push(id(text, true, !slash));
    }
    ids
}

fn path(prefix: &str, id: &Id) -> String {
    format!("{prefix}/{}", percent_encode(&id.bytes, NON_ALPHANUMERIC))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_id_is_kept_as_it_is_or_refused() {
    let run = FaultRun::of("hostile ids");
    let ids = ids(&mut run.rng(0));
    assert_eq!(ids.len(), COUNT);
    let database = fresh_database();
    let variables: Vec<(&str, &str)> = database
        .iter()
        .map(|url| ("FLEET_DATABASE_URL", url.as_str()))
        .collect();
    let server = ServerProcess::start(
        SERVER,
        &["--in-memory"],
        &[&[("RUST_LOG", "error")], variables.as_slice()].concat(),
    )
    .await;
    let mut connection = ServerConnection::open(server.address()).await.unwrap();
    const DIMENSIONS: &str = "/v1/scalableTargetDimensions";

    for (number, id) in ids.iter().enumerate() {
        let body = json!({"aws_region": format!("r{number}"), "aws_account": "a", "packages": [{"package_name": "p", "package_version": "v"}]});
        let added = connection
            .send("POST", &path("/ec2", id), body.to_string())
            .await
            .unwrap();
        assert_eq!(
            added.status,
            if id.instance { 200 } else { 400 },
            "{:?}: {}",
            String::from_utf8_lossy(&id.bytes),
            added.text
        );
        let patch = format!(r#"{{"desiredCapacity":{}.5}}"#, number + 2);
        let patched = connection
            .send("PATCH", &path(DIMENSIONS, id), patch)
            .await
            .unwrap();
        assert_eq!(
            patched.status,
            if id.dimension { 200 } else { 400 },
            "{:?}: {}",
            String::from_utf8_lossy(&id.bytes),
            patched.text
        );
    }
    let (mut instances, mut dimensions) = (0, 0);
    for (number, id) in ids.iter().enumerate() {
        let text = String::from_utf8_lossy(&id.bytes);
        let found = connection.send("GET", &path("/ec2", id), "").await.unwrap();
        if id.instance {
            let record = &found.body["record"];
            assert_eq!(
                (&record["aws_instance_id"], &record["aws_region"]),
                (&json!(text), &json!(format!("r{number}")))
            );
            let removed = connection
                .send("DELETE", &path("/ec2", id), "")
                .await
                .unwrap();
            assert_eq!(removed.body, json!({"record_deleted": true}), "{text:?}");
            instances += 1;
        } else {
            assert!(
                found.status == 400 && found.body["request_id"].is_string(),
                "{text:?}: {}",
                found.text
            );
        }
        let found = connection
            .send("GET", &path(DIMENSIONS, id), "")
            .await
            .unwrap();
        if id.dimension {
            let desired = number as f64 + 2.5;
            assert_eq!(
                (
                    &found.body["scalableTargetDimensionId"],
                    &found.body["desiredCapacity"]
                ),
                (&json!(text), &json!(desired))
            );
            dimensions += 1;
        } else {
            assert_eq!(found.status, 400, "{text:?}: {}", found.text);
        }
    }
    assert_eq!(
        connection.send("GET", "/ec2", "").await.unwrap().body,
        json!({"records": []})
    );
    run.report(format_args!("{COUNT}; {instances} kept as instances, {dimensions} as dimensions, each itself; the others 400"));
}
