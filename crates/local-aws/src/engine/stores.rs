//! Converts a value for the column it is written to: checked and normalised, or an error of strict mode.
//!
//! Each function takes the value, then the column's properties, and finally, for the error message, the column's name
//! and the row's number.

use num_bigint::Sign;
use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};

use crate::engine::{
    collation,
    dates::{self, DateError},
    decimals, json,
    kinds::{MAX_DIGITS, scaled_text},
    numbers,
    sqlite::{
        answers::{mysql_error, refused, text},
        decimals::number as big_number,
    },
    wholes,
};

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    // Not deterministic: SQLite would evaluate such calls with constants first, and the first error is the one
    // reported.
    let steady = FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("fleet_store_int", 5, steady, int)?;
    connection.create_scalar_function("fleet_store_decimal", 7, steady, decimal)?;
    connection.create_scalar_function("fleet_store_big", 7, steady, big)?;
    connection.create_scalar_function("fleet_store_double", 3, steady, double)?;
    connection.create_scalar_function("fleet_store_text", 7, steady, characters)?;
    connection.create_scalar_function("fleet_store_bytes", 5, steady, bytes)?;
    connection.create_scalar_function("fleet_store_date", 5, steady, date)?;
    connection.create_scalar_function("fleet_store_json", 3, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        match json::normal(&text) {
            Ok(Some(normal)) => Ok(Some(normal)),
            Ok(None) => Err(refused("this number in a JSON document")),
            Err(_) => Err(mysql_error(
                3140,
                "22032",
                &format!(
                    "Invalid JSON text: \"Invalid value.\" at position 0 in value for column '{}'.",
                    column(context)
                ),
            )),
        }
    })?;
    connection.create_scalar_function("fleet_store_member", -1, steady, |context| {
        // Arguments: value, whether it is a SET, members, column, row.
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        let members: Vec<String> = (2..context.len() - 2)
            .filter_map(|index| crate::engine::sqlite::answers::text(context, index))
            .collect();
        let place = |word: &str| {
            members
                .iter()
                .position(|member| collation::equal(word.trim_end(), member))
        };
        let found = if context.get::<bool>(1)? {
            let words = text.split(',').filter(|_| !text.is_empty());
            let places: Option<std::collections::BTreeSet<usize>> = words.map(place).collect();
            places.map(|places| {
                let words: Vec<&str> = places
                    .iter()
                    .map(|place| members[*place].as_str())
                    .collect();
                words.join(",")
            })
        } else {
            place(&text).map(|place| members[place].clone())
        };
        let digits = text.trim();
        if found.is_none() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            // The position of a member or, for a SET, the sum of the members' bits.
            return Err(refused("a number as a text for an ENUM or a SET"));
        }
        found.map(Some).ok_or_else(|| truncated(context))
    })
}

fn column(context: &Context<'_>) -> String {
    text(context, context.len() - 2).unwrap_or_default()
}

fn place(context: &Context<'_>) -> String {
    let row = text(context, context.len() - 1).unwrap_or_default();
    format!("for column '{}' at row {row}", column(context))
}

fn out_of_range(context: &Context<'_>) -> rusqlite::Error {
    mysql_error(
        1264,
        "22003",
        &format!("Out of range value {}", place(context)),
    )
}

fn truncated(context: &Context<'_>) -> rusqlite::Error {
    mysql_error(1265, "01000", &format!("Data truncated {}", place(context)))
}

fn incorrect(context: &Context<'_>, kind: &str, code: u16, state: &str) -> rusqlite::Error {
    let value = text(context, 0).unwrap_or_default();
    let message = format!("Incorrect {kind} value: '{value}' {}", place(context));
    mysql_error(code, state, &message)
}

/// The number in a text for a numeric column, with MySQL's errors if there is none or something follows it. An
/// out-of-range error comes before a truncation error.
fn numeric<'a>(
    context: &Context<'_>,
    text: &'a str,
    kind: &str,
    in_range: impl FnOnce(&str) -> bool,
) -> Result<&'a str> {
    let prefix = numbers::number_prefix(text);
    if prefix.is_empty() {
        return Err(incorrect(context, kind, 1366, "HY000"));
    }
    if prefix.contains(['e', 'E']) {
        return Err(refused("a text with an exponent for an exact number"));
    }
    if !in_range(prefix) {
        return Err(out_of_range(context));
    }
    if prefix.len() != text.trim().len() {
        return Err(truncated(context));
    }
    Ok(prefix)
}

/// Arguments: value, minimum, maximum (-1 stands for 2⁶⁴−1), column, row.
fn int(context: &Context<'_>) -> Result<Value> {
    let least = i128::from(context.get::<i64>(1)?);
    let most = match context.get::<i64>(2)? {
        -1 => i128::from(u64::MAX),
        most => i128::from(most),
    };
    let number = match context.get_raw(0) {
        ValueRef::Null => return Ok(Value::Null),
        ValueRef::Integer(number) => i128::from(number),
        ValueRef::Blob(_) => numbers::exact(context, 0)?.unwrap_or_default(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what does not fit is out of range"
        )]
        ValueRef::Real(number) => number.round_ties_even() as i128,
        _ => {
            let text = text(context, 0).unwrap_or_default();
            let whole = |prefix: &str| match numbers::to_scale(prefix, 0) {
                Some(number) => Some(i128::from(number)),
                None => prefix.parse().ok(),
            };
            let most_read = match is_id(least, most) {
                true => i128::from(u64::MAX),
                false => most,
            };
            let in_range = |prefix: &str| {
                whole(prefix).is_none_or(|number| (least..=most_read).contains(&number))
            };
            let prefix = numeric(context, &text, "integer", in_range)?;
            whole(prefix).ok_or_else(|| refused("a text that is so large a number"))?
        }
    };
    if is_id(least, most) && number > most && number <= i128::from(u64::MAX) {
        return Err(refused("generated ids above 9223372036854775807"));
    }
    if number < least || number > most {
        if most == 1 {
            // A BIT has a length, not a range.
            let message = format!("Data too long {}", place(context));
            return Err(mysql_error(1406, "22001", &message));
        }
        return Err(out_of_range(context));
    }
    Ok(wholes::value(number))
}

/// Whether the range is that of a BIGINT UNSIGNED with AUTO_INCREMENT, whose upper half is not supported.
fn is_id(least: i128, most: i128) -> bool {
    least == 0 && most == i128::from(i64::MAX)
}

/// Arguments: value, its scale, the column's digits, its scale, whether it is unsigned, column, row.
fn decimal(context: &Context<'_>) -> Result<Option<i64>> {
    let (precision, scale) = (context.get::<u32>(2)?, context.get::<u32>(3)?);
    // A negative number is out of range even if it would round to zero.
    let below_zero = match context.get_raw(0) {
        ValueRef::Integer(number) => number < 0,
        ValueRef::Real(number) => number < 0.0,
        _ => text(context, 0).is_some_and(|text| {
            let prefix = numbers::number_prefix(&text);
            prefix.starts_with('-') && prefix.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }),
    };
    let number = match context.get_raw(0) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => {
            numbers::to_scale(&scaled_text(number, context.get::<u32>(1)?), scale)
        }
        ValueRef::Real(number) => numbers::to_scale(&number.to_string(), scale),
        ValueRef::Blob(_) => None,
        _ => {
            let text = text(context, 0).unwrap_or_default();
            numbers::to_scale(numeric(context, &text, "decimal", |_| true)?, scale)
        }
    };
    let number = number.ok_or_else(|| refused("a number of more than 18 digits for a DECIMAL"))?;
    let unsigned = context.get::<bool>(4)?;
    if number.unsigned_abs() >= 10_u64.pow(precision) || (unsigned && below_zero) {
        return Err(out_of_range(context));
    }
    Ok(Some(number))
}

/// Like [`decimal`], for a value or a column of more than 18 digits.
fn big(context: &Context<'_>) -> Result<Value> {
    let (precision, scale) = (context.get::<u32>(2)?, context.get::<u32>(3)?);
    let refused = || refused("this number for a DECIMAL of so many digits");
    let (number, from) = match context.get_raw(0) {
        ValueRef::Null => return Ok(Value::Null),
        ValueRef::Integer(_) | ValueRef::Blob(_) => {
            let number = big_number(context, 0)?.ok_or_else(refused)?;
            (number, context.get::<u32>(1)?)
        }
        ValueRef::Real(number) => decimals::parse(&number.to_string()).ok_or_else(refused)?,
        ValueRef::Text(_) => {
            let text = text(context, 0).unwrap_or_default();
            let prefix = numeric(context, &text, "decimal", |_| true)?;
            let prefix = prefix.trim_start_matches('+').trim_end_matches('.');
            decimals::parse(prefix).ok_or_else(refused)?
        }
    };
    // A negative number is out of range even if it would round to zero.
    let below_zero = number.sign() == Sign::Minus;
    let number = decimals::rescaled(&number, from, scale);
    if !decimals::fits(&number, precision) || (context.get::<bool>(4)? && below_zero) {
        return Err(out_of_range(context));
    }
    if precision <= MAX_DIGITS {
        let number = i64::try_from(number).map_err(|_| refused())?;
        return Ok(Value::Integer(number));
    }
    Ok(decimals::bytes(&number).map_or(Value::Null, Value::Blob))
}

/// Arguments: value, column, row.
fn double(context: &Context<'_>) -> Result<Option<f64>> {
    match context.get_raw(0) {
        ValueRef::Null => Ok(None),
        #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
        ValueRef::Integer(number) => Ok(Some(number as f64)),
        ValueRef::Real(number) => Ok(Some(number)),
        ValueRef::Blob(_) => Ok(numbers::exact(context, 0)?.map(|number| numbers::real(number, 0))),
        _ => {
            let text = text(context, 0).unwrap_or_default();
            let prefix = numbers::number_prefix(&text);
            match prefix.parse::<f64>() {
                Ok(number) if number.is_infinite() => Err(out_of_range(context)),
                Ok(number) if prefix.len() == text.trim().len() => Ok(Some(number)),
                _ => Err(truncated(context)),
            }
        }
    }
}

/// Arguments: value, maximum length, whether that is in characters, whether trailing spaces are removed, whether it is
/// compared by code points, column, row.
fn characters(context: &Context<'_>) -> Result<Option<String>> {
    let mut text = match context.get_raw(0) {
        ValueRef::Null => return Ok(None),
        ValueRef::Blob(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| incorrect(context, "string", 1366, "HY000"))?,
        _ => text(context, 0).unwrap_or_default(),
    };
    let most = usize::try_from(context.get::<i64>(1)?).unwrap_or(usize::MAX);
    let (of_characters, fixed) = (context.get::<bool>(2)?, context.get::<bool>(3)?);
    if !context.get::<bool>(4)? && !collation::is_known(&text) {
        return Err(refused(
            "letters that are not Latin in a column without COLLATE utf8mb4_bin",
        ));
    }
    if fixed {
        text.truncate(text.trim_end_matches(' ').len());
    }
    let end = if of_characters {
        text.char_indices().nth(most).map(|(place, _)| place)
    } else {
        (text.len() > most).then_some(most)
    };
    if let Some(end) = end {
        // Only excess trailing spaces are cut.
        let only_spaces = of_characters && text[end..].bytes().all(|byte| byte == b' ');
        if !only_spaces {
            let message = format!("Data too long {}", place(context));
            return Err(mysql_error(1406, "22001", &message));
        }
        text.truncate(end);
    }
    Ok(Some(text))
}

/// Arguments: value, maximum bytes, whether it is padded with zeros, column, row.
fn bytes(context: &Context<'_>) -> Result<Value> {
    let mut bytes = match context.get_raw(0) {
        ValueRef::Null => return Ok(Value::Null),
        ValueRef::Blob(bytes) => bytes.to_vec(),
        _ => text(context, 0).unwrap_or_default().into_bytes(),
    };
    let most = usize::try_from(context.get::<i64>(1)?).unwrap_or(usize::MAX);
    if bytes.len() > most {
        let message = format!("Data too long {}", place(context));
        return Err(mysql_error(1406, "22001", &message));
    }
    if context.get::<bool>(2)? {
        bytes.resize(most, 0);
    }
    Ok(Value::Blob(bytes))
}

/// Arguments: value, the column's type, its digits, column, row.
fn date(context: &Context<'_>) -> Result<Option<String>> {
    let Some(text) = text(context, 0) else {
        return Ok(None);
    };
    let kind = context.get::<String>(1)?;
    let digits = context.get::<u32>(2)?;
    let words = match kind.as_str() {
        "DATE" => "date",
        "TIME" => "time",
        _ => "datetime",
    };
    let normal = match kind.as_str() {
        "TIME" => dates::time_of_day(&text)
            .and_then(|time| dates::clock_text(time, digits).ok_or(DateError::Unknown)),
        "DATE" => dates::moment(&text).map(|at| dates::date_text(at.date())),
        _ => dates::moment(&text)
            .and_then(|at| dates::datetime_text(at, digits).ok_or(DateError::Wrong)),
    };
    let normal = normal.and_then(|normal| {
        let in_range = ("1970-01-01 00:00:01"..="2038-01-19 03:14:07.999999").contains(&&*normal);
        if kind == "TIMESTAMP" && !in_range {
            Err(DateError::Wrong)
        } else {
            Ok(normal)
        }
    });
    match normal {
        Ok(normal) => Ok(Some(normal)),
        Err(DateError::Wrong) => Err(incorrect(context, words, 1292, "22007")),
        Err(DateError::Unknown) => Err(refused(&format!("this form of a {words}"))),
    }
}
