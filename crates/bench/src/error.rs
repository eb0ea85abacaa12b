//! The error of all measurements.

use std::error::Error;

/// Why nothing could be measured.
pub(crate) type BenchError = Box<dyn Error + Send + Sync>;
