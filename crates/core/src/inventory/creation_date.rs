//! When an instance was added.

use serde::Serialize;
use thiserror::Error;
use time::{
    PrimitiveDateTime, format_description::StaticFormatDescription, macros::format_description,
};

/// MySQL's format of a `DATETIME`; anything after the seconds is a fraction.
const MYSQL: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// A text that is not a date and time in MySQL's format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a date and time like 2019-03-06 02:45:32")]
pub struct CreationDateError(String);

/// When an instance was added, in UTC, to the second. Written as `2019-03-06 02:45:32.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CreationDate(PrimitiveDateTime);

impl CreationDate {
    /// Reads the database's form: `2019-03-06 02:45:32`, with or without a fraction of a second.
    ///
    /// # Errors
    /// [`CreationDateError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, CreationDateError> {
        let wrong = || CreationDateError(text.to_owned());
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        PrimitiveDateTime::parse(seconds, &MYSQL)
            .map(Self)
            .map_err(|_| wrong())
    }
}

impl std::fmt::Display for CreationDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.format(&MYSQL).map_err(|_| std::fmt::Error)?;
        write!(f, "{text}.0")
    }
}

impl Serialize for CreationDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_the_format_of_the_contract() {
        for text in [
            "2019-03-06 02:45:32",
            "2019-03-06 02:45:32.0",
            "2019-03-06 02:45:32.123456",
        ] {
            assert_eq!(
                CreationDate::parse(text).unwrap().to_string(),
                "2019-03-06 02:45:32.0",
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2019-03-06",
            "2019-03-06T02:45:32",
            "2019-13-06 02:45:32",
            "2019-03-06 02:45:32.",
            "2019-03-06 02:45:32.x",
        ] {
            assert!(CreationDate::parse(text).is_err(), "{text}");
        }
    }
}
