//! Results: from an engine's outcome to a response body within the size limits.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    errors::DataApiError,
    limits::{MAX_FORMATTED_BYTES, MAX_RESPONSE_BYTES},
    wire::{
        self, BatchResponse, DecimalReturnType, ExecuteResponse, LongReturnType, ResponseValue,
        ResultSetOptions, UpdateResult,
    },
};
use crate::engine::{EngineError, ResultColumn, SqlValue, StatementResult};

/// How to format a result.
#[derive(Debug, Default)]
pub(super) struct ResultFormat {
    pub(super) metadata: bool,
    pub(super) json: bool,
    pub(super) set: ResultSetOptions,
}

/// The body of an `Execute` response.
pub(super) fn execute(
    outcome: StatementResult,
    options: &ResultFormat,
) -> Result<Bytes, DataApiError> {
    let response = match outcome.columns {
        Some(columns) if options.json => {
            let text = formatted(&columns, outcome.rows, &options.set)?;
            return Ok(wire::json(&ExecuteResponse {
                formatted_records: Some(text),
                ..ExecuteResponse::default()
            }));
        }
        Some(columns) => ExecuteResponse {
            records: Some(
                outcome
                    .rows
                    .into_iter()
                    .map(|row| record(row, &options.set))
                    .collect(),
            ),
            column_metadata: options
                .metadata
                .then(|| columns.into_iter().map(Into::into).collect()),
            ..ExecuteResponse::default()
        },
        None => ExecuteResponse {
            number_of_records_updated: outcome.updated,
            generated_fields: Some(generated_fields(&outcome.generated)),
            ..ExecuteResponse::default()
        },
    };
    limited(wire::json(&response))
}

/// The body of a `BatchExecute` response.
pub(super) fn batch(outcomes: &[StatementResult]) -> Result<Bytes, DataApiError> {
    let update_results = outcomes
        .iter()
        .map(|outcome| UpdateResult {
            generated_fields: generated_fields(&outcome.generated),
        })
        .collect();
    limited(wire::json(&BatchResponse { update_results }))
}

fn limited(body: Bytes) -> Result<Bytes, DataApiError> {
    if body.len() > MAX_RESPONSE_BYTES {
        return Err(EngineError::ResultTooLarge.into());
    }
    Ok(body)
}

fn generated_fields(ids: &[i64]) -> Vec<ResponseValue> {
    ids.iter()
        .map(|id| ResponseValue(SqlValue::Long(*id)))
        .collect()
}

fn record(row: Vec<SqlValue>, options: &ResultSetOptions) -> Vec<ResponseValue> {
    row.into_iter()
        .map(|value| ResponseValue(as_asked(value, options)))
        .collect()
}

/// Applies `resultSetOptions`.
fn as_asked(value: SqlValue, options: &ResultSetOptions) -> SqlValue {
    match value {
        SqlValue::Long(number) if options.long_return_type == LongReturnType::String => {
            SqlValue::Text(number.to_string())
        }
        SqlValue::Decimal(text)
            if options.decimal_return_type == DecimalReturnType::DoubleOrLong =>
        {
            if text.contains('.') {
                text.parse()
                    .map_or(SqlValue::Decimal(text), SqlValue::Double)
            } else {
                text.parse().map_or(SqlValue::Decimal(text), SqlValue::Long)
            }
        }
        value => value,
    }
}

/// The whole result as one JSON array of objects:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-json.html>.
fn formatted(
    columns: &[ResultColumn],
    rows: Vec<Vec<SqlValue>>,
    options: &ResultSetOptions,
) -> Result<String, DataApiError> {
    for (index, column) in columns.iter().enumerate() {
        if columns[..index]
            .iter()
            .any(|other| other.label == column.label)
        {
            return Err(DataApiError::UnsupportedResult(format!(
                "The result contains the column name {} twice, which JSON cannot hold: use column aliases",
                column.label
            )));
        }
    }
    let keys: Vec<String> = columns.iter().map(|column| quoted(&column.label)).collect();
    let mut text = String::from("[");
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('{');
        for (position, (key, value)) in keys.iter().zip(row).enumerate() {
            if position > 0 {
                text.push(',');
            }
            text.push_str(key);
            text.push(':');
            text.push_str(&match as_asked(value, options) {
                SqlValue::Null => "null".to_owned(),
                SqlValue::Boolean(value) => value.to_string(),
                SqlValue::Long(value) => value.to_string(),
                // `Debug`, because `Display` would write 1.0 as the integer 1.
                SqlValue::Double(value) => format!("{value:?}"),
                SqlValue::Decimal(value) | SqlValue::Text(value) | SqlValue::Json(value) => {
                    quoted(&value)
                }
                SqlValue::Blob(value) => quoted(&STANDARD.encode(value)),
            });
        }
        text.push('}');
        if text.len() >= MAX_FORMATTED_BYTES {
            return Err(EngineError::ResultTooLarge.into());
        }
    }
    text.push(']');
    Ok(text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rows: Vec<Vec<SqlValue>>) -> StatementResult {
        let column = ResultColumn {
            name: "a".into(),
            label: "a".into(),
            ..ResultColumn::default()
        };
        StatementResult {
            columns: Some(vec![column]),
            rows,
            ..StatementResult::default()
        }
    }

    /// The length of the JSON around the text: `{"records":[[{"stringValue":"…"}]],"numberOfRecordsUpdated":0}`.
    const FRAME: usize = r#"{"records":[[{"stringValue":""}]],"numberOfRecordsUpdated":0}"#.len();

    #[test]
    fn a_response_of_just_one_mebibyte_passes_and_one_byte_more_does_not() {
        let text = "x".repeat(MAX_RESPONSE_BYTES - FRAME);
        let body = execute(
            outcome(vec![vec![SqlValue::Text(text.clone())]]),
            &ResultFormat::default(),
        )
        .unwrap();
        assert_eq!(body.len(), MAX_RESPONSE_BYTES);
        let error = execute(
            outcome(vec![vec![SqlValue::Text(text + "x")]]),
            &ResultFormat::default(),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "Database returned more than the allowed response size limit"
        );
    }

    #[test]
    fn options_turn_numbers_into_the_form_asked_for() {
        let strings = ResultSetOptions {
            long_return_type: LongReturnType::String,
            ..ResultSetOptions::default()
        };
        assert_eq!(
            as_asked(SqlValue::Long(7), &strings),
            SqlValue::Text("7".into())
        );
        let numbers = ResultSetOptions {
            decimal_return_type: DecimalReturnType::DoubleOrLong,
            ..ResultSetOptions::default()
        };
        assert_eq!(
            as_asked(SqlValue::Decimal("1.50".into()), &numbers),
            SqlValue::Double(1.5)
        );
        assert_eq!(
            as_asked(SqlValue::Decimal("3".into()), &numbers),
            SqlValue::Long(3)
        );
    }

    #[test]
    fn json_keeps_types_and_refuses_a_repeated_name() {
        let options = ResultFormat {
            json: true,
            ..ResultFormat::default()
        };
        let body = execute(
            outcome(vec![
                vec![SqlValue::Text("\"é\"".into())],
                vec![SqlValue::Null],
                vec![SqlValue::Double(1.0)],
            ]),
            &options,
        )
        .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["formattedRecords"],
            r#"[{"a":"\"é\""},{"a":null},{"a":1.0}]"#
        );
        let mut twice = outcome(vec![]);
        twice.columns = twice
            .columns
            .map(|columns| [columns.clone(), columns].concat());
        assert_eq!(
            execute(twice, &options).unwrap_err().kind(),
            "UnsupportedResultException"
        );
    }
}
