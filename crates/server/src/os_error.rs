//! The operating system's errors in words for a person at a terminal.

use std::{borrow::Cow, io::ErrorKind};

/// What went wrong, as a part of a sentence.
pub(crate) fn words(kind: ErrorKind) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        ErrorKind::AddrInUse => "it is already in use",
        ErrorKind::AddrNotAvailable => "this machine does not have that address",
        ErrorKind::AlreadyExists => "it is a file, not a folder",
        ErrorKind::IsADirectory => "it is a folder, not a file",
        ErrorKind::InvalidData => "it is not UTF-8 text",
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder",
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::QuotaExceeded => "the disk quota is used up",
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::UnexpectedEof => "it is empty",
        other => return Cow::Owned(other.to_string()),
    })
}
