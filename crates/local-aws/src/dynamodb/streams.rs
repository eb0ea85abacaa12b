//! Streams as DynamoDB has them: a stream is that of one table, and a table of the same name that is made later has another.
//!
//! The storage finds a stream by its table's name alone, and its shard ids are shorter than clients take them.

use dynoxide::{Database, actions::describe_table::DescribeTableRequest};
use serde_json::{Map, Value};

use super::{
    arns::{Arns, StreamName},
    refusals::NotFound,
};
/// What the storage's numbers of records begin after.
const NUMBERS_BEGIN: u128 = 100_000_000_000_000_000_000;

/// Whether an operation is one of the streams'.
pub(super) fn is_stream_operation(operation: &str) -> bool {
    matches!(
        operation,
        "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords"
    )
}

/// The id of a table's only shard, in DynamoDB's form.
fn shard_id(table: &str) -> String {
    format!(
        "shardId-{:020}-{:08x}",
        1,
        crc32fast::hash(table.as_bytes())
    )
}

/// Makes a client's request the storage's; the ARN of the stream that it is about.
///
/// # Errors
/// [`NotFound`] for a stream or a shard that is not there.
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
        // Another one is not of here, and the storage says so.
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

/// The number of a stream's first record at the earliest, as clients have it: the storage numbers records by the microsecond,
/// and labels a stream with the time of its beginning.
fn first_number(label: &str) -> Option<u128> {
    let (seconds, nanoseconds) = label.split_once('.')?;
    let (seconds, nanoseconds): (u128, u128) = (seconds.parse().ok()?, nanoseconds.parse().ok()?);
    Some(NUMBERS_BEGIN + seconds * 1_000_000 + nanoseconds / 1_000)
}

/// Keeps an iterator from the records of a table of the same name before, which the storage still has.
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

/// Whether a stream is that of the table as it is now. Blocks.
pub(super) fn is_current(arns: &Arns, database: &Database, arn: &str) -> bool {
    let Some(StreamName { table, label }) = arns.stream(arn) else {
        return false;
    };
    let described = database.describe_table(DescribeTableRequest {
        table_name: table.to_owned(),
    });
    described.is_ok_and(|described| described.table.latest_stream_label.as_deref() == Some(label))
}

/// Makes the storage's answer DynamoDB's. `stream` is what the request was about.
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
