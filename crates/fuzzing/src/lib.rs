//! Properties of the parsers that must hold for arbitrary bytes. Each check panics on a violation.
//!
//! The targets in `fuzz/` search for bytes that break one; the test of this crate replays the corpus that they found.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a check that meets the unexpected has to stop there"
)]

pub mod body;
pub mod event;
pub mod sql;

/// A check of arbitrary bytes.
pub type Check = fn(&[u8]);

/// Every check, with the name of its target and of its corpus folder.
pub const CHECKS: [(&str, Check); 3] = [
    ("body", body::check),
    ("event", event::check),
    ("sql", sql::check),
];
