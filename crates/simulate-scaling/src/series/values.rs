//! Parsing shared by functions and samples.

use jiff::SignedDuration;

/// The largest value: no metric measures more, and larger sums would overflow.
pub(super) const LARGEST: f64 = 1e15;

/// Parses a duration: `90s`, `15m`, `24h`, `7d`, `1h 30m`, or a number of seconds.
///
/// # Errors
/// A clause that explains the syntax.
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
