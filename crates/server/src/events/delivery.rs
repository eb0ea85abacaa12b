//! Sends each event to an address, in order, until it is accepted.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use fleet_local_aws::{ChangeReader, ChangeStream, ChangesError, StreamPosition};
use reqwest::{Client, StatusCode, Url, redirect::Policy};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::shape::StreamEvent;

/// The file with the position at the last stop.
const POSITION: &str = "events-to.position";
/// The file of events that were finally given up, one per line.
const DEAD_LETTERS: &str = "events-to.dead-letters.jsonl";
/// How often an event is sent if it is rejected (4xx).
const REFUSALS: u32 = 8;
/// How often an event is sent if the receiver fails (5xx): about four minutes.
const BREAKS: u32 = 30;
/// The first and last wait between attempts; each is twice as long as the one before.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// The time limit of a response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the stream is polled.
const LOOK: Duration = Duration::from_millis(100);

/// The outcome of sending an event.
enum DeliveryOutcome {
    Taken,
    /// No response, or one that asks for a retry.
    Later(String),
    /// It was rejected, with the number of rejections after which to give up.
    Refused(String, u32),
}

/// Sends events to one address.
pub(crate) struct Delivery {
    changes: ChangeStream,
    client: Client,
    to: Url,
    folder: Option<PathBuf>,
    stopped: CancellationToken,
}

impl Delivery {
    /// Sends to `to`. The position and the dead letters are stored in `folder`, if given.
    pub(crate) fn new(
        changes: ChangeStream,
        to: Url,
        folder: Option<PathBuf>,
        stopped: CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("fleet-server/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            changes,
            client,
            to,
            folder,
            stopped,
        })
    }

    /// Finds its position in the stream, so that no later change is missed, and delivers from there in the
    /// background. Changes made while the server was down come first, as long as the stream still has them.
    pub(crate) async fn start(self) {
        match self.reader().await {
            Ok(reader) => {
                info!(to = self.to.as_str(), "events are sent");
                tokio::spawn(self.run(reader));
            }
            Err(error) => warn!("events are not sent: {error}"),
        }
    }

    /// Delivers until it is stopped.
    async fn run(self, mut reader: ChangeReader) {
        while !self.stopped.is_cancelled() {
            let records = reader.next().await.unwrap_or_else(|error| {
                warn!("events wait: {error}");
                Vec::new()
            });
            for event in records.iter().filter_map(StreamEvent::of) {
                if !self.deliver(&event).await {
                    return;
                }
                self.save_position(&event.sequence);
            }
            if records.is_empty() {
                self.sleep(LOOK).await;
            }
        }
    }

    async fn reader(&self) -> Result<ChangeReader, ChangesError> {
        let known = self.folder.as_ref().and_then(|folder| {
            let text = fs::read_to_string(folder.join(POSITION)).ok()?;
            let (to, sequence) = text.trim().rsplit_once(' ')?;
            (to == self.to.as_str()).then(|| sequence.to_owned())
        });
        let Some(sequence) = known else {
            let reader = self.changes.reader(StreamPosition::Newest).await;
            return reader;
        };
        match self.changes.reader(StreamPosition::After(sequence)).await {
            Ok(reader) => Ok(reader),
            // The position is from another data folder, say.
            Err(_) => self.changes.reader(StreamPosition::Oldest).await,
        }
    }

    /// Sends an event until it is accepted, or written to the dead letters. Later events wait, which preserves the
    /// order. Returns whether to continue.
    async fn deliver(&self, event: &StreamEvent) -> bool {
        let mut wait = BACKOFF.0;
        let mut refusals = 0;
        let mut told = false;
        loop {
            let reason = match self.send(event).await {
                DeliveryOutcome::Taken => return true,
                DeliveryOutcome::Later(reason) => reason,
                DeliveryOutcome::Refused(reason, borne) => {
                    refusals += 1;
                    if refusals >= borne {
                        self.write_dead_letter(event, &reason);
                        return true;
                    }
                    reason
                }
            };
            if !told {
                warn!(
                    to = self.to.as_str(),
                    reason, "an event was not accepted and will be sent again"
                );
                told = true;
            }
            self.sleep(wait).await;
            if self.stopped.is_cancelled() {
                return false;
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    async fn send(&self, event: &StreamEvent) -> DeliveryOutcome {
        let request = self
            .client
            .post(self.to.clone())
            .header("content-type", "application/json")
            .body(event.body.to_string());
        match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => DeliveryOutcome::Taken,
            Ok(status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => {
                DeliveryOutcome::Later(status.to_string())
            }
            Ok(status) if status.is_server_error() => {
                DeliveryOutcome::Refused(status.to_string(), BREAKS)
            }
            Ok(status) => DeliveryOutcome::Refused(status.to_string(), REFUSALS),
            Err(error) if error.is_timeout() => {
                DeliveryOutcome::Later("no answer in time".to_owned())
            }
            Err(_) => DeliveryOutcome::Later("no connection".to_owned()),
        }
    }

    async fn sleep(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stopped.cancelled() => {}
        }
    }

    fn save_position(&self, sequence: &str) {
        if let Some(folder) = &self.folder {
            let line = format!("{} {sequence}\n", self.to);
            if let Err(error) = replace(&folder.join(POSITION), &line) {
                warn!(
                    "the position in the events cannot be saved: {}",
                    error.kind()
                );
            }
        }
    }

    fn write_dead_letter(&self, event: &StreamEvent, reason: &str) {
        warn!(to = self.to.as_str(), reason, "giving up on an event");
        let Some(folder) = &self.folder else {
            return;
        };
        let line = format!("{}\n", json!({"reason": reason, "event": event.body}));
        let written = OpenOptions::new()
            .append(true)
            .create(true)
            .open(folder.join(DEAD_LETTERS))
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            warn!(
                "an event that was given up cannot be saved: {}",
                error.kind()
            );
        }
    }
}

/// Writes a file such that a crash leaves either the old or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    fs::rename(&draft, path)
}
