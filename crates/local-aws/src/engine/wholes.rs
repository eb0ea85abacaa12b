//! BIGINT UNSIGNED numbers, computed within SQLite's statements: INTEGERs up to 2⁶³−1, and eight bytes above that, so
//! that SQLite compares, sorts and indexes them directly.

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::Value,
};

use crate::engine::{
    numbers::{exact, overflow, perhaps_overflow},
    sqlite::answers::{refused, text},
};

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fleet_whole", 4, steady, arithmetic)?;
    // The remainder has the sign of the dividend.
    connection.create_scalar_function("fleet_modulo", 2, steady, |context| {
        Ok(match (exact(context, 0)?, exact(context, 1)?) {
            (Some(a), Some(b)) if b != 0 => value(a % b),
            _ => Value::Null,
        })
    })?;
    connection
        .create_scalar_function("fleet_or", 2, steady, |context| bits(context, |a, b| a | b))?;
    connection.create_scalar_function("fleet_and", 2, steady, |context| {
        bits(context, |a, b| a & b)
    })?;
    // Arguments: value, and whether a negative one is refused: MySQL adds 2⁶⁴ to a whole number, but not to all others.
    connection.create_scalar_function("fleet_cast_unsigned", 2, steady, |context| {
        let strict = context.get::<bool>(1)?;
        match exact(context, 0)? {
            Some(number) if number < 0 && strict => {
                Err(refused("CAST of a number below zero AS UNSIGNED"))
            }
            number => Ok(number.map_or(Value::Null, |number| value(i128::from(unsigned(number))))),
        }
    })?;
    connection.create_scalar_function("fleet_cast_signed", 1, steady, |context| {
        Ok(exact(context, 0)?.map(|number| unsigned(number).cast_signed()))
    })?;
    // For consumers that only take signed 64-bit numbers.
    connection.create_scalar_function("fleet_narrow", 1, steady, |context| {
        exact(context, 0)?
            .map(i64::try_from)
            .transpose()
            .map_err(|_| refused("whole numbers above 9223372036854775807"))
    })?;
    // MySQL has a DECIMAL or an error if the result does not fit.
    connection.create_scalar_function("fleet_negative", 1, steady, |context| {
        exact(context, 0)?
            .map(|number| i64::try_from(-number))
            .transpose()
            .map_err(|_| refused("a number below -9223372036854775808"))
    })?;
    connection.create_scalar_function("fleet_whole_text", 1, steady, |context| {
        Ok(exact(context, 0)?.map(|number| number.to_string()))
    })
}

/// A number as SQLite stores it.
pub(crate) fn value(number: i128) -> Value {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => Value::Integer(number),
        (_, Ok(number)) => Value::Blob(number.to_be_bytes().to_vec()),
        _ => Value::Null,
    }
}

/// Arguments: operator, both sides, and whether MySQL may skip evaluating it.
fn arithmetic(context: &Context<'_>) -> Result<Value> {
    let operator = text(context, 0).unwrap_or_default();
    let (Some(a), Some(b)) = (exact(context, 1)?, exact(context, 2)?) else {
        return Ok(Value::Null);
    };
    let result = match operator.as_str() {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        _ if b == 0 => return Ok(Value::Null),
        _ => a.checked_div(b),
    };
    match result.filter(|number| u64::try_from(*number).is_ok()) {
        Some(number) => Ok(value(number)),
        None if context.get::<bool>(3)? => Err(perhaps_overflow()),
        None => Err(overflow("BIGINT UNSIGNED")),
    }
}

fn bits(context: &Context<'_>, operate: fn(u64, u64) -> u64) -> Result<Value> {
    Ok(match (exact(context, 0)?, exact(context, 1)?) {
        (Some(a), Some(b)) => value(i128::from(operate(unsigned(a), unsigned(b)))),
        _ => Value::Null,
    })
}

/// The same 64 bits as an unsigned number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is a number of 64 bits, and one below zero stands for the one 2⁶⁴ above it"
)]
fn unsigned(number: i128) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_largest_integer_sorts_behind_it() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        for (sql, text) in [
            (
                "SELECT fleet_whole_text(fleet_whole('+', 9223372036854775807, 1, 0))",
                "9223372036854775808",
            ),
            (
                "SELECT fleet_whole_text(fleet_whole('DIV', fleet_whole('*', 9223372036854775807, 2, 0), 2, 0))",
                "9223372036854775807",
            ),
            (
                "SELECT fleet_whole_text(fleet_cast_unsigned(-1, 0))",
                "18446744073709551615",
            ),
            (
                "SELECT CAST(fleet_cast_signed(fleet_cast_unsigned(-7, 0)) AS TEXT)",
                "-7",
            ),
            (
                "SELECT fleet_whole_text(fleet_or(-2, 1))",
                "18446744073709551615",
            ),
            (
                "SELECT fleet_whole_text(fleet_modulo(fleet_or(-1, 0), 10))",
                "5",
            ),
            (
                "SELECT fleet_whole_text(max(fleet_or(-1, 0), fleet_or(-2, 0), 9223372036854775807, -1))",
                "18446744073709551615",
            ),
        ] {
            assert_eq!(one(sql).unwrap(), text, "{sql}");
        }
        for sql in [
            "SELECT fleet_whole('-', 1, 2, 0)",
            "SELECT fleet_whole('*', fleet_or(-1, 0), fleet_or(-1, 0), 0)",
        ] {
            let error = one(sql).unwrap_err().to_string();
            assert!(error.contains("1690"), "{error}");
        }
    }
}
