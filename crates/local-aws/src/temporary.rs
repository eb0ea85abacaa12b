//! The temporary folder of a server that keeps its data in memory, and the removal of those that dead servers have
//! left.
//!
//! A killed process cannot remove its folder. It held a lock on a file in it, and the lock ends with the process
//! however that ends, so the next server recognises the folder as abandoned and removes it.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use tempfile::TempDir;

/// The name prefix of such folders.
const PREFIX: &str = "fleet-rds-";
/// Held locked while a process uses the folder.
const LOCK_FILE: &str = "lock";
/// The name of the lock file before it is locked.
const NEW_LOCK_FILE: &str = "lock.new";
/// Nobody else may read the data.
const MODE: u32 = 0o700;

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    folder: TempDir,
    /// Dropped after the folder, so that nobody else removes it at the same time.
    _lock: File,
}

impl TemporaryFolder {
    /// Creates a folder within `root`, and removes abandoned ones there. Blocks.
    pub(crate) fn create_in(root: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(MODE))
            .tempdir_in(root)?;
        let new = folder.path().join(NEW_LOCK_FILE);
        let lock = File::create_new(&new)?;
        lock.lock()?;
        // The lock file only gets its final name once it is locked, so no other server takes the folder for abandoned.
        fs::rename(new, folder.path().join(LOCK_FILE))?;
        // The folder's owner is the user of this process.
        let user = fs::metadata(folder.path())?.uid();
        if let Err(error) = remove_leftovers(root, user) {
            tracing::debug!(%error, "the temporary folders of ended servers were not looked for");
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders that dead servers of this user have left.
fn remove_leftovers(root: &Path, user: u32) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            continue;
        }
        match remove_left(&entry.path(), user) {
            Ok(true) => {
                tracing::debug!(folder = %entry.path().display(), "removed what an ended server had left")
            }
            Ok(false) => {}
            // It may be gone by now, and does no harm if it is not.
            Err(error) => {
                tracing::debug!(%error, folder = %entry.path().display(), "a temporary folder was not removed")
            }
        }
    }
    Ok(())
}

/// Removes a folder if it belongs to this user and no process holds it; returns whether it did.
fn remove_left(folder: &Path, user: u32) -> io::Result<bool> {
    // Do not follow a link: anybody may have made one in a folder that all users share.
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() || about.uid() != user {
        return Ok(false);
    }
    let lock = match File::open(folder.join(LOCK_FILE)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if lock.try_lock().is_err() {
        return Ok(false);
    }
    // The lock file goes last, so that the next server resumes an interrupted removal.
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != LOCK_FILE {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(folder.join(LOCK_FILE))?;
    fs::remove_dir(folder)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder as a killed process leaves it: complete, and not locked.
    fn left(root: &Path) -> PathBuf {
        let TemporaryFolder { folder, _lock } = TemporaryFolder::create_in(root).unwrap();
        fs::write(folder.path().join("rds.sqlite"), "data").unwrap();
        folder.keep()
    }

    fn user(root: &Path) -> u32 {
        fs::metadata(root).unwrap().uid()
    }

    #[test]
    fn only_the_user_can_read_the_folder_and_it_goes_with_the_value() {
        let root = tempfile::tempdir().unwrap();
        let folder = TemporaryFolder::create_in(root.path()).unwrap();
        assert_eq!(
            fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::write(folder.path().join("rds.sqlite"), "data").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_server_left_goes_at_the_next_start_and_what_is_in_use_stays() {
        let root = tempfile::tempdir().unwrap();
        let used = TemporaryFolder::create_in(root.path()).unwrap();
        let left = left(root.path());
        let next = TemporaryFolder::create_in(root.path()).unwrap();
        assert!(!left.exists());
        assert!(used.path().exists() && next.path().exists());
    }

    #[test]
    fn a_removal_that_broke_off_is_taken_up_again() {
        let root = tempfile::tempdir().unwrap();
        let left = left(root.path());
        fs::create_dir(left.join("in-the-way")).unwrap();
        drop(TemporaryFolder::create_in(root.path()).unwrap());
        assert!(left.join(LOCK_FILE).exists());
        fs::remove_dir(left.join("in-the-way")).unwrap();
        drop(TemporaryFolder::create_in(root.path()).unwrap());
        assert!(!left.exists());
    }

    #[test]
    fn what_is_not_known_for_a_left_folder_of_the_user_stays() {
        let root = tempfile::tempdir().unwrap();
        let other_name = root.path().join("fleet-data");
        let unlocked = root.path().join(format!("{PREFIX}without-a-lock-file"));
        let elsewhere = tempfile::tempdir().unwrap();
        for folder in [&other_name, &unlocked] {
            fs::create_dir(folder).unwrap();
        }
        for folder in [other_name.as_path(), elsewhere.path()] {
            fs::write(folder.join(LOCK_FILE), "").unwrap();
        }
        let link = root.path().join(format!("{PREFIX}link"));
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        drop(TemporaryFolder::create_in(root.path()).unwrap());
        assert!(
            other_name.exists()
                && unlocked.exists()
                && link.exists()
                && elsewhere.path().join(LOCK_FILE).exists()
        );

        let left = left(root.path());
        assert!(!remove_left(&left, user(root.path()) + 1).unwrap());
        assert!(left.exists());
        assert!(remove_left(&left, user(root.path())).unwrap());
    }
}
