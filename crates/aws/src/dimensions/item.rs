//! A dimension as an item of the table.

use std::{collections::HashMap, iter, num::ParseFloatError};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use fleet_core::{
    scaling::{
        Capacity, CapacityError, Dimension, DimensionId, DimensionIdError, FailureReason,
        ScalingStatus, StateTag, StoredDimension, UpdateTime, UpdateTimeError,
    },
    text::TextError,
};
use thiserror::Error;
use uuid::Uuid;

/// The table's key.
pub(super) const KEY: &str = "scalableTargetDimensionId";
/// Counts the writes of the item, from 1.
pub(super) const REVISION: &str = "revision";
/// Names the last write, so that a writer whose response was lost recognizes its own.
pub(super) const WRITE_ID: &str = "writeId";
/// Names the writes before it, newest first, without a gap: a writer recognizes its own even when others have written
/// since. An item without the attribute names none. It replaces the list `earlierWriteIds` of earlier versions.
const EARLIER_WRITES: &str = "earlierWrites";

/// The most earlier writes that an item names. With all of them, an item of ordinary size still fits into the kilobyte
/// that DynamoDB counts as one write unit.
const MAX_EARLIER_WRITES: usize = 120;
/// How many bytes of its id name an earlier write: two writes share them with a chance of 1 in 2^48.
const NAME_BYTES: usize = 6;

// Capacities are stored as text: a capacity can be any finite double, and DynamoDB's numbers end at 1E126.
const ACTUAL: &str = "actualCapacity";
const DESIRED: &str = "desiredCapacity";
pub(super) const STATUS: &str = "scalingStatus";
const REASON: &str = "failureReason";
/// When the item was written. Items of earlier versions have none.
const UPDATED_AT: &str = "updatedAt";

/// An item that none of our writes leaves.
#[derive(Debug, Error)]
pub(super) enum ItemError {
    /// An attribute is missing or has another type.
    #[error("the item's attribute {0} is missing or has the wrong type")]
    Attribute(&'static str),
    /// A capacity is not a number.
    #[error("the item's attribute {0} is not a number: {1}")]
    Number(&'static str, ParseFloatError),
    /// A capacity is negative or not finite.
    #[error("the item's attribute {0} is not a capacity: {1}")]
    Capacity(&'static str, CapacityError),
    /// A status that does not exist.
    #[error("the item's attribute scalingStatus is not a status")]
    Status,
    /// A reason without a failure.
    #[error("the item has a failureReason although its scalingStatus is not Failed")]
    ReasonWithoutFailure,
    /// A reason that is too long or not printable.
    #[error("the item's attribute failureReason {0}")]
    Reason(TextError),
    /// An invalid time.
    #[error("the item's attribute updatedAt is not a time: {0}")]
    UpdatedAt(UpdateTimeError),
    /// A key that no dimension can have.
    #[error("the item's key {0}")]
    Key(DimensionIdError),
    /// A revision that is not an integer, or the highest one.
    #[error("the item's attribute revision is not a whole number that can be counted up")]
    Revision,
}

/// A state as it was read, with what a write must find to replace it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReadState {
    pub(super) stored: StoredDimension,
    /// `None` if there was no item.
    revision: Option<Revision>,
}

#[derive(Clone, Debug, PartialEq)]
struct Revision {
    number: u64,
    /// The writes before the last one, newest first.
    earlier_writes: Vec<WriteName>,
}

/// The name of an earlier write: the beginning of its id.
type WriteName = [u8; NAME_BYTES];

/// Identifies an update's write, across all its calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteId(Uuid);

impl WriteId {
    pub(super) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The tag of the state after the write.
    pub(super) fn tag(self) -> StateTag {
        StateTag::of_write(self.0.to_string())
    }

    fn name(self) -> WriteName {
        let [name @ .., _, _, _, _, _, _, _, _, _, _] = self.0.into_bytes();
        name
    }
}

/// Whether a state contains an earlier write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteTrace {
    /// The state is the result of the write, or was derived from it.
    Written,
    /// The write did not happen.
    NotWritten,
    /// Unknown: too many others have written since.
    Lost,
}

impl ReadState {
    /// Whether this state contains the write `id`, which was to replace `earlier`.
    ///
    /// No clock is involved: the revision that the write would have had shows whether it would be named here.
    pub(super) fn trace(&self, id: WriteId, earlier: &Self) -> WriteTrace {
        let Some(revision) = &self.revision else {
            // The item has been deleted, and the write with it.
            return WriteTrace::NotWritten;
        };
        if self.stored.tag == id.tag() || revision.earlier_writes.contains(&id.name()) {
            return WriteTrace::Written;
        }
        let named = u64::try_from(revision.earlier_writes.len()).unwrap_or(u64::MAX);
        if revision.number > earlier.next_revision().saturating_add(named) {
            WriteTrace::Lost
        } else {
            WriteTrace::NotWritten
        }
    }

    /// The revision of the write that replaces this state.
    fn next_revision(&self) -> u64 {
        self.revision.as_ref().map_or(0, |revision| revision.number) + 1
    }
}

/// The values for a write's condition on the state that was seen.
pub(super) struct Condition {
    pub(super) number: AttributeValue,
    pub(super) write_id: AttributeValue,
}

/// Reads `item`; without one, the initial state.
pub(super) fn read(item: Option<HashMap<String, AttributeValue>>) -> Result<ReadState, ItemError> {
    let Some(item) = item.filter(|item| !item.is_empty()) else {
        return Ok(ReadState {
            stored: StoredDimension::initial(),
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
    Ok(ReadState {
        stored: StoredDimension {
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
            earlier_writes: earlier_writes(&item)?,
        }),
    })
}

/// Reads an item of a scan, with its dimension.
pub(super) fn read_listed(
    item: HashMap<String, AttributeValue>,
) -> Result<(DimensionId, StoredDimension), ItemError> {
    let id = key(&item)?;
    Ok((id, read(Some(item))?.stored))
}

/// The dimension id in `item`, which may consist of only the key.
pub(super) fn key(item: &HashMap<String, AttributeValue>) -> Result<DimensionId, ItemError> {
    DimensionId::parse(string(item, KEY)?).map_err(ItemError::Key)
}

/// The item with which `write` replaces the state `seen` with `after`, and the condition for it.
pub(super) fn write(
    id: &DimensionId,
    write: WriteId,
    seen: &ReadState,
    after: &Dimension,
) -> (HashMap<String, AttributeValue>, Option<Condition>) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut item: HashMap<String, AttributeValue> = [
        (KEY, text(id.as_str())),
        (ACTUAL, text(&after.actual.to_string())),
        (DESIRED, text(&after.desired.to_string())),
        (STATUS, text(after.status.name())),
        (
            REVISION,
            AttributeValue::N(seen.next_revision().to_string()),
        ),
        (WRITE_ID, text(write.tag().as_str())),
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
        // An id in another form, which none of our writes has, still takes its place in the order.
        let last_name =
            Uuid::parse_str(last_write).map_or([0; NAME_BYTES], |id| WriteId(id).name());
        let earlier = iter::once(last_name).chain(revision.earlier_writes.iter().copied());
        let names: Vec<u8> = earlier.take(MAX_EARLIER_WRITES).flatten().collect();
        item.insert(
            EARLIER_WRITES.to_owned(),
            AttributeValue::B(Blob::new(names)),
        );
    }
    let condition = seen.revision.as_ref().map(|revision| Condition {
        number: AttributeValue::N(revision.number.to_string()),
        write_id: text(last_write),
    });
    (item, condition)
}

fn earlier_writes(item: &HashMap<String, AttributeValue>) -> Result<Vec<WriteName>, ItemError> {
    match item.get(EARLIER_WRITES) {
        None => Ok(Vec::new()),
        Some(AttributeValue::B(names)) => match names.as_ref().as_chunks() {
            (names, []) => Ok(names.to_vec()),
            _ => Err(ItemError::Attribute(EARLIER_WRITES)),
        },
        Some(_) => Err(ItemError::Attribute(EARLIER_WRITES)),
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
