//! What must hold of any bytes at the parsers. Each check panics where it does not.
//!
//! The targets in `fuzz/` look for bytes that break one; the test of this crate replays the corpus that they left.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a check that meets the unexpected has to stop there"
)]

pub mod body;
pub mod event;
pub mod sql;

/// A check of any bytes.
pub type Check = fn(&[u8]);

/// Every check, by the name of its target and of its folder in the corpus.
pub const CHECKS: [(&str, Check); 3] = [
    ("body", body::check),
    ("event", event::check),
    ("sql", sql::check),
];
