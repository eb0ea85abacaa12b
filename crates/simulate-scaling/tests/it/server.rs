//! Against the real server: demo mode, a failure on purpose, and production with an owner that reports.

use std::net::SocketAddr;

use fleet_server::{RunningServer, Server, ServerOptions};
use serde_json::{Value, json};

use crate::program::simulate;

const DAY: [&str; 8] = [
    "--load",
    "sine(min=20, max=400, period=24h)",
    "--start",
    "2026-01-05T00:00:00Z",
    "--noise",
    "8",
    "--schedule",
    "morning: cron(0 6 * * ? *) min=2",
];

pub(crate) async fn start() -> RunningServer {
    let port = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::start(ServerOptions {
        listen: port,
        aws_listen: port,
        in_memory: true,
        ..ServerOptions::default()
    })
    .await
    .unwrap()
}

fn dimension(server: &RunningServer, id: &str) -> String {
    format!("{}/scalableTargetDimensions/{id}", server.base_url())
}

#[tokio::test]
async fn a_day_in_demo_mode_follows_the_load() {
    let server = start().await;
    let folder = tempfile::tempdir().unwrap();
    let url = dimension(&server, "a day");
    let done = simulate(
        &[
            &[
                "--endpoint",
                &url.replace(' ', "%20"),
                "--out",
                folder.path().to_str().unwrap(),
            ],
            &DAY[..],
        ]
        .concat(),
    )
    .await;
    assert_eq!(done.parts(), (Some(0), ""));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();

    let log: Value = serde_json::from_str(&read("activities.json")).unwrap();
    let activities = log["ScalingActivities"].as_array().unwrap();
    assert!(
        activities
            .iter()
            .all(|activity| activity["StatusCode"] == "Successful"),
        "{log}"
    );
    let descriptions: Vec<&str> = activities
        .iter()
        .rev()
        .map(|activity| activity["Description"].as_str().unwrap())
        .collect();
    for words in [
        "Setting desired capacity to 2.",
        "Setting min capacity to 2",
        "Setting desired capacity to 8.",
    ] {
        assert!(descriptions.contains(&words), "{descriptions:?}");
    }

    let timeline = read("timeline.csv");
    let mut rows = timeline
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(rows.next().unwrap().len(), 8);
    let column = |row: &Vec<&str>, index: usize| row[index].parse::<f64>().unwrap();
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 1440);
    let above = rows.iter().filter(|row| column(row, 1) > 50.0).count();
    assert!(
        above < 144,
        "{above} of 1440 datapoints are above the target"
    );
    assert!(
        rows.iter()
            .all(|row| (column(row, 6)..=column(row, 7)).contains(&column(row, 5))),
        "the bounds hold"
    );

    let svg = read("scaling.svg");
    let picture = roxmltree::Document::parse(&svg).unwrap();
    let path = |id: &str| {
        picture
            .descendants()
            .find(|node| node.attribute("id") == Some(id))
            .unwrap()
            .attribute("d")
            .unwrap()
            .to_owned()
    };
    assert_eq!(path("metric").matches(['L', 'M']).count(), 1440);
    assert!(
        path("actual").matches('V').count() >= 10 && path("desired").matches('V').count() >= 10
    );
    let marks = picture.descendants().filter(|node| {
        node.attribute("class")
            .is_some_and(|class| class.starts_with("mark"))
            && node.has_children()
    });
    assert_eq!(
        marks.count(),
        descriptions
            .iter()
            .filter(|words| words.starts_with("Setting desired"))
            .count()
    );
    server.stop().await;
}

#[tokio::test]
async fn the_same_seed_brings_the_same_picture() {
    let server = start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut pictures = Vec::new();
    for (id, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
        let (url, file) = (dimension(&server, id), folder.path().join(id));
        let options = [
            "--endpoint",
            &url,
            "--svg",
            file.to_str().unwrap(),
            "--seed",
            seed,
            "--duration",
            "3h",
        ];
        let done = simulate(&[&options[..], &DAY[..]].concat()).await;
        assert_eq!(done.parts(), (Some(0), ""));
        pictures.push(std::fs::read_to_string(file).unwrap().replace(&url, "URL"));
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_ne!(pictures[0], pictures[2]);
    server.stop().await;
}

async fn patch(url: &str, body: &Value) -> Value {
    let answer = reqwest::Client::new()
        .patch(url)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_change_by_hand_is_seen_by_the_next_look() {
    let server = start().await;
    let url = dimension(&server, "by-hand");
    assert_eq!(
        patch(&url, &json!({"desiredCapacity": 12.0})).await["scalingStatus"],
        "Pending"
    );
    let done = simulate(&[
        "--endpoint",
        &url,
        "--metric",
        "constant(value=50)",
        "--duration",
        "5m",
        "--start",
        "2026-01-05T00:00:00Z",
    ])
    .await;
    assert_eq!(done.parts(), (Some(0), ""));
    assert!(
        done.out.contains("maximum capacity was set to 10\n"),
        "{}",
        done.out
    );
    server.stop().await;
}

#[tokio::test]
async fn a_scheduled_action_that_is_due_at_the_start_happens_then() {
    let server = start().await;
    let url = dimension(&server, "at-once");
    let schedules = [
        "--schedule",
        "at once: at(2026-01-05T00:00:00) min=3",
        "--schedule",
        "midnight: cron(0 0 * * ? *) max=7",
    ];
    let options = [
        "--endpoint",
        &url,
        "--metric",
        "constant(value=50)",
        "--duration",
        "2m",
        "--start",
        "2026-01-05T00:00:00Z",
    ];
    let done = simulate(
        &[
            &options[..],
            &schedules[..],
            &["--schedule", "rate: rate(1 hour) min=5"],
        ]
        .concat(),
    )
    .await;
    assert_eq!(done.parts(), (Some(0), ""));
    let set: Vec<&str> = done
        .out
        .lines()
        .filter(|line| line.contains("Z  Setting "))
        .collect();
    let at_once = |words: &str| format!("2026-01-05T00:00:00Z  Setting {words}");
    assert_eq!(
        set,
        [
            at_once("min capacity to 3"),
            at_once("max capacity to 7"),
            at_once("desired capacity to 3.")
        ]
    );
    server.stop().await;
}
