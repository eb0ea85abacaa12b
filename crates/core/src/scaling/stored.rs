//! A dimension as a store holds it.

use std::fmt;

use serde::Serialize;
use thiserror::Error;
use time::{UtcDateTime, format_description::StaticFormatDescription, macros::format_description};

use super::{Dimension, DimensionId};

/// RFC 3339 in UTC, to the millisecond.
const RFC_3339: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Identifies the state of a dimension after one write. Every change gets a new tag, even one that restores an earlier
/// state, so an unchanged tag means that nothing has happened since.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateTag(String);

impl StateTag {
    /// The tag of a dimension that has never been changed.
    #[must_use]
    pub fn initial() -> Self {
        Self("initial".to_owned())
    }

    /// The tag of the state after the write `id`. Write ids are UUIDs.
    pub fn of_write(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not an update time.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a time like 2026-01-05T08:00:00.000Z")]
pub struct UpdateTimeError(String);

/// When a dimension was changed, in UTC, by the clock of the writer. Written as `2026-01-05T08:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateTime(UtcDateTime);

impl UpdateTime {
    /// The current time, to the millisecond.
    #[must_use]
    pub fn now() -> Self {
        let now = UtcDateTime::now();
        // A millisecond is always in range.
        Self(now.replace_millisecond(now.millisecond()).unwrap_or(now))
    }

    /// How many seconds ago it was by the local clock; 0 for a time in the future, since clocks differ.
    #[must_use]
    pub fn seconds_ago(self) -> f64 {
        (UtcDateTime::now() - self.0).as_seconds_f64().max(0.0)
    }

    /// Parses what [`UpdateTime`] writes.
    ///
    /// # Errors
    /// [`UpdateTimeError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UpdateTimeError> {
        UtcDateTime::parse(text, &RFC_3339)
            .map(Self)
            .map_err(|_| UpdateTimeError(text.to_owned()))
    }
}

impl fmt::Display for UpdateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&RFC_3339).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for UpdateTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A dimension's state with its store's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDimension {
    /// The state.
    pub state: Dimension,
    /// Identifies this state among all that the dimension has had.
    pub tag: StateTag,
    /// When the last change was made. `None` for a dimension that has never been changed, or was last changed before
    /// update times were stored.
    pub updated_at: Option<UpdateTime>,
}

impl StoredDimension {
    /// A dimension that has never been changed.
    #[must_use]
    pub fn initial() -> Self {
        Self {
            state: Dimension::INITIAL,
            tag: StateTag::initial(),
            updated_at: None,
        }
    }
}

/// Some of the stored dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct DimensionPage {
    /// The dimensions, in the store's own order. There may be fewer than requested, even none, although others follow.
    pub dimensions: Vec<(DimensionId, StoredDimension)>,
    /// The id after which the next page begins; `None` on the last page.
    pub next: Option<DimensionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339_and_read_again() {
        let text = "2026-01-05T08:00:00.120Z";
        assert_eq!(UpdateTime::parse(text).unwrap().to_string(), text);
        let now = UpdateTime::now();
        assert_eq!(UpdateTime::parse(&now.to_string()), Ok(now));
        for text in [
            "",
            "2026-01-05 08:00:00.120Z",
            "2026-01-05T08:00:00Z",
            "2026-01-05T08:00:00.120+01:00",
            "2026-13-05T08:00:00.120Z",
        ] {
            assert!(UpdateTime::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_so_many_seconds_ago_and_one_to_come_is_none() {
        let ago = |text| UpdateTime::parse(text).unwrap().seconds_ago();
        // The older one is read later, so that no pause between the two calls brings them closer.
        let newer = ago("2026-01-05T09:00:00.000Z");
        let older = ago("2026-01-05T08:00:00.000Z");
        assert!(older - newer >= 3_599.0, "{older} {newer}");
        assert!(newer > 3_600.0, "{newer}");
        assert_eq!(ago("9999-01-05T08:00:00.000Z"), 0.0);
    }

    #[test]
    fn a_tag_is_that_of_its_write() {
        assert_eq!(StateTag::of_write("w-1").as_str(), "w-1");
        assert_eq!(StateTag::initial().as_str(), "initial");
    }
}
