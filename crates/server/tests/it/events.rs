//! Each change of a dimension is an event, which can be read at `/_events` or sent to an address.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};

use crate::{
    client::{self, ServerAnswer},
    support::TestServer,
};

/// Far longer than anything here takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn read(server: &TestServer, last: &str) -> ServerAnswer {
    let headers: &[_] = match last {
        "" => &[],
        last => &[("last-event-id", last)],
    };
    client::send_with(server.address(), "GET", "/_events", headers, "").await
}

/// The last id, and the events.
fn parse(answer: &ServerAnswer) -> (String, Vec<Value>) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/event-stream")
    );
    let lines = |prefix: &'static str| {
        answer
            .text
            .lines()
            .filter_map(move |line| line.strip_prefix(prefix))
    };
    let last = lines("id: ").next_back().unwrap_or_default().to_owned();
    let events = lines("data: ").map(|data| serde_json::from_str(data).unwrap());
    (last, events.collect())
}

async fn patch(server: &TestServer, id: &str, desired: f64) {
    let path = format!("/scalableTargetDimensions/{id}");
    let body = json!({ "desiredCapacity": desired }).to_string();
    assert_eq!(server.send("PATCH", &path, body).await.status, 200);
}

fn told(events: &[Value]) -> Vec<(&str, &str, &str)> {
    events
        .iter()
        .map(|event| {
            let detail = |name: &str| event["detail"][name].as_str().unwrap();
            (
                detail("scalableTargetDimensionId"),
                detail("scalingStatus"),
                detail("desiredCapacity"),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_reader_misses_nothing_and_hears_in_order() {
    let server = TestServer::start().await;
    patch(&server, "before", 2.0).await;
    // A new reader learns its position, and gets no earlier events.
    let (last, events) = parse(&read(&server, "").await);
    assert_eq!(events, [] as [Value; 0]);
    assert_ne!(last, "");

    patch(&server, "a", 3.0).await;
    patch(&server, "b", 4.0).await;
    server.get("/scalableTargetDimensions/a").await;
    let (last, events) = parse(&read(&server, &last).await);
    assert_eq!(
        told(&events),
        [
            ("a", "Pending", "3.0"),
            ("b", "Pending", "4.0"),
            ("a", "InProgress", "3.0")
        ]
    );
    let event = &events[0];
    assert_eq!(
        (&event["source"], &event["detail-type"]),
        (
            &json!("fleet-api.scaling"),
            &json!("Scalable Target Dimension Change")
        )
    );
    // The tag is the one for If-Match.
    let tag = server.get("/scalableTargetDimensions/b").await;
    assert_ne!(tag.header("etag"), "");
    let changed = events[2]["detail"]["tag"].as_str().unwrap().to_owned();
    let path = "/scalableTargetDimensions/a";
    let tag = format!("\"{changed}\"");
    let matched = server
        .send_with(
            "PATCH",
            path,
            &[("if-match", &tag)],
            r#"{"desiredCapacity":5.0}"#,
        )
        .await;
    assert_eq!(matched.status, 200, "{}", matched.text);
    let (_, events) = parse(&read(&server, &last).await);
    assert_eq!(told(&events)[0].0, "b");
}

#[tokio::test]
async fn a_reader_that_waits_hears_at_once() {
    let server = TestServer::start().await;
    let (last, _) = parse(&read(&server, "").await);
    let waits = read(&server, &last);
    let (answer, ()) = tokio::join!(waits, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        patch(&server, "a", 2.0).await;
    });
    assert_eq!(told(&parse(&answer).1), [("a", "Pending", "2.0")]);
}

#[tokio::test]
async fn an_id_of_no_event_is_told() {
    let server = TestServer::start().await;
    let answer = read(&server, "soon").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body["message"],
        "Last-Event-ID must be the id of an event of this server."
    );
}

/// Receives requests, responds as configured, and passes on their bodies.
async fn receiver(
    address: SocketAddr,
    statuses: Vec<u16>,
) -> (SocketAddr, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, bodies) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.into_iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let body = loop {
                let mut chunk = [0; 4096];
                let count = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&request);
                if let Some((_, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break body;
                }
                assert_ne!(count, 0, "{text}");
            };
            let status = statuses.next().unwrap_or(204);
            let answer =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (address, bodies)
}

async fn received(bodies: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    timeout(PATIENCE, bodies.recv()).await.unwrap().unwrap()
}

async fn sending(to: SocketAddr, folder: &Path) -> TestServer {
    TestServer::start_with(|options| {
        options.in_memory = false;
        options.data_dir = folder.to_owned();
        options.events_to = Some(format!("http://{to}/events").parse().unwrap());
    })
    .await
}

#[tokio::test]
async fn events_are_sent_until_they_are_taken_and_across_a_stop() {
    let folder = TempDir::new().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (address, mut bodies) = receiver(any, vec![500, 503, 204, 204]).await;
    let server = sending(address, folder.path()).await;
    patch(&server, "a", 2.0).await;
    patch(&server, "b", 3.0).await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(received(&mut bodies).await);
    }
    // The first one three times, then the second.
    assert_eq!((&heard[0], &heard[1]), (&heard[1], &heard[2]));
    assert_eq!(
        told(&heard[2..]),
        [("a", "Pending", "2.0"), ("b", "Pending", "3.0")]
    );
    server.stop().await;

    // Delivered events are not sent again, but later ones are.
    let server = sending(address, folder.path()).await;
    patch(&server, "c", 4.0).await;
    assert_eq!(
        told(&[received(&mut bodies).await]),
        [("c", "Pending", "4.0")]
    );
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_is_refused_for_good_is_kept_and_lets_the_next_one_through() {
    let folder = TempDir::new().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (address, mut bodies) = receiver(any, vec![400; 8]).await;
    let server = sending(address, folder.path()).await;
    patch(&server, "a", 2.0).await;
    patch(&server, "b", 3.0).await;
    for _ in 0..8 {
        assert_eq!(
            received(&mut bodies).await["detail"]["scalableTargetDimensionId"],
            "a"
        );
    }
    assert_eq!(
        received(&mut bodies).await["detail"]["scalableTargetDimensionId"],
        "b"
    );
    let kept = std::fs::read_to_string(folder.path().join("events-to.dead-letters.jsonl")).unwrap();
    let letter: Value = serde_json::from_str(kept.trim()).unwrap();
    assert_eq!(letter["reason"], "400 Bad Request");
    assert_eq!(letter["event"]["detail"]["scalableTargetDimensionId"], "a");
    server.stop().await;
}
