//! The JSON of requests and responses, as in the service model.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

use super::malformed::{FieldShape, RequestShape};
use crate::engine::{ResultColumn, SqlValue};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecuteRequest {
    pub(super) resource_arn: String,
    pub(super) secret_arn: String,
    pub(super) sql: String,
    pub(super) database: Option<String>,
    pub(super) parameters: Option<Vec<SqlParameter>>,
    pub(super) transaction_id: Option<String>,
    pub(super) include_result_metadata: Option<bool>,
    pub(super) continue_after_timeout: Option<bool>,
    pub(super) result_set_options: Option<ResultSetOptions>,
    pub(super) format_records_as: Option<String>,
    /// Parsed only so that it can be refused.
    pub(super) schema: Option<serde::de::IgnoredAny>,
}

impl RequestShape for ExecuteRequest {
    const REQUIRED: &'static [&'static str] = &["resourceArn", "secretArn", "sql"];
    const OPTIONAL: &'static [(&'static str, FieldShape)] = &[
        ("database", FieldShape::Text),
        ("transactionId", FieldShape::Text),
        ("includeResultMetadata", FieldShape::Flag),
        ("continueAfterTimeout", FieldShape::Flag),
        ("formatRecordsAs", FieldShape::Text),
        ("resultSetOptions", FieldShape::ResultSetOptions),
        ("parameters", FieldShape::Parameters),
    ];
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchRequest {
    pub(super) resource_arn: String,
    pub(super) secret_arn: String,
    pub(super) sql: String,
    pub(super) database: Option<String>,
    pub(super) parameter_sets: Option<Vec<Vec<SqlParameter>>>,
    pub(super) transaction_id: Option<String>,
    /// Parsed only so that it can be refused.
    pub(super) schema: Option<serde::de::IgnoredAny>,
}

impl RequestShape for BatchRequest {
    const REQUIRED: &'static [&'static str] = &["resourceArn", "secretArn", "sql"];
    const OPTIONAL: &'static [(&'static str, FieldShape)] = &[
        ("database", FieldShape::Text),
        ("transactionId", FieldShape::Text),
        ("parameterSets", FieldShape::ParameterSets),
    ];
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeginRequest {
    pub(super) resource_arn: String,
    pub(super) secret_arn: String,
    pub(super) database: Option<String>,
    /// Parsed only so that it can be refused.
    pub(super) schema: Option<serde::de::IgnoredAny>,
}

impl RequestShape for BeginRequest {
    const REQUIRED: &'static [&'static str] = &["resourceArn", "secretArn"];
    const OPTIONAL: &'static [(&'static str, FieldShape)] = &[("database", FieldShape::Text)];
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndRequest {
    pub(super) resource_arn: String,
    pub(super) secret_arn: String,
    pub(super) transaction_id: String,
}

impl RequestShape for EndRequest {
    const REQUIRED: &'static [&'static str] = &["resourceArn", "secretArn", "transactionId"];
    const OPTIONAL: &'static [(&'static str, FieldShape)] = &[];
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqlParameter {
    pub(super) name: Option<String>,
    pub(super) value: Option<Field>,
    pub(super) type_hint: Option<String>,
}

/// The service's value union: exactly one member is set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Field {
    IsNull(bool),
    BooleanValue(bool),
    LongValue(i64),
    #[serde(deserialize_with = "double")]
    DoubleValue(f64),
    StringValue(String),
    #[serde(deserialize_with = "blob")]
    BlobValue(Vec<u8>),
    ArrayValue(serde::de::IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultSetOptions {
    #[serde(default)]
    pub(super) decimal_return_type: DecimalReturnType,
    #[serde(default)]
    pub(super) long_return_type: LongReturnType,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DecimalReturnType {
    #[default]
    String,
    DoubleOrLong,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum LongReturnType {
    String,
    #[default]
    Long,
}

/// Numbers that JSON cannot represent are sent as strings.
fn double<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Double {
        Number(f64),
        Text(String),
    }
    match Double::deserialize(deserializer)? {
        Double::Number(number) => Ok(number),
        Double::Text(text) => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(D::Error::custom("doubleValue must be a number")),
        },
    }
}

fn blob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD
        .decode(text)
        .map_err(|_| D::Error::custom("blobValue must be base64"))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeginResponse {
    pub(super) transaction_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndResponse {
    pub(super) transaction_status: &'static str,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecuteResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<Vec<Vec<ResponseValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column_metadata: Option<Vec<ColumnMetadata>>,
    pub(super) number_of_records_updated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generated_fields: Option<Vec<ResponseValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) formatted_records: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchResponse {
    pub(super) update_results: Vec<UpdateResult>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateResult {
    pub(super) generated_fields: Vec<ResponseValue>,
}

/// A value in a response.
#[derive(Debug, PartialEq)]
pub(super) struct ResponseValue(pub(super) SqlValue);

impl Serialize for ResponseValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match &self.0 {
            SqlValue::Null => map.serialize_entry("isNull", &true)?,
            SqlValue::Boolean(value) => map.serialize_entry("booleanValue", value)?,
            SqlValue::Long(value) => map.serialize_entry("longValue", value)?,
            SqlValue::Double(value) => map.serialize_entry("doubleValue", value)?,
            SqlValue::Decimal(value) | SqlValue::Text(value) | SqlValue::Json(value) => {
                map.serialize_entry("stringValue", value)?
            }
            SqlValue::Blob(value) => map.serialize_entry("blobValue", &STANDARD.encode(value))?,
        }
        map.end()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ColumnMetadata {
    array_base_column_type: i32,
    is_auto_increment: bool,
    is_case_sensitive: bool,
    is_currency: bool,
    is_signed: bool,
    label: String,
    name: String,
    nullable: i32,
    precision: i32,
    scale: i32,
    /// MySQL has no schemas within a database, and the service leaves this empty.
    schema_name: &'static str,
    table_name: String,
    #[serde(rename = "type")]
    type_code: i32,
    type_name: String,
}

impl From<ResultColumn> for ColumnMetadata {
    fn from(column: ResultColumn) -> Self {
        Self {
            array_base_column_type: 0,
            is_auto_increment: column.auto_increment,
            is_case_sensitive: column.case_sensitive,
            is_currency: false,
            is_signed: column.signed,
            label: column.label,
            name: column.name,
            nullable: i32::from(column.nullable),
            precision: column.precision,
            scale: column.scale,
            schema_name: "",
            table_name: column.table_name,
            type_code: column.type_code,
            type_name: column.type_name,
        }
    }
}

/// A response body.
pub(super) fn json<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value)
        .expect("these types have string keys and no failing part")
        .into()
}
