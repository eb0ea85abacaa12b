//! Streams with DynamoDB's behaviour: each belongs to one table, and a later table of the same name has another stream.
//!
//! The storage finds a stream by its table's name alone, and its shard ids are shorter than clients accept.

use dynoxide::{Database, actions::describe_table::DescribeTableRequest};
use serde_json::{Map, Value};

use super::{
    arns::{Arns, StreamName},
    refusals::NotFound,
};
/// The storage's sequence numbers begin after this.
const NUMBERS_BEGIN: u128 = 100_000_000_000_000_000_000;

/// Whether an operation belongs to the streams API.
pub(super) fn is_stream_operation(operation: &str) -> bool {
    matches!(
        operation,
        "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords"
    )
}

/// The id of a table's only shard, in DynamoDB's format.
fn shard_id(table: &str) -> String {
    format!(
        "shardId-{:020}-{:08x}",
        1,
        crc32fast::hash(table.as_bytes())
    )
}

/// Translates a client's request for the storage; returns the ARN of the stream it concerns.
///
/// # Errors
/// [`NotFound`] for an unknown stream or shard.
pub(super) fn of_client(
    arns: &Arns,
    operation: &str,
    body: &mut Map<String, Value>,
) -> Result<Option<String>, NotFound> {
    if operation == "ListStreams" {
        if let Some(Value::String(start)) = body.get_mut("ExclusiveStartStreamArn") {
            *start = arns.for_storage(start);
        }
        return Ok(None);
    }
    if operation == "GetRecords" {
        let Some(Value::String(iterator)) = body.get_mut("ShardIterator") else {
            return Ok(None);
        };
        // Any other iterator did not come from here, and the storage will refuse it.
        let Some((arn, place)) = iterator.split_once("|1|") else {
            return Ok(None);
        };
        let (arn, place) = (arn.to_owned(), place.to_owned());
        *iterator = place;
        return Ok(Some(arn));
    }
    let Some(Value::String(arn)) = body.get("StreamArn") else {
        return Ok(None);
    };
    let arn = arn.clone();
    let Some(stream) = arns.stream(&arn) else {
        return Err(NotFound::new("Stream", &arn));
    };
    if let Some(Value::String(shard)) = body.get_mut("ShardId") {
        if *shard != shard_id(stream.table) {
            return Err(NotFound::new("Shard", shard));
        }
        *shard = dynoxide::streams::shard_id(stream.table);
    }
    if operation == "GetShardIterator" {
        begin_at_the_stream(stream, body);
    }
    Ok(Some(arn))
}

/// The lowest sequence number a stream's first record can have, as clients see it: the storage numbers records by the
/// microsecond, and labels a stream with its start time.
fn first_number(label: &str) -> Option<u128> {
    let (seconds, nanoseconds) = label.split_once('.')?;
    let (seconds, nanoseconds): (u128, u128) = (seconds.parse().ok()?, nanoseconds.parse().ok()?);
    Some(NUMBERS_BEGIN + seconds * 1_000_000 + nanoseconds / 1_000)
}

/// Keeps an iterator from reaching the records of an earlier table of the same name, which the storage still has.
fn begin_at_the_stream(stream: StreamName<'_>, body: &mut Map<String, Value>) {
    let Some(first) = first_number(stream.label) else {
        return;
    };
    let number = body
        .get("SequenceNumber")
        .and_then(|number| number.as_str()?.parse::<u128>().ok());
    let kind = body.get("ShardIteratorType").and_then(Value::as_str);
    let is_early = match (kind, number) {
        (Some("TRIM_HORIZON"), None) => true,
        (Some("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER"), Some(number)) => {
            number > NUMBERS_BEGIN && number < first
        }
        _ => false,
    };
    if is_early {
        body.insert("ShardIteratorType".to_owned(), "AT_SEQUENCE_NUMBER".into());
        body.insert("SequenceNumber".to_owned(), first.to_string().into());
    }
}

/// Whether a stream belongs to the current table. Blocks.
pub(super) fn is_current(arns: &Arns, database: &Database, arn: &str) -> bool {
    let Some(StreamName { table, label }) = arns.stream(arn) else {
        return false;
    };
    let described = database.describe_table(DescribeTableRequest {
        table_name: table.to_owned(),
    });
    described.is_ok_and(|described| described.table.latest_stream_label.as_deref() == Some(label))
}

/// Translates the storage's response for the client. `stream` is the ARN that the request concerned.
pub(super) fn of_storage(arns: &Arns, stream: Option<&str>, body: &mut Map<String, Value>) {
    if let Some(stream) = stream {
        for iterator in ["ShardIterator", "NextShardIterator"] {
            if let Some(Value::String(place)) = body.get_mut(iterator) {
                *place = format!("{stream}|1|{place}");
            }
        }
    }
    if let Some(Value::Array(records)) = body.get_mut("Records") {
        for record in records {
            record["awsRegion"] = arns.region().into();
        }
    }
    if let Some(Value::Object(description)) = body.get_mut("StreamDescription") {
        let table = description.get("TableName").and_then(Value::as_str);
        let id = table.map(shard_id).unwrap_or_default();
        let label = description.get("StreamLabel").and_then(Value::as_str);
        let first = label.and_then(first_number);
        if let Some(Value::Array(shards)) = description.get_mut("Shards") {
            for shard in shards {
                shard["ShardId"] = id.clone().into();
                let range = &mut shard["SequenceNumberRange"];
                let start = range["StartingSequenceNumber"]
                    .as_str()
                    .and_then(|number| number.parse().ok());
                if let Some(number) = start.max(first) {
                    range["StartingSequenceNumber"] = number.to_string().into();
                }
            }
        }
    }
}
