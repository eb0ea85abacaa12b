//! Files and folders that are private to their owner.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};

/// The permissions of the file's group and of all other users.
pub(crate) const OTHERS_AND_GROUP: u32 = 0o077;
/// The permissions of users who are neither the owner nor of the group.
pub(crate) const OTHERS: u32 = 0o007;

/// Creates the folder and its parents, accessible only to its owner; an existing one is left as it is.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Whether the users in `whom` have any permission on `path`.
pub(crate) fn is_open(path: &Path, whom: u32) -> bool {
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & whom != 0)
}
