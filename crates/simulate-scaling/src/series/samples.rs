//! A CSV file of samples: a time and a value in each row.

use std::{fs::File, io::Read, path::Path};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use super::values::{LARGEST, duration};

/// A row's time: relative to the start, or a calendar time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Time {
    After(SignedDuration),
    At(Timestamp),
}

/// How a period's samples make one datapoint, like CloudWatch's statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Statistic {
    /// Their mean
    #[default]
    Average,
    /// The highest one
    Maximum,
    /// The lowest one
    Minimum,
    /// Their sum
    Sum,
}

impl Statistic {
    /// The datapoint for values with their counts; `None` if nothing was measured.
    #[must_use]
    pub fn of(self, values: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
        let mut values = values.into_iter().peekable();
        values.peek()?;
        let total = |(sum, count): (f64, f64), (value, times)| (sum + value * times, count + times);
        Some(match self {
            Self::Average => {
                let (sum, count) = values.fold((0.0, 0.0), total);
                sum / count
            }
            Self::Sum => values.fold((0.0, 0.0), total).0,
            Self::Maximum => values.fold(f64::NEG_INFINITY, |most, (value, _)| most.max(value)),
            Self::Minimum => values.fold(f64::INFINITY, |least, (value, _)| least.min(value)),
        })
    }
}

/// Samples in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    rows: Vec<(Time, f64)>,
}

impl Samples {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        Self::parse(file).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A first row that is not a sample counts as a header; a row without a value means that nothing was measured.
    fn parse(text: impl Read) -> Result<Self, String> {
        let mut rows: Vec<(Time, f64)> = Vec::new();
        let mut last = None;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text);
        for (index, record) in reader.records().enumerate() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |what: String| format!("line {line}: {what}");
            if record.len() != 2 {
                return Err(wrong(format!(
                    "there are {} columns; there must be two: time and value",
                    record.len()
                )));
            }
            let (Some(time), Some(value)) = (record.get(0), record.get(1)) else {
                continue;
            };
            let parsed = match (duration(time), time.parse()) {
                (Ok(after), _) => Time::After(after),
                (_, Ok(at)) => Time::At(at),
                _ if index == 0 => continue,
                (Err(_), Err(_)) => {
                    return Err(wrong(format!(
                        "'{time}' is not a time; write seconds, a duration like 5m, or 2026-01-05T08:00:00Z"
                    )));
                }
            };
            match (last, parsed) {
                (Some(Time::After(before)), Time::After(now)) if now < before => {
                    return Err(wrong(format!("'{time}' is before the row above it")));
                }
                (Some(Time::At(before)), Time::At(now)) if now < before => {
                    return Err(wrong(format!("'{time}' is before the row above it")));
                }
                (Some(Time::After(_)), Time::At(_)) | (Some(Time::At(_)), Time::After(_)) => {
                    return Err(wrong(format!(
                        "'{time}' is not written as the times above it"
                    )));
                }
                _ => last = Some(parsed),
            }
            if value.is_empty() {
                continue;
            }
            match value.parse::<f64>() {
                Ok(number) if number.abs() <= LARGEST => rows.push((parsed, number)),
                Ok(number) if number.is_finite() => {
                    return Err(wrong(format!("'{value}' is not between -1e15 and 1e15")));
                }
                _ => return Err(wrong(format!("'{value}' is not a number"))),
            }
        }
        if rows.is_empty() {
            Err("it has no samples".to_owned())
        } else {
            Ok(Self { rows })
        }
    }

    /// When the first sample was taken, if the file has calendar times.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        match self.rows.first() {
            Some((Time::At(time), _)) => Some(*time),
            _ => None,
        }
    }

    /// How long after `start` the last sample was taken.
    #[must_use]
    pub fn ends(&self, start: Timestamp) -> SignedDuration {
        self.rows
            .last()
            .map_or(SignedDuration::ZERO, |(time, _)| after(*time, start))
    }

    pub(super) fn value(
        &self,
        start: Timestamp,
        from: SignedDuration,
        period: SignedDuration,
        statistic: Statistic,
    ) -> Option<f64> {
        let first = self
            .rows
            .partition_point(|(time, _)| after(*time, start) < from);
        let end = self
            .rows
            .partition_point(|(time, _)| after(*time, start) < from + period);
        let rows = self.rows.get(first..end).unwrap_or_default();
        statistic.of(rows.iter().map(|(_, value)| (*value, 1.0)))
    }
}

fn after(time: Time, start: Timestamp) -> SignedDuration {
    match time {
        Time::After(after) => after,
        Time::At(time) => time.duration_since(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, minute: i64, statistic: Statistic) -> Option<f64> {
        let samples = Samples::parse(text.as_bytes()).unwrap();
        let start = samples.begins().unwrap_or(Timestamp::UNIX_EPOCH);
        samples.value(
            start,
            SignedDuration::from_mins(minute),
            SignedDuration::from_mins(1),
            statistic,
        )
    }

    #[test]
    fn a_periods_samples_make_one_datapoint() {
        let text = "time,value\n0,10\n30,20\n# a comment\n60,7\n2m,\n3m,9\n";
        assert_eq!(value(text, 0, Statistic::Average), Some(15.0));
        assert_eq!(value(text, 0, Statistic::Maximum), Some(20.0));
        assert_eq!(value(text, 0, Statistic::Minimum), Some(10.0));
        assert_eq!(value(text, 0, Statistic::Sum), Some(30.0));
        assert_eq!(value(text, 1, Statistic::Average), Some(7.0));
        assert_eq!(value(text, 2, Statistic::Average), None);
        assert_eq!(value(text, 3, Statistic::Average), Some(9.0));
        assert_eq!(value(text, 4, Statistic::Average), None);
    }

    #[test]
    fn times_may_be_the_calendars() {
        let text = "2026-01-05T08:00:00Z,1\n2026-01-05T09:01:30+01:00,2\n";
        assert_eq!(
            (
                value(text, 0, Statistic::Average),
                value(text, 1, Statistic::Average)
            ),
            (Some(1.0), Some(2.0))
        );
        let samples = Samples::parse(text.as_bytes()).unwrap();
        assert_eq!(
            samples.ends(samples.begins().unwrap()),
            SignedDuration::from_secs(90)
        );
    }

    #[test]
    fn a_wrong_file_is_told_by_its_line() {
        for (text, words) in [
            ("", "it has no samples"),
            ("time,value\n", "it has no samples"),
            (
                "time,value\n0,1\nsoon,2\n",
                "line 3: 'soon' is not a time; write seconds, a duration like 5m, or 2026-01-05T08:00:00Z",
            ),
            ("0,1\n60,many\n", "line 2: 'many' is not a number"),
            ("0,inf\n", "line 1: 'inf' is not a number"),
            ("60,1\n0,1\n", "line 2: '0' is before the row above it"),
            (
                "0,1\n2026-01-05T08:00:00Z,1\n",
                "line 2: '2026-01-05T08:00:00Z' is not written as the times above it",
            ),
            (
                "0,1,2\n",
                "line 1: there are 3 columns; there must be two: time and value",
            ),
        ] {
            assert_eq!(
                Samples::parse(text.as_bytes()).unwrap_err(),
                words,
                "{text}"
            );
        }
    }
}
