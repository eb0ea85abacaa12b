//! Why a transfer failed.

use std::{io, path::PathBuf};

use fleet_core::store::StoreError;
use fleet_edge::words;
use thiserror::Error;

use crate::error::StartError;

/// Why a transfer ended early: one sentence for people at a terminal.
#[derive(Debug, Error)]
pub(super) enum TransferError {
    /// The stores cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file cannot be read or written.
    #[error("Cannot use the file {} ({reason}).", file.display(), reason = words(*cause))]
    File {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// A line that no export writes.
    #[error("Line {number} of {} is not a line of an export ({reason}).", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line number, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The position in the file belongs to another source.
    #[error(
        "The file was started from another source ({0}): continue it from that one, or start a new file."
    )]
    Token(String),
    /// The file ends before the last line of an export.
    #[error("{} is an unfinished export: run the export again with this file, then the import.", .0.display())]
    Unfinished(PathBuf),
    /// A store failed; the cause is shown, since the person who runs this has the credentials.
    #[error("{0} ({cause}). Run it again to continue.", cause = causes(.0))]
    Store(StoreError),
    /// The API refused a request, or does not respond.
    #[error("{url} failed ({reason}). Run it again to continue.")]
    Api {
        /// The request's URL.
        url: String,
        /// The response's message.
        reason: String,
    },
    /// A request cannot be signed.
    #[error("Cannot sign the requests: {0}.")]
    Signature(String),
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn causes(error: &StoreError) -> String {
    let first = std::error::Error::source(error);
    let causes = std::iter::successors(first, |error| error.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
