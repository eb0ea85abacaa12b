//! MySQL's numbers, computed within SQLite's statements: exact decimals, whole numbers that do not overflow silently,
//! and numbers parsed from text.

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

use crate::engine::{
    kinds::{MAX_DIGITS, scale_of, scaled_text, unscaled, wide},
    sqlite::answers::{mysql_error, refused, text},
};

/// The largest whole number up to which a double represents every one.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fleet_int", 1, steady, |context| {
        whole(context, 0, "BIGINT")
    })?;
    // For parts that MySQL may not evaluate at all.
    connection.create_scalar_function("fleet_int_if", 1, steady, |context| {
        whole(context, 0, "BIGINT").map_err(|_| perhaps_overflow())
    })?;
    connection.create_scalar_function("fleet_abs", 1, steady, |context| {
        match integer(context, 0)? {
            Some(number) => number
                .checked_abs()
                .map(Some)
                .ok_or_else(|| overflow("BIGINT")),
            None => Ok(None),
        }
    })?;
    connection.create_scalar_function("fleet_decimal", 1, steady, |context| {
        match context.get_raw(0) {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) if fits(i128::from(number)) => Ok(Some(number)),
            _ => Err(too_many_digits()),
        }
    })?;
    connection
        .create_scalar_function("fleet_round", 2, steady, |context| scaled(context, rounded))?;
    // For unsigned types: a negative number stays negative, even if it rounds to zero.
    connection.create_scalar_function("fleet_round_signed", 2, steady, |context| {
        scaled(context, |number, power| match rounded(number, power) {
            0 if number < 0 => -1,
            whole => whole,
        })
    })?;
    // A number compared with a YEAR: two digits would need a century, and other numbers are not years.
    connection.create_scalar_function("fleet_as_year", 1, steady, |context| {
        match integer(context, 0)? {
            Some(year) if !(1901..=2155).contains(&year) => {
                Err(refused("a YEAR compared with this number"))
            }
            year => Ok(year),
        }
    })?;
    // A two-digit year gets a century; -1 stands for an invalid year.
    connection.create_scalar_function("fleet_year", 1, steady, |context| {
        Ok(match integer(context, 0)? {
            // As text it would be four zeros.
            Some(0) => return Err(refused("the YEAR 0000")),
            Some(year @ 1..=69) => Some(year + 2000),
            Some(year @ 70..=99) => Some(year + 1900),
            Some(year @ 1901..=2155) => Some(year),
            Some(_) => Some(-1),
            None => None,
        })
    })?;
    connection.create_scalar_function("fleet_floor", 2, steady, |context| {
        scaled(context, i128::div_euclid)
    })?;
    connection.create_scalar_function("fleet_ceil", 2, steady, |context| {
        scaled(context, |number, power| -(-number).div_euclid(power))
    })?;
    connection.create_scalar_function("fleet_truncate", 2, steady, |context| {
        scaled(context, |number, power| number / power)
    })?;
    connection.create_scalar_function("fleet_divide", 3, steady, |context| {
        divide(context, rounded)
    })?;
    // MySQL computes nine digits at a time, and does not round if exactly these are shown.
    connection.create_scalar_function("fleet_divide_cut", 3, steady, |context| {
        divide(context, |number, divisor| number / divisor)
    })?;
    connection.create_scalar_function("fleet_quotient", 2, steady, |context| {
        let (Some(a), Some(b)) = (integer(context, 0)?, integer(context, 1)?) else {
            return Ok(None);
        };
        if b == 0 {
            return Ok(None);
        }
        a.checked_div(b).map(Some).ok_or_else(|| overflow("BIGINT"))
    })?;
    connection.create_scalar_function("fleet_real", 2, steady, |context| {
        let scale = context.get::<u32>(1)?;
        Ok(exact(context, 0)?.map(|number| real(number, scale)))
    })?;
    connection.create_scalar_function("fleet_decimal_text", 2, steady, |context| {
        let scale = context.get::<u32>(1)?;
        Ok(integer(context, 0)?.map(|number| scaled_text(number, scale)))
    })?;
    // The numeric value of a text; the second argument says whether the whole text must be a number.
    connection.create_scalar_function("fleet_number", 2, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        let prefix = number_prefix(&text);
        if context.get::<bool>(1)? && !is_number(&text) {
            return Err(not_a_number());
        }
        let number: f64 = prefix.parse().unwrap_or(0.0);
        if number.abs() > MAX_EXACT {
            return Err(refused("a text that is so large a number"));
        }
        Ok(Some(number))
    })?;
    connection.create_scalar_function("fleet_text_int", 2, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        let trimmed = text.trim();
        let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
        let end = digits.bytes().take_while(u8::is_ascii_digit).count();
        let whole = &trimmed[..trimmed.len() - digits.len() + end];
        if context.get::<bool>(1)? && (end == 0 || whole.len() != trimmed.len()) {
            return Err(not_a_number());
        }
        match whole.trim_start_matches('+') {
            "" | "-" => Ok(Some(0)),
            whole => whole
                .parse::<i64>()
                .map(Some)
                .map_err(|_| refused("a text that is so large a number")),
        }
    })?;
    // Arguments: value, scale, and whether the whole text must be a number.
    connection.create_scalar_function("fleet_text_decimal", 3, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        let prefix = number_prefix(&text);
        if context.get::<bool>(2)? && !is_number(&text) {
            return Err(not_a_number());
        }
        if prefix.is_empty() {
            return Ok(Some(0));
        }
        to_scale(prefix, context.get(1)?)
            .map(Some)
            .ok_or_else(too_many_digits)
    })?;
    connection.create_scalar_function("fleet_finite", 1, steady, finite)?;
    // For parts that MySQL may not evaluate at all.
    connection.create_scalar_function("fleet_finite_if", 1, steady, |context| {
        finite(context).map_err(|_| perhaps_overflow())
    })?;
    // Arguments: value, maximum digits. MySQL would clamp a value with more digits to the largest number.
    connection.create_scalar_function("fleet_cast_decimal", 2, steady, |context| {
        let most = 10_u64.pow(context.get::<u32>(1)?.min(MAX_DIGITS));
        match integer(context, 0)? {
            Some(number) if number.unsigned_abs() >= most => {
                Err(refused("CAST of a number that does not fit"))
            }
            number => Ok(number),
        }
    })?;
    Ok(())
}

pub(crate) fn integer(context: &Context<'_>, index: usize) -> Result<Option<i64>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number)),
        _ => Err(too_many_digits()),
    }
}

/// An exact number that SQLite holds as an INTEGER or, above 2⁶³−1, as eight bytes.
pub(crate) fn exact(context: &Context<'_>, index: usize) -> Result<Option<i128>> {
    match context.get_raw(index) {
        ValueRef::Blob(bytes) => match wide(bytes) {
            Some(number) => Ok(Some(i128::from(number))),
            None => Err(too_many_digits()),
        },
        _ => Ok(integer(context, index)?.map(i128::from)),
    }
}

/// A whole number; SQLite turns one that is too large into a double.
fn whole(context: &Context<'_>, index: usize, kind: &str) -> Result<Option<i64>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number)),
        _ => Err(overflow(kind)),
    }
}

/// A quotient of exact numbers. Arguments: both numbers, and how many more digits the quotient has than the first.
fn divide(context: &Context<'_>, quotient: fn(i128, i128) -> i128) -> Result<Option<i64>> {
    let (Some(a), Some(b)) = (exact(context, 0)?, exact(context, 1)?) else {
        return Ok(None);
    };
    if b == 0 {
        return Ok(None);
    }
    let power = 10_i128.pow(context.get::<u32>(2)?.min(MAX_DIGITS));
    // |a| is below 2^64 and the power at most 10^18, so twice the product fits.
    narrow(quotient(a * power, b)).map(Some)
}

/// A double, if it is finite.
fn finite(context: &Context<'_>) -> Result<Option<f64>> {
    match context.get::<Option<f64>>(0)? {
        Some(number) if !number.is_finite() => Err(overflow("DOUBLE")),
        number => Ok(number),
    }
}

pub(crate) fn perhaps_overflow() -> rusqlite::Error {
    refused("a number that is out of range, in a part of an expression that may not be needed")
}

pub(crate) fn overflow(kind: &str) -> rusqlite::Error {
    mysql_error(1690, "22003", &format!("{kind} value is out of range"))
}

/// Whether strict mode raises an error here depends on what MySQL does with the text first.
pub(crate) const NOT_A_NUMBER: &str =
    "a text that is not a number as one, in a statement that writes";

fn not_a_number() -> rusqlite::Error {
    refused(NOT_A_NUMBER)
}

/// Whether the whole text is a number.
pub(crate) fn is_number(text: &str) -> bool {
    let prefix = number_prefix(text);
    !prefix.is_empty() && prefix.len() == text.trim().len()
}

fn too_many_digits() -> rusqlite::Error {
    refused("a DECIMAL of more than 18 digits")
}

fn fits(number: i128) -> bool {
    number.unsigned_abs() < 10_u128.pow(MAX_DIGITS)
}

pub(crate) fn narrow(number: i128) -> Result<i64> {
    i64::try_from(number)
        .ok()
        .filter(|_| fits(number))
        .ok_or_else(too_many_digits)
}

/// A quotient, rounded half away from zero.
pub(crate) fn rounded(number: i128, divisor: i128) -> i128 {
    let (number, divisor) = if divisor < 0 {
        (-number, -divisor)
    } else {
        (number, divisor)
    };
    let half = if number < 0 { -divisor } else { divisor };
    (2 * number + half) / (2 * divisor)
}

/// A number without this many of its last digits.
fn scaled(context: &Context<'_>, divide: fn(i128, i128) -> i128) -> Result<Option<i64>> {
    let power = 10_i128.pow(context.get::<u32>(1)?.min(MAX_DIGITS));
    match integer(context, 0)? {
        None => Ok(None),
        Some(number) => narrow(divide(i128::from(number), power)).map(Some),
    }
}

#[expect(clippy::cast_precision_loss, reason = "MySQL compares them as doubles")]
pub(crate) fn real(number: i128, scale: u32) -> f64 {
    number as f64 / 10_f64.powi(i32::try_from(scale).unwrap_or(i32::MAX))
}

/// The number that a text begins with.
pub(crate) fn number_prefix(text: &str) -> &str {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return "";
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    &text[..end]
}

/// A decimal number, rounded to a scale; `None` if it has too many digits or an exponent.
pub(crate) fn to_scale(text: &str, scale: u32) -> Option<i64> {
    let number = unscaled(text.trim_start_matches('+').trim_end_matches('.'))?;
    let has = scale_of(text);
    let number = i128::from(number);
    let scaled = if has > scale {
        rounded(number, 10_i128.checked_pow(has - scale)?)
    } else {
        number.checked_mul(10_i128.checked_pow(scale - has)?)?
    };
    i64::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (number, divisor, quotient) in [
            (15, 10, 2),
            (-15, 10, -2),
            (14, 10, 1),
            (-14, 10, -1),
            (15, -10, -2),
            (0, 7, 0),
        ] {
            assert_eq!(rounded(number, divisor), quotient, "{number} / {divisor}");
        }
        assert_eq!(to_scale("1.005", 2), Some(101));
        assert_eq!(to_scale("-7", 2), Some(-700));
        assert_eq!(to_scale("1e3", 2), None);
    }

    #[test]
    fn a_text_is_worth_the_number_it_begins_with() {
        for (text, number) in [
            ("12abc", "12"),
            (" -1.5e2x", "-1.5e2"),
            ("1e", "1"),
            (".5", ".5"),
            ("5.", "5."),
            ("abc", ""),
            (".", ""),
            ("-", ""),
        ] {
            assert_eq!(number_prefix(text), number);
        }
    }
}
