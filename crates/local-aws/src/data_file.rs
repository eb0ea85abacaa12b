//! The files that hold the data, watched while the server runs: SQLite continues silently when its file is deleted.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// With less room than this, a disk counts as full: a change writes whole pages, and more than one.
const LEAST_FREE_BYTES: u64 = 256 * 1024;
/// How long a failed write counts. A lack of space shows in the free bytes too, but a quota or a file-size limit does
/// not.
const FAILURE_COUNTS: Duration = Duration::from_secs(10);

/// A problem with the place where data is stored. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataFileError {
    /// Anything written now would be lost.
    #[error("the data file {} was deleted or replaced while the server was running: stop the server and start it again", .0.display())]
    Gone(PathBuf),
    /// There is no room for more.
    #[error("the disk of the data file {} is full", .0.display())]
    Full(PathBuf),
    /// A write failed a moment ago.
    #[error("the data file {} cannot be written to: {cause}", .file.display())]
    Failing {
        /// The file.
        file: PathBuf,
        /// The storage engine's error.
        cause: String,
    },
}

/// A data file, or a database server's folder.
#[derive(Debug)]
pub struct DataFile {
    /// The opened file; `None` if the data is not in a file of ours.
    opened: Option<(PathBuf, Identity)>,
    failed: Mutex<Option<(Instant, String)>>,
}

/// Distinguishes a file from another one at the same path: its device and inode number.
type Identity = (u64, u64);

impl DataFile {
    /// Watches what is at `path` now. Without a path, the data is in memory or in the user's own database, and there is
    /// nothing to watch.
    pub(crate) fn watch(path: Option<PathBuf>) -> io::Result<Self> {
        let opened = match path {
            Some(path) => {
                let identity = identity(&path)?;
                Some((path, identity))
            }
            None => None,
        };
        Ok(Self {
            opened,
            failed: Mutex::default(),
        })
    }

    /// Checks that anything written now can be found again.
    ///
    /// # Errors
    /// [`DataFileError::Gone`].
    pub(crate) fn is_there(&self) -> Result<(), DataFileError> {
        match &self.opened {
            Some((path, opened)) if identity(path).ok().as_ref() != Some(opened) => {
                Err(DataFileError::Gone(path.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Checks whether a write can succeed, as far as possible without one.
    ///
    /// # Errors
    /// [`DataFileError`].
    pub fn check(&self) -> Result<(), DataFileError> {
        self.is_there()?;
        let Some((path, _)) = &self.opened else {
            return Ok(());
        };
        if free_bytes(path).is_some_and(|free| free < LEAST_FREE_BYTES) {
            return Err(DataFileError::Full(path.clone()));
        }
        match &*self.lock_failure() {
            Some((at, cause)) if at.elapsed() < FAILURE_COUNTS => Err(DataFileError::Failing {
                file: path.clone(),
                cause: cause.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Records a write that failed for lack of space, or because the disk failed.
    pub(crate) fn note_failure(&self, cause: &str) {
        *self.lock_failure() = Some((Instant::now(), cause.to_owned()));
    }

    fn lock_failure(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        // Nothing panics while holding the lock.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// How much an ordinary user may still write; `None` if the file system does not report it.
fn free_bytes(path: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(path).ok()?;
    (told.f_blocks > 0).then(|| told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_deleted_moved_or_replaced_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("data"), folder.path().join("aside"));
        fs::write(&path, "1").unwrap();
        let file = DataFile::watch(Some(path.clone())).unwrap();
        fs::write(&path, "2").unwrap();
        assert_eq!(file.check(), Ok(()));
        let gone = Err(DataFileError::Gone(path.clone()));
        fs::rename(&path, &aside).unwrap();
        assert_eq!(
            (file.check(), file.is_there()),
            (gone.clone(), gone.clone())
        );
        fs::write(&path, "3").unwrap();
        assert_eq!(file.check(), gone);
        fs::rename(&aside, &path).unwrap();
        assert_eq!(file.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_write_counts_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let file = DataFile::watch(Some(folder.path().to_owned())).unwrap();
        file.note_failure("no room");
        let told = file.check().unwrap_err().to_string();
        assert!(told.ends_with("cannot be written to: no room"), "{told}");
        assert_eq!(file.is_there(), Ok(()));
        tokio::time::advance(FAILURE_COUNTS).await;
        assert_eq!(file.check(), Ok(()));
    }

    #[test]
    fn data_that_is_in_no_file_is_always_there() {
        let none = DataFile::watch(None).unwrap();
        none.note_failure("x");
        assert_eq!((none.is_there(), none.check()), (Ok(()), Ok(())));
    }
}
