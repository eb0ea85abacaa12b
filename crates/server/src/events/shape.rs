//! An event as EventBridge gets it, built from a stream record in the same way as by the pipe in template.yaml.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The events' source, the same as in template.yaml's pipe.
pub(crate) const SOURCE: &str = "fleet-api.scaling";
/// The events' type.
pub(crate) const DETAIL_TYPE: &str = "Scalable Target Dimension Change";
/// The parts of an item that an event contains, by name and DynamoDB type.
pub(crate) const DETAIL: [(&str, &str, &str); 7] = [
    (
        "scalableTargetDimensionId",
        "scalableTargetDimensionId",
        "S",
    ),
    ("scalingStatus", "scalingStatus", "S"),
    ("desiredCapacity", "desiredCapacity", "S"),
    ("actualCapacity", "actualCapacity", "S"),
    ("revision", "revision", "N"),
    ("updatedAt", "updatedAt", "S"),
    ("tag", "writeId", "S"),
];

/// An event and its position in the stream.
pub(crate) struct StreamEvent {
    pub(super) sequence: String,
    pub(super) body: Value,
}

impl StreamEvent {
    /// The event of a record. There is none for the removal of an item, which nothing in the API does.
    pub(crate) fn of(record: &Value) -> Option<Self> {
        let sequence = sequence(record)?.to_owned();
        let image = record.pointer("/dynamodb/NewImage")?;
        let detail: serde_json::Map<String, Value> = DETAIL
            .iter()
            .map(|(name, attribute, kind)| {
                let value = image.get(attribute).and_then(|value| value.get(kind));
                ((*name).to_owned(), value.cloned().unwrap_or(json!("")))
            })
            .collect();
        let seconds = record
            .pointer("/dynamodb/ApproximateCreationDateTime")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time of this millennium fits"
        )]
        let time = OffsetDateTime::from_unix_timestamp(seconds as i64)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        let body = json!({
            "version": "0",
            "id": text(record, "/dynamodb/NewImage/writeId/S").unwrap_or(&sequence),
            "detail-type": DETAIL_TYPE,
            "source": SOURCE,
            "account": "000000000000",
            "time": time,
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        });
        Some(Self { sequence, body })
    }

    /// Formats it as a server-sent event.
    pub(super) fn as_text(&self) -> String {
        format!("id: {}\ndata: {}\n\n", self.sequence, self.body)
    }
}

/// The position of a record in the stream.
pub(super) fn sequence(record: &Value) -> Option<&str> {
    text(record, "/dynamodb/SequenceNumber")
}

/// The text in a record at `pointer`.
fn text<'a>(record: &'a Value, pointer: &str) -> Option<&'a str> {
    record.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Value {
        json!({
            "eventName": "MODIFY",
            "dynamodb": {
                "SequenceNumber": "100000000000000000007",
                "ApproximateCreationDateTime": 1_767_600_000.0,
                "NewImage": {
                    "scalableTargetDimensionId": {"S": "1-23456789"},
                    "scalingStatus": {"S": "Pending"},
                    "desiredCapacity": {"S": "4"},
                    "actualCapacity": {"S": "1"},
                    "revision": {"N": "3"},
                    "updatedAt": {"S": "2026-01-05T08:00:00Z"},
                    "writeId": {"S": "b5b1"},
                    "earlierWrites": {"B": ""},
                },
            },
        })
    }

    #[test]
    fn a_record_makes_the_event_that_eventbridge_has() {
        let event = StreamEvent::of(&record()).unwrap();
        assert_eq!(
            event.body,
            json!({
                "version": "0",
                "id": "b5b1",
                "detail-type": "Scalable Target Dimension Change",
                "source": "fleet-api.scaling",
                "account": "000000000000",
                "time": "2026-01-05T08:00:00Z",
                "region": "us-east-1",
                "resources": [],
                "detail": {
                    "scalableTargetDimensionId": "1-23456789",
                    "scalingStatus": "Pending",
                    "desiredCapacity": "4",
                    "actualCapacity": "1",
                    "revision": "3",
                    "updatedAt": "2026-01-05T08:00:00Z",
                    "tag": "b5b1",
                },
            })
        );
        assert!(
            event
                .as_text()
                .starts_with("id: 100000000000000000007\ndata: {")
        );
        assert!(event.as_text().ends_with("}\n\n"));
    }

    #[test]
    fn an_item_that_is_taken_away_is_no_event() {
        let mut removed = record();
        removed["dynamodb"]
            .as_object_mut()
            .unwrap()
            .remove("NewImage");
        assert!(StreamEvent::of(&removed).is_none());
    }

    #[test]
    fn the_pipe_of_the_template_makes_the_same() {
        let template = include_str!("../../../../template.yaml");
        for words in [SOURCE, DETAIL_TYPE] {
            assert!(template.contains(words), "{words}");
        }
        for (name, attribute, kind) in DETAIL {
            let line = format!("\"{name}\": \"<$.dynamodb.NewImage.{attribute}.{kind}>\"");
            assert!(template.contains(&line), "{line}");
        }
    }
}
