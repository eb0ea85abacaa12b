//! Parameters: from request fields and type hints to values.

use time::{Date, Time, format_description::BorrowedFormatItem, macros::format_description};

use super::{
    errors::DataApiError,
    wire::{Field, SqlParameter},
};
use crate::engine::{Parameters, SqlValue};

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");

/// Reads one parameter set.
pub(super) fn read(list: Vec<SqlParameter>) -> Result<Parameters, DataApiError> {
    let mut parameters = Parameters::with_capacity(list.len());
    for parameter in list {
        let Some(name) = parameter.name.filter(|name| !name.is_empty()) else {
            return Err(DataApiError::BadRequest(
                "A parameter has no name: only named parameters are supported".into(),
            ));
        };
        let Some(field) = parameter.value else {
            return Err(DataApiError::BadRequest(format!(
                "Parameter {name} has no value"
            )));
        };
        let value = value(&name, field, parameter.type_hint.as_deref())?;
        if parameters.insert(name.clone(), value).is_some() {
            return Err(DataApiError::BadRequest(format!(
                "Parameter {name} is given twice"
            )));
        }
    }
    Ok(parameters)
}

fn value(name: &str, field: Field, hint: Option<&str>) -> Result<SqlValue, DataApiError> {
    let value = match field {
        Field::IsNull(true) => SqlValue::Null,
        Field::IsNull(false) => {
            return Err(DataApiError::BadRequest(format!(
                "Parameter {name}: isNull must be true where it is given"
            )));
        }
        Field::BooleanValue(value) => SqlValue::Boolean(value),
        Field::LongValue(value) => SqlValue::Long(value),
        Field::DoubleValue(value) if value.is_finite() => SqlValue::Double(value),
        Field::DoubleValue(_) => {
            return Err(DataApiError::BadRequest(format!(
                "Parameter {name}: a double must be finite"
            )));
        }
        Field::StringValue(value) => SqlValue::Text(value),
        Field::BlobValue(value) => SqlValue::Blob(value),
        Field::ArrayValue(_) => {
            return Err(DataApiError::BadRequest(
                "Array parameters are not supported.".into(),
            ));
        }
    };
    match (hint, value) {
        (None, value) | (Some(_), value @ SqlValue::Null) => Ok(value),
        (Some(hint), SqlValue::Text(text)) => parse_hinted(name, hint, text),
        (Some(hint), _) => Err(DataApiError::BadRequest(format!(
            "Parameter {name}: type hint {hint} needs a stringValue"
        ))),
    }
}

/// Checks a text against its type hint:
/// <https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_SqlParameter.html>.
fn parse_hinted(name: &str, hint: &str, text: String) -> Result<SqlValue, DataApiError> {
    let form = match hint {
        "TIMESTAMP" if is_timestamp(&text) => return Ok(SqlValue::Text(text)),
        "DATE" if Date::parse(&text, DATE).is_ok() => return Ok(SqlValue::Text(text)),
        "TIME" if is_time(&text) => return Ok(SqlValue::Text(text)),
        "DECIMAL" if is_decimal(&text) => return Ok(SqlValue::Decimal(text)),
        "JSON" if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => {
            return Ok(SqlValue::Json(text));
        }
        "UUID" if text.parse::<uuid::Uuid>().is_ok() => return Ok(SqlValue::Text(text)),
        "TIMESTAMP" => "YYYY-MM-DD HH:MM:SS[.FFF]",
        "DATE" => "YYYY-MM-DD",
        "TIME" => "HH:MM:SS[.FFF]",
        "DECIMAL" => "a decimal number",
        "JSON" => "a JSON document",
        "UUID" => "a UUID",
        _ => {
            return Err(DataApiError::BadRequest(format!(
                "Parameter {name}: type hint {hint} is not known"
            )));
        }
    };
    Err(DataApiError::BadRequest(format!(
        "Parameter {name} does not fit type hint {hint}: the accepted format is {form}"
    )))
}

fn is_timestamp(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(date, time)| Date::parse(date, DATE).is_ok() && is_time(time))
}

fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    Time::parse(whole, TIME).is_ok()
        && (1..=6).contains(&fraction.len())
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str) -> Result<SqlValue, DataApiError> {
        let list = serde_json::from_str(&format!("[{json}]")).unwrap();
        read(list).map(|mut set| set.remove("p").unwrap())
    }

    #[test]
    fn each_kind_of_field_is_read() {
        assert_eq!(
            one(r#"{"name":"p","value":{"isNull":true}}"#),
            Ok(SqlValue::Null)
        );
        assert_eq!(
            one(r#"{"name":"p","value":{"booleanValue":true}}"#),
            Ok(SqlValue::Boolean(true))
        );
        assert_eq!(
            one(r#"{"name":"p","value":{"longValue":-7}}"#),
            Ok(SqlValue::Long(-7))
        );
        assert_eq!(
            one(r#"{"name":"p","value":{"doubleValue":1.5}}"#),
            Ok(SqlValue::Double(1.5))
        );
        assert_eq!(
            one(r#"{"name":"p","value":{"stringValue":"é"}}"#),
            Ok(SqlValue::Text("é".into()))
        );
        assert_eq!(
            one(r#"{"name":"p","value":{"blobValue":"AQI="}}"#),
            Ok(SqlValue::Blob(vec![1, 2]))
        );
    }

    #[test]
    fn arrays_and_nameless_or_repeated_parameters_are_refused() {
        assert!(one(r#"{"name":"p","value":{"arrayValue":{"longValues":[1]}}}"#).is_err());
        assert!(one(r#"{"value":{"longValue":1}}"#).is_err());
        assert!(one(r#"{"name":"p"}"#).is_err());
        assert!(
            one(r#"{"name":"p","value":{"longValue":1}},{"name":"p","value":{"longValue":1}}"#)
                .is_err()
        );
    }

    #[test]
    fn hints_are_checked() {
        let hinted = |hint: &str, text: &str| {
            one(&format!(
                r#"{{"name":"p","typeHint":"{hint}","value":{{"stringValue":{text:?}}}}}"#
            ))
        };
        for (hint, good, bad) in [
            (
                "TIMESTAMP",
                "2019-03-06 02:45:32.123",
                "2019-03-06T02:45:32",
            ),
            ("DATE", "2019-02-28", "2019-02-29"),
            ("TIME", "23:59:59.9", "24:00:00"),
            ("DECIMAL", "-12.50", "1e5"),
            ("JSON", "{\"a\":1}", "{a}"),
            ("UUID", "67e55044-10b1-426f-9247-bb680e5fe0c8", "67e5"),
        ] {
            assert!(hinted(hint, good).is_ok(), "{hint}");
            assert!(hinted(hint, bad).is_err(), "{hint}");
        }
        for none in ["", "-", ".", "+."] {
            assert!(hinted("DECIMAL", none).is_err(), "{none}");
        }
        assert!(hinted("DECIMAL", "7").is_ok() && hinted("DECIMAL", ".5").is_ok());
        assert!(hinted("POINT", "1").is_err());
        assert!(one(r#"{"name":"p","typeHint":"DATE","value":{"longValue":1}}"#).is_err());
        assert_eq!(
            one(r#"{"name":"p","typeHint":"DATE","value":{"isNull":true}}"#),
            Ok(SqlValue::Null)
        );
    }
}
