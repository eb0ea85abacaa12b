//! Files and folders that are private to their owner. On systems without Unix permissions, nothing
//! is checked.

use std::{fs, io, path::Path};

/// The permissions of the file's group and of all other users.
pub(crate) const OTHERS_AND_GROUP: u32 = 0o077;
/// The permissions of users who are neither the owner nor of the group.
pub(crate) const OTHERS: u32 = 0o007;

/// Creates the folder and its parents, accessible only to its owner; an existing one stays as it is.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether the users of `whom` have any permission on `path`.
#[cfg(unix)]
pub(crate) fn is_open(path: &Path, whom: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & whom != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open(_: &Path, _: u32) -> bool {
    false
}
