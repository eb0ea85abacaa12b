//! What is measured over time: a function of the time, or a file of samples.

mod function;
mod samples;

use std::path::Path;

pub use function::SeriesFunction;
use jiff::{SignedDuration, Timestamp};
pub use samples::{Samples, Statistic};

/// The largest value: no metric measures more, and larger sums would overflow.
const LARGEST: f64 = 1e15;

/// A series of values over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// Computed for any time.
    Function(SeriesFunction),
    /// Read from a file.
    Samples(Samples),
}

impl Series {
    /// Reads `text`: a function such as `sine(min=20, max=400, period=24h)`, or else the path of a CSV file.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().split_once('(') {
            Some((name, rest)) if !Path::new(text).exists() => {
                SeriesFunction::parse(name, rest).map(Self::Function)
            }
            _ => Samples::read(Path::new(text)).map(Self::Samples),
        }
    }

    /// The value of the period that begins `from` after `start` and is `period` long; `None` where nothing was measured.
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

/// Reads a duration: `90s`, `15m`, `24h`, `7d`, `1h 30m`, or a number of seconds.
///
/// # Errors
/// A clause that says how one is written.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let text = text.trim();
    let wrong = || format!("'{text}' is not a duration; write one like 90s, 15m, 24h or 7d");
    let parsed = match (
        text.parse::<f64>(),
        text.strip_suffix('d').map(str::parse::<u32>),
    ) {
        (Ok(seconds), _) => SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        (_, Some(Ok(days))) => SignedDuration::from_hours(i64::from(days) * 24),
        _ => text.parse().map_err(|_| wrong())?,
    };
    if parsed.is_negative() || parsed > SignedDuration::from_hours(24 * 366 * 10) {
        return Err(format!("'{text}' must be between 0s and ten years"));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
            ("1h 30m", 5400),
            ("60", 60),
            ("0", 0),
        ] {
            assert_eq!(
                duration(text),
                Ok(SignedDuration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "soon",
            "-5m",
            "1 fortnight",
            "NaN",
            "inf",
            "1e300",
            "99999999999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
