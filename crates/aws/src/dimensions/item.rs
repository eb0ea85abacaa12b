//! A dimension as an item of the table.

use std::{collections::HashMap, iter, num::ParseFloatError};

use aws_sdk_dynamodb::types::AttributeValue;
use fleet_core::{
    scaling::{
        Capacity, CapacityError, Dimension, DimensionId, DimensionIdError, FailureReason,
        ScalingStatus, StateTag, Stored, UpdateTime, UpdateTimeError,
    },
    text::TextError,
};
use thiserror::Error;
use uuid::Uuid;

/// The table's key.
pub(super) const KEY: &str = "scalableTargetDimensionId";
/// Counts the writes of the item, from 1.
pub(super) const REVISION: &str = "revision";
/// Names the last write, so that a writer whose answer was lost knows its own.
pub(super) const WRITE_ID: &str = "writeId";
/// Names the writes before it, newest first: a writer knows its own even when others have written since. An item without
/// the attribute has none.
const EARLIER_WRITE_IDS: &str = "earlierWriteIds";

/// How many earlier writes an item names. A writer whose answer was lost finds itself among them unless this many others
/// have written before the SDK sent its call again.
const EARLIER_WRITES: usize = 8;

// Capacities are kept as text: a capacity is any finite number that a double holds, and DynamoDB's numbers end at 1E126.
const ACTUAL: &str = "actualCapacity";
const DESIRED: &str = "desiredCapacity";
pub(super) const STATUS: &str = "scalingStatus";
const REASON: &str = "failureReason";
/// When the item was written. Items of earlier versions have none.
const UPDATED_AT: &str = "updatedAt";

/// An item that no write of ours leaves.
#[derive(Debug, Error)]
pub(super) enum ItemError {
    /// An attribute is missing or has another type.
    #[error("the item's attribute {0} is missing or has the wrong type")]
    Attribute(&'static str),
    /// A capacity is no number.
    #[error("the item's attribute {0} is not a number: {1}")]
    Number(&'static str, ParseFloatError),
    /// A capacity is negative or not finite.
    #[error("the item's attribute {0} is no capacity: {1}")]
    Capacity(&'static str, CapacityError),
    /// A status that does not exist.
    #[error("the item's attribute scalingStatus is no status")]
    Status,
    /// A reason where nothing failed.
    #[error("the item has a failureReason although its scalingStatus is not Failed")]
    ReasonWithoutFailure,
    /// A reason that is too long or not printable.
    #[error("the item's attribute failureReason {0}")]
    Reason(TextError),
    /// A time that is none.
    #[error("the item's attribute updatedAt is not a time: {0}")]
    UpdatedAt(UpdateTimeError),
    /// A key that no dimension can have.
    #[error("the item's key {0}")]
    Key(DimensionIdError),
    /// A revision that is no whole number, or the last one.
    #[error("the item's attribute revision is not a whole number that can be counted up")]
    Revision,
}

/// A state as it was read, and what a write must find to replace it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) stored: Stored,
    /// `None` when there was no item.
    revision: Option<Revision>,
}

#[derive(Clone, Debug, PartialEq)]
struct Revision {
    number: u64,
    earlier_write_ids: Vec<String>,
}

/// The values of a condition on what was seen.
pub(super) struct Condition {
    pub(super) number: AttributeValue,
    pub(super) write_id: AttributeValue,
}

/// An item to be put.
pub(super) struct Write {
    pub(super) id: String,
    pub(super) item: HashMap<String, AttributeValue>,
}

/// Reads `item`; the initial state where there is none.
pub(super) fn read(item: Option<HashMap<String, AttributeValue>>) -> Result<Seen, ItemError> {
    let Some(item) = item.filter(|item| !item.is_empty()) else {
        return Ok(Seen {
            stored: Stored::initial(),
            revision: None,
        });
    };
    let reason = match item.get(REASON) {
        None => None,
        Some(AttributeValue::S(reason)) => {
            Some(FailureReason::parse(reason).map_err(ItemError::Reason)?)
        }
        Some(_) => return Err(ItemError::Attribute(REASON)),
    };
    let status = match (string(&item, STATUS)?, reason) {
        ("Failed", reason) => ScalingStatus::Failed(reason),
        (_, Some(_)) => return Err(ItemError::ReasonWithoutFailure),
        ("Pending", None) => ScalingStatus::Pending,
        ("InProgress", None) => ScalingStatus::InProgress,
        ("Successful", None) => ScalingStatus::Successful,
        _ => return Err(ItemError::Status),
    };
    let number = match item.get(REVISION) {
        Some(AttributeValue::N(number)) => number
            .parse()
            .ok()
            .filter(|number| *number < u64::MAX)
            .ok_or(ItemError::Revision)?,
        _ => return Err(ItemError::Attribute(REVISION)),
    };
    let updated_at = match item.get(UPDATED_AT) {
        None => None,
        Some(AttributeValue::S(time)) => {
            Some(UpdateTime::parse(time).map_err(ItemError::UpdatedAt)?)
        }
        Some(_) => return Err(ItemError::Attribute(UPDATED_AT)),
    };
    Ok(Seen {
        stored: Stored {
            state: Dimension {
                actual: capacity(&item, ACTUAL)?,
                desired: capacity(&item, DESIRED)?,
                status,
            },
            tag: StateTag::of_write(string(&item, WRITE_ID)?),
            updated_at,
        },
        revision: Some(Revision {
            number,
            earlier_write_ids: earlier_write_ids(&item)?,
        }),
    })
}

/// Reads an item of which only the table knows the dimension.
pub(super) fn read_listed(
    item: HashMap<String, AttributeValue>,
) -> Result<(DimensionId, Stored), ItemError> {
    let id = key(&item)?;
    Ok((id, read(Some(item))?.stored))
}

/// The dimension that `item`, or a key alone, is of.
pub(super) fn key(item: &HashMap<String, AttributeValue>) -> Result<DimensionId, ItemError> {
    DimensionId::parse(string(item, KEY)?).map_err(ItemError::Key)
}

/// The item that replaces what was `seen` by `after`, and what must still be there for it.
pub(super) fn write(
    id: &DimensionId,
    seen: &Seen,
    after: &Dimension,
) -> (Write, Option<Condition>) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let write_id = Uuid::new_v4().to_string();
    let revision = seen.revision.as_ref().map_or(0, |revision| revision.number) + 1;
    let mut item: HashMap<String, AttributeValue> = [
        (KEY, text(id.as_str())),
        (ACTUAL, text(&after.actual.to_string())),
        (DESIRED, text(&after.desired.to_string())),
        (STATUS, text(after.status.name())),
        (REVISION, AttributeValue::N(revision.to_string())),
        (WRITE_ID, text(&write_id)),
        (UPDATED_AT, text(&UpdateTime::now().to_string())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(reason) = after.status.failure_reason() {
        item.insert(REASON.to_owned(), text(reason.as_str()));
    }
    let last_write = seen.stored.tag.as_str();
    if let Some(revision) = &seen.revision {
        let earlier = revision.earlier_write_ids.iter().map(String::as_str);
        let earlier = iter::once(last_write).chain(earlier).take(EARLIER_WRITES);
        item.insert(
            EARLIER_WRITE_IDS.to_owned(),
            AttributeValue::L(earlier.map(text).collect()),
        );
    }
    let condition = seen.revision.as_ref().map(|revision| Condition {
        number: AttributeValue::N(revision.number.to_string()),
        write_id: text(last_write),
    });
    (Write { id: write_id, item }, condition)
}

/// Whether `item` is what the write `id` left, or what others have made of that since.
pub(super) fn comes_of_write(item: &HashMap<String, AttributeValue>, id: &str) -> bool {
    matches!(item.get(WRITE_ID), Some(AttributeValue::S(write)) if write == id)
        || earlier_write_ids(item).is_ok_and(|earlier| earlier.iter().any(|write| write == id))
}

fn earlier_write_ids(item: &HashMap<String, AttributeValue>) -> Result<Vec<String>, ItemError> {
    match item.get(EARLIER_WRITE_IDS) {
        None => Ok(Vec::new()),
        Some(AttributeValue::L(ids)) => ids
            .iter()
            .map(|id| {
                id.as_s()
                    .cloned()
                    .map_err(|_| ItemError::Attribute(EARLIER_WRITE_IDS))
            })
            .collect(),
        Some(_) => Err(ItemError::Attribute(EARLIER_WRITE_IDS)),
    }
}

fn string<'a>(
    item: &'a HashMap<String, AttributeValue>,
    name: &'static str,
) -> Result<&'a str, ItemError> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(ItemError::Attribute(name)),
    }
}

fn capacity(
    item: &HashMap<String, AttributeValue>,
    name: &'static str,
) -> Result<Capacity, ItemError> {
    let number = string(item, name)?
        .parse()
        .map_err(|error| ItemError::Number(name, error))?;
    Capacity::new(number).map_err(|error| ItemError::Capacity(name, error))
}
