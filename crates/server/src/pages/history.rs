//! The changes of dimensions that this server saw: a bounded number, on disk beside the store.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fleet_core::scaling::Capacity;
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

/// The most changes recorded per dimension; the oldest are dropped first.
const CHANGES: usize = 200;
/// The most dimensions with recorded changes; the one that changed longest ago is dropped first.
const DIMENSIONS: usize = 500;
/// The file is rewritten when it has this many more than twice the lines that are needed.
const SPARE_LINES: usize = 1_000;
/// How long a change that was first read from the table waits for the request that made it.
const REQUEST_FOLLOWS: Duration = Duration::from_secs(5);
const FILE: &str = "dimension-changes.jsonl";

/// A dimension's state, without its names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(rename = "desiredCapacity")]
    pub(crate) desired: f64,
    #[serde(rename = "actualCapacity")]
    pub(crate) actual: f64,
    #[serde(rename = "scalingStatus")]
    pub(crate) status: String,
    #[serde(
        rename = "failureReason",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) reason: Option<String>,
}

impl Snapshot {
    /// Whether this is the initial state, which is not stored.
    fn is_initial(&self) -> bool {
        let initial = Capacity::INITIAL.get();
        self.status == "Successful" && self.desired == initial && self.actual == initial
    }
}

/// The relevant parts of the API's response about a dimension.
#[derive(Deserialize)]
struct DimensionResponse {
    #[serde(rename = "scalableTargetDimensionId")]
    id: String,
    #[serde(flatten)]
    snapshot: Snapshot,
}

/// One change, as the page and the file contain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedChange {
    pub(crate) id: String,
    /// Milliseconds since 1970 UTC.
    pub(crate) at: u64,
    /// The state before; absent if none was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Snapshot>,
    pub(crate) to: Snapshot,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// Counts the changes of this run of the server.
    #[serde(skip)]
    seq: u64,
}

/// The client whose request an observed state came from.
pub(crate) struct ChangeSource {
    pub(crate) request_id: String,
    pub(crate) by: String,
    /// Whether an unknown dimension becomes known by it.
    pub(crate) introduces: bool,
}

/// The changes of all dimensions.
pub(crate) struct History {
    run: String,
    kept: Mutex<HistoryState>,
}

#[derive(Default)]
struct HistoryState {
    changes: HashMap<String, VecDeque<RecordedChange>>,
    last_seq: u64,
    file: Option<HistoryFile>,
}

/// The file, one change per line.
struct HistoryFile {
    path: PathBuf,
    file: File,
    lines: usize,
}

impl History {
    /// The changes in `folder`, if given. If its file cannot be used, this is logged and they are only in memory.
    pub(crate) fn open(folder: Option<&Path>) -> Self {
        let mut kept = HistoryState::default();
        if let Some(folder) = folder {
            let path = folder.join(FILE);
            if let Ok(text) = fs::read_to_string(&path) {
                // A line that a crash truncated is skipped.
                let changes = text
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                changes.for_each(|change| kept.push(change));
            }
            kept.rewrite(path);
        }
        Self {
            run: Uuid::new_v4().simple().to_string(),
            kept: Mutex::new(kept),
        }
    }

    /// Records the state in a response of the API.
    pub(crate) fn note(&self, body: &[u8], source: ChangeSource) {
        if let Ok(DimensionResponse { id, snapshot }) = serde_json::from_slice(body) {
            self.lock().note(id, snapshot, Some(source), now());
        }
    }

    /// Records a state that was read from the table at `since` or later: others write to it as well.
    pub(super) fn note_read(&self, id: &str, snapshot: &Snapshot, since: u64) {
        let mut kept = self.lock();
        // A change in the meantime may be newer than the state that was read.
        if kept.last(id).is_none_or(|last| last.at < since) {
            kept.note(id.to_owned(), snapshot.clone(), None, now());
        }
    }

    /// The changes after `position`, which comes from an earlier response, oldest first; and the current position.
    /// Returns all changes if the position is from another run.
    pub(super) fn since(&self, position: &str) -> (Vec<RecordedChange>, String) {
        let kept = self.lock();
        let after: u64 = position
            .strip_prefix(&self.run)
            .and_then(|rest| rest.strip_prefix('-')?.parse().ok())
            .unwrap_or(0);
        let mut changes: Vec<RecordedChange> = kept
            .changes
            .values()
            .flatten()
            .filter(|change| change.seq > after)
            .cloned()
            .collect();
        changes.sort_by_key(|change| change.seq);
        (changes, format!("{}-{}", self.run, kept.last_seq))
    }

    /// Forgets the changes of these dimensions.
    pub(super) fn forget(&self, ids: &[&str]) {
        let mut kept = self.lock();
        for id in ids {
            kept.changes.remove(*id);
        }
        if let Some(log) = kept.file.take() {
            kept.rewrite(log.path);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HistoryState> {
        // Every change leaves the data consistent.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HistoryState {
    fn last(&self, id: &str) -> Option<&RecordedChange> {
        self.changes.get(id)?.back()
    }

    fn note(&mut self, id: String, to: Snapshot, source: Option<ChangeSource>, at: u64) {
        let last = self.last(&id).cloned();
        match (last, source) {
            (Some(last), Some(source)) if last.to == to => {
                // The page may have read a request's change from the table just before its response was seen.
                let follows = u128::from(at - last.at.min(at)) < REQUEST_FOLLOWS.as_millis();
                if last.request_id.is_none() && follows && source.introduces {
                    self.changes.entry(id).or_default().pop_back();
                    self.add(RecordedChange {
                        request_id: Some(source.request_id),
                        by: Some(source.by),
                        ..last
                    });
                }
            }
            (Some(last), None) if last.to == to => {}
            (None, Some(source)) if !source.introduces || to.is_initial() => {}
            (last, source) => {
                let (request_id, by) = source.map_or((None, None), |source| {
                    (Some(source.request_id), Some(source.by))
                });
                self.add(RecordedChange {
                    id,
                    at,
                    from: last.map(|last| last.to),
                    to,
                    request_id,
                    by,
                    seq: 0,
                });
            }
        }
    }

    fn add(&mut self, change: RecordedChange) {
        let written = self.file.as_mut().map(|log| log.append(&change));
        if let Some(Err(error)) = written {
            warn!(
                "changes of dimensions are kept in memory only: {}",
                error.kind()
            );
            self.file = None;
        }
        self.push(change);
        let held = self.changes.values().map(VecDeque::len).sum::<usize>();
        if let Some(log) = self.file.take_if(|log| log.lines > 2 * held + SPARE_LINES) {
            self.rewrite(log.path);
        }
    }

    fn push(&mut self, change: RecordedChange) {
        self.last_seq += 1;
        let id = change.id.clone();
        if self.changes.len() >= DIMENSIONS && !self.changes.contains_key(&id) {
            let oldest = self
                .changes
                .iter()
                .min_by_key(|(_, changes)| changes.back().map(|last| last.at));
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.changes.remove(&id);
            }
        }
        let changes = self.changes.entry(id).or_default();
        if changes.len() == CHANGES {
            changes.pop_front();
        }
        changes.push_back(RecordedChange {
            seq: self.last_seq,
            ..change
        });
    }

    /// Rewrites the file with only what is needed, and keeps it open for appending.
    fn rewrite(&mut self, path: PathBuf) {
        let mut changes: Vec<&RecordedChange> = self.changes.values().flatten().collect();
        changes.sort_by_key(|change| (change.at, change.seq));
        match HistoryFile::write(path, &changes) {
            Ok(log) => self.file = Some(log),
            Err(error) => warn!(
                "changes of dimensions are kept in memory only: {}",
                error.kind()
            ),
        }
    }
}

impl HistoryFile {
    fn write(path: PathBuf, changes: &[&RecordedChange]) -> io::Result<Self> {
        let draft = path.with_extension("jsonl.new");
        let text: String = changes
            .iter()
            .filter_map(|change| serde_json::to_string(change).ok())
            .map(|line| line + "\n")
            .collect();
        fs::write(&draft, text)?;
        fs::rename(&draft, &path)?;
        Ok(Self {
            file: OpenOptions::new().append(true).open(&path)?,
            path,
            lines: changes.len(),
        })
    }

    fn append(&mut self, change: &RecordedChange) -> io::Result<()> {
        let line = serde_json::to_string(change)? + "\n";
        self.lines += 1;
        self.file.write_all(line.as_bytes())
    }
}

/// Milliseconds since 1970 UTC.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(id: &str, desired: f64, status: &str) -> Vec<u8> {
        format!(
            r#"{{"scalableTargetDimensionId":"{id}","version":"v","resourceName":"r","dimensionName":"d","actualCapacity":1.0,"desiredCapacity":{desired:?},"scalingStatus":"{status}"}}"#
        )
        .into_bytes()
    }

    fn source(request_id: &str, introduces: bool) -> ChangeSource {
        ChangeSource {
            request_id: request_id.to_owned(),
            by: "curl at 127.0.0.1".to_owned(),
            introduces,
        }
    }

    fn requests(history: &History) -> Vec<Option<String>> {
        let (changes, _) = history.since("");
        changes
            .into_iter()
            .map(|change| change.request_id)
            .collect()
    }

    #[test]
    fn a_change_has_both_states_and_its_request() {
        let history = History::open(None);
        history.note(&body("a", 2.0, "Pending"), source("r1", true));
        history.note(&body("a", 2.0, "Pending"), source("r2", true));
        history.note(&body("a", 2.0, "InProgress"), source("r3", false));
        let (changes, position) = history.since("");
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].from, None);
        assert_eq!(
            changes[1].from.as_ref().map(|from| from.status.as_str()),
            Some("Pending")
        );
        assert_eq!(changes[1].to.status, "InProgress");
        assert_eq!(changes[1].request_id.as_deref(), Some("r3"));
        assert_eq!(history.since(&position).0, []);
        assert_eq!(history.since("another-2").0.len(), 2);
    }

    #[test]
    fn an_id_that_is_only_read_stays_unknown() {
        let history = History::open(None);
        history.note(&body("a", 2.0, "Successful"), source("r1", false));
        // This is not stored either.
        history.note(&body("a", 1.0, "Successful"), source("r2", true));
        assert!(history.since("").0.is_empty());
    }

    #[test]
    fn a_state_of_the_table_is_a_change_of_nobody_known_until_its_request_is_seen() {
        let history = History::open(None);
        let state: DimensionResponse = serde_json::from_slice(&body("a", 2.0, "Pending")).unwrap();
        history.note_read("a", &state.snapshot, now());
        assert_eq!(requests(&history), [None]);
        history.note(&body("a", 2.0, "Pending"), source("r1", true));
        assert_eq!(requests(&history), [Some("r1".to_owned())]);
        // Read before that change was seen.
        let older: DimensionResponse =
            serde_json::from_slice(&body("a", 1.0, "Successful")).unwrap();
        history.note_read("a", &older.snapshot, 0);
        assert_eq!(requests(&history).len(), 1);
    }

    #[test]
    fn changes_outlive_the_server_and_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(Some(folder.path()));
        for desired in 0..(CHANGES + SPARE_LINES * 2) {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let desired = desired as f64;
            history.note(&body("a", desired, "Pending"), source("r", true));
        }
        let (before, _) = history.since("");
        assert_eq!(before.len(), CHANGES);
        let file = folder.path().join(FILE);
        let lines = || fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines() <= 2 * CHANGES + SPARE_LINES + 1, "{}", lines());
        // A crash in the middle of a line.
        let mut cut = OpenOptions::new().append(true).open(&file).unwrap();
        cut.write_all(br#"{"id":"a","at"#).unwrap();
        drop(history);
        let (after, _) = History::open(Some(folder.path())).since("");
        let states = |changes: &[RecordedChange]| -> Vec<Snapshot> {
            changes.iter().map(|change| change.to.clone()).collect()
        };
        assert_eq!(states(&after), states(&before));
        assert_eq!(lines(), CHANGES);
    }

    #[test]
    fn only_so_many_dimensions_are_kept_and_examples_can_be_forgotten() {
        let history = History::open(None);
        for number in 0..=DIMENSIONS {
            history.note(
                &body(&number.to_string(), 2.0, "Pending"),
                source("r", true),
            );
        }
        assert_eq!(history.since("").0.len(), DIMENSIONS);
        let last = DIMENSIONS.to_string();
        history.forget(&[&last]);
        assert_eq!(history.since("").0.len(), DIMENSIONS - 1);
    }
}
