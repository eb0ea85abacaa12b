//! Values over time: a function of time, or a file of samples.

mod function;
mod samples;
mod values;

use std::path::Path;

pub use function::SeriesFunction;
use jiff::{SignedDuration, Timestamp};
pub use samples::{Samples, Statistic};
pub use values::duration;

/// A series of values over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// Computed for any time.
    Function(SeriesFunction),
    /// Read from a file.
    Samples(Samples),
}

impl Series {
    /// Parses `text`: a function such as `sine(min=20, max=400, period=24h)`, or else the path of a CSV file.
    ///
    /// # Errors
    /// A sentence about the problem.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().split_once('(') {
            Some((name, rest)) if !Path::new(text).exists() => {
                SeriesFunction::parse(name, rest).map(Self::Function)
            }
            _ => Samples::read(Path::new(text)).map(Self::Samples),
        }
    }

    /// The value of the period of length `period` that begins `from` after `start`; `None` if nothing was measured.
    #[must_use]
    pub fn value(
        &self,
        start: Timestamp,
        from: SignedDuration,
        period: SignedDuration,
        statistic: Statistic,
    ) -> Option<f64> {
        match self {
            Self::Function(function) => Some(function.at(from)),
            Self::Samples(samples) => samples.value(start, from, period, statistic),
        }
    }
}
