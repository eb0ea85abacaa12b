//! The error of all measurements.

use std::error::Error;

/// Why a measurement failed.
pub(crate) type BenchError = Box<dyn Error + Send + Sync>;
