//! Sends each event to an address, in order, until it is taken.

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

/// Where it was when the server stopped.
const POSITION: &str = "events-to.position";
/// Events that were refused for good, one a line.
const DEAD_LETTERS: &str = "events-to.dead-letters.jsonl";
/// How often an event is sent that is refused (4xx).
const REFUSALS: u32 = 8;
/// How often an event is sent whose receiver breaks (5xx): about four minutes.
const BREAKS: u32 = 30;
/// The waits between attempts: they double from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the stream is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What became of an event.
enum DeliveryOutcome {
    Taken,
    /// No answer, or one that says to try again.
    Later(String),
    /// It was answered and not taken, which is to be borne so often.
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
    /// To `to`. What was delivered, and what could not be, is kept in `folder`; without one, in memory.
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

    /// Finds its place in the stream, so that no later change is missed, and delivers from there in the background. A
    /// change that was made while the server was away is delivered first, as long as the stream has it.
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
            // A position of another data folder's, say.
            Err(_) => self.changes.reader(StreamPosition::Oldest).await,
        }
    }

    /// Sends an event until it is taken, or refused for good and kept among the dead letters. Later events wait, so that
    /// the order holds. Answers whether to go on.
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

/// Writes a file so that a crash leaves the old one or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    fs::rename(&draft, path)
}
