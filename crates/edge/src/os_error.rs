//! The operating system's errors in words for a person at a terminal.

use std::{
    borrow::Cow,
    io::{self, ErrorKind},
};

use rustix::io::Errno;

/// What went wrong, as part of a sentence.
#[must_use]
pub fn words(kind: ErrorKind) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        ErrorKind::AddrInUse => "it is already in use",
        ErrorKind::AddrNotAvailable => "this machine does not have that address",
        ErrorKind::AlreadyExists => "it is a file, not a folder",
        ErrorKind::IsADirectory => "it is a folder, not a file",
        ErrorKind::InvalidData => "it is not UTF-8 text",
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder",
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::OutOfMemory => "the machine is out of memory",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::QuotaExceeded => "the disk quota is used up",
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::UnexpectedEof => "it is empty",
        other => return Cow::Owned(other.to_string()),
    })
}

/// The same for an error itself, which is more specific than its kind.
#[must_use]
pub fn error_words(error: &io::Error) -> Cow<'static, str> {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => {
            "this process has as many files open as it may (ulimit -n, or LimitNOFILE= of a unit)"
                .into()
        }
        Some(Errno::NFILE) => "this machine has as many files open as it may".into(),
        Some(Errno::NOBUFS) => "this machine has no memory left for connections".into(),
        // An error that is not the operating system's already has words.
        None if error.get_ref().is_some() => error.to_string().into(),
        _ => words(error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_standard_library_has_no_kind_for_has_words_too() {
        for (errno, text) in [
            (Errno::MFILE, "ulimit -n"),
            (Errno::NFILE, "this machine has as many files open"),
            (Errno::NOBUFS, "no memory left"),
            (Errno::NOMEM, "out of memory"),
            (Errno::NOTDIR, "a file, not a folder"),
        ] {
            let said = error_words(&io::Error::from(errno));
            assert!(said.contains(text) && !said.contains("os error"), "{said}");
        }
        assert_eq!(error_words(&io::Error::other("words")), "words");
    }
}
