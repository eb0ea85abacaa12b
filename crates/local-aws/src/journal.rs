//! A store's write-ahead log, synced to disk once for everyone who is waiting for it at the same time.
//!
//! SQLite's own `synchronous = FULL` waits for the disk within each commit, so writers wait one after the other. Here a
//! commit is written to the log without waiting (`NORMAL`), the next writer proceeds, and each response waits until
//! everything it can have seen in the log is on disk. So every response is as durable as with `FULL`: for a write, and
//! for a read of what another client has just written. A response that can have seen only one item waits only for the
//! writes of that item.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, task::spawn_blocking};

/// The log of one store. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Option<Arc<JournalFile>>);

#[derive(Debug)]
struct JournalFile {
    log: PathBuf,
    state: Mutex<JournalState>,
    changed: Notify,
}

/// What a write changes, or what a response can have seen: one item, by its number (two items with the same number wait
/// for each other), or `None` for anything.
pub(crate) type WriteSubject = Option<u64>;

/// Writes are numbered in the order in which they are announced.
#[derive(Debug, Default)]
struct JournalState {
    announced: u64,
    /// The last write that may change anything.
    last_of_any: u64,
    /// The last write of each single item, if it is not on disk yet.
    last_of_item: HashMap<u64, u64>,
    /// Announced writes that have not ended.
    open: BTreeSet<u64>,
    /// All writes up to this one are on disk.
    synced: u64,
    is_syncing: bool,
    /// The first sync that failed. The kernel drops what it could not write, so a later sync would not report it.
    failed: Option<String>,
}

/// A write in progress: from before it can be seen until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenWrite(Option<(Arc<JournalFile>, u64)>);

impl Journal {
    /// The log of the SQLite database in `file`.
    pub(crate) fn of(file: &Path) -> Self {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        Self(Some(Arc::new(JournalFile {
            log: log.into(),
            state: Mutex::default(),
            changed: Notify::new(),
        })))
    }

    /// No log, for data that need not survive the process.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Announces a write. Call this before the write can be seen.
    pub(crate) fn write(&self) -> OpenWrite {
        self.write_of(None)
    }

    /// Announces a write of `subject`.
    pub(crate) fn write_of(&self, subject: WriteSubject) -> OpenWrite {
        OpenWrite(self.0.as_ref().map(|shared| {
            let mut state = shared.state();
            state.announced += 1;
            let number = state.announced;
            match subject {
                Some(item) => drop(state.last_of_item.insert(item, number)),
                None => state.last_of_any = number,
            }
            state.open.insert(number);
            (Arc::clone(shared), number)
        }))
    }

    /// Waits until everything that can be seen now is on disk.
    ///
    /// # Errors
    /// If the disk fails or has failed: nothing is certain until the next start.
    pub(crate) async fn wait_for_sync(&self) -> Result<(), String> {
        self.settled_for(None).await
    }

    /// Waits until everything that can be seen of `subject` now is on disk.
    ///
    /// # Errors
    /// As [`Journal::wait_for_sync`].
    pub(crate) async fn settled_for(&self, subject: WriteSubject) -> Result<(), String> {
        let Some(shared) = &self.0 else {
            return Ok(());
        };
        let seen = shared.state().last_visible(subject);
        loop {
            // Registered before the check, so that no change is missed.
            let changed = shared.changed.notified();
            if let Some(settled) = shared.sync_progress(seen) {
                return settled;
            }
            changed.await;
        }
    }
}

impl JournalFile {
    fn state(&self) -> MutexGuard<'_, JournalState> {
        // Nothing panics while holding the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything up to `number` is on disk; `None` if not yet. Starts a sync if one is needed and possible.
    fn sync_progress(self: &Arc<Self>, number: u64) -> Option<Result<(), String>> {
        let mut state = self.state();
        if let Some(cause) = &state.failed {
            return Some(Err(cause.clone()));
        }
        if state.synced >= number {
            return Some(Ok(()));
        }
        let ended = state.last_ended();
        if !state.is_syncing && ended >= number {
            state.is_syncing = true;
            let shared = Arc::clone(self);
            // Runs on its own, so that it ends even if no one is waiting any more.
            spawn_blocking(move || {
                let synced = sync(&shared.log);
                let mut state = shared.state();
                state.is_syncing = false;
                match synced {
                    Ok(()) => {
                        state.synced = ended;
                        state.last_of_item.retain(|_, last| *last > ended);
                    }
                    Err(error) => {
                        let cause = format!("disk I/O error: {}", error.kind());
                        tracing::error!(file = %shared.log.display(), cause, "the log could not be written to disk");
                        state.failed = Some(cause);
                    }
                }
                drop(state);
                shared.changed.notify_waiters();
            });
        }
        None
    }
}

impl JournalState {
    /// The last write that is visible now to someone who reads `subject`.
    fn last_visible(&self, subject: WriteSubject) -> u64 {
        match subject {
            None => self.announced,
            Some(item) => {
                let last = self.last_of_item.get(&item).copied();
                last.unwrap_or_default().max(self.last_of_any)
            }
        }
    }

    /// All writes up to this one have ended.
    fn last_ended(&self) -> u64 {
        self.open.first().map_or(self.announced, |first| first - 1)
    }
}

impl Drop for OpenWrite {
    fn drop(&mut self) {
        if let Some((shared, number)) = self.0.take() {
            shared.state().open.remove(&number);
            shared.changed.notify_waiters();
        }
    }
}

fn sync(log: &Path) -> io::Result<()> {
    match File::open(log) {
        // SQLite's locks are on other files, so closing this one does not release any.
        Ok(log) => log.sync_data(),
        // The last connection removed the log when it closed, after writing all of it to the database file and syncing
        // that.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::FutureExt as _;

    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::of(&folder.path().join("data"));
        fs::write(folder.path().join("data-wal"), "").unwrap();
        (folder, journal)
    }

    fn synced(journal: &Journal) -> u64 {
        journal.0.as_ref().unwrap().state().synced
    }

    #[tokio::test]
    async fn without_a_write_there_is_nothing_to_wait_for() {
        let (_folder, journal) = journal();
        assert_eq!(journal.wait_for_sync().now_or_never(), Some(Ok(())));
        assert_eq!(Journal::none().wait_for_sync().now_or_never(), Some(Ok(())));
        drop(Journal::none().write());
    }

    #[tokio::test]
    async fn an_answer_waits_for_what_it_can_have_seen_and_for_no_more() {
        let (_folder, journal) = journal();
        let (first, second) = (journal.write(), journal.write());
        let mut answer = Box::pin(journal.wait_for_sync());
        assert_eq!(answer.as_mut().now_or_never(), None);
        // Nobody who came before waits for a write that is announced later.
        let third = journal.write();
        drop(second);
        assert_eq!(answer.as_mut().now_or_never(), None);
        assert_eq!(synced(&journal), 0);
        drop(first);
        assert_eq!(answer.await, Ok(()));
        assert_eq!(synced(&journal), 2);
        assert_eq!(journal.wait_for_sync().now_or_never(), None);
        drop(third);
        assert_eq!(journal.wait_for_sync().await, Ok(()));
        assert_eq!(synced(&journal), 3);
    }

    #[tokio::test]
    async fn who_sees_one_item_waits_for_its_writes_alone() {
        let (_folder, journal) = journal();
        let first = journal.write_of(Some(1));
        assert_eq!(journal.settled_for(Some(2)).now_or_never(), Some(Ok(())));
        assert_eq!(journal.settled_for(Some(1)).now_or_never(), None);
        assert_eq!(journal.wait_for_sync().now_or_never(), None);
        // A write of anything may be one of each item.
        let any = journal.write();
        let second = journal.write_of(Some(2));
        let mut third = Box::pin(journal.settled_for(Some(3)));
        assert_eq!(third.as_mut().now_or_never(), None);
        drop((first, any));
        assert_eq!(third.await, Ok(()));
        assert_eq!(synced(&journal), 2);
        assert_eq!(journal.settled_for(Some(1)).now_or_never(), Some(Ok(())));
        assert_eq!(journal.settled_for(Some(2)).now_or_never(), None);
        drop(second);
        assert_eq!(journal.settled_for(Some(2)).await, Ok(()));
        let shared = journal.0.as_ref().unwrap();
        assert!(shared.state().last_of_item.is_empty());
    }

    #[tokio::test]
    async fn many_who_wait_share_a_sync() {
        let (_folder, journal) = journal();
        let writes: Vec<_> = (0..100).map(|_| journal.write()).collect();
        let mut waiting: Vec<_> = (0..100)
            .map(|_| Box::pin(journal.wait_for_sync()))
            .collect();
        drop(writes);
        // The first poll starts the only sync.
        assert_eq!(waiting[0].as_mut().now_or_never(), None);
        for answer in &mut waiting {
            assert_eq!(answer.as_mut().await, Ok(()));
        }
        assert_eq!(synced(&journal), 100);
    }

    #[tokio::test]
    async fn a_sync_goes_on_when_nobody_waits_for_it() {
        let (_folder, journal) = journal();
        drop(journal.write());
        assert_eq!(journal.wait_for_sync().now_or_never(), None);
        drop(journal.write());
        assert_eq!(journal.wait_for_sync().await, Ok(()));
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_nothing_is_acknowledged() {
        let (folder, journal) = journal();
        let log = folder.path().join("data-wal");
        fs::remove_file(&log).unwrap();
        // A link to itself cannot be opened.
        std::os::unix::fs::symlink(&log, &log).unwrap();
        drop(journal.write());
        let failed = journal.wait_for_sync().await.unwrap_err();
        assert!(failed.starts_with("disk I/O error"), "{failed}");
        fs::remove_file(&log).unwrap();
        fs::write(&log, "").unwrap();
        drop(journal.write());
        assert_eq!(journal.wait_for_sync().await, Err(failed.clone()));
        assert_eq!(journal.settled_for(Some(1)).await, Err(failed));
    }

    #[tokio::test]
    async fn a_log_that_its_last_connection_took_along_is_on_disk() {
        let (folder, journal) = journal();
        fs::remove_file(folder.path().join("data-wal")).unwrap();
        drop(journal.write());
        assert_eq!(journal.wait_for_sync().await, Ok(()));
    }
}
