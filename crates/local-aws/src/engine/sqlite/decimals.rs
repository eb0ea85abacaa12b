//! Functions for DECIMALs of more than 18 digits. Each number is followed by its scale; it may also be a whole number,
//! or a DECIMAL of fewer digits.

use num_bigint::{BigInt, Sign};
use rusqlite::{
    Connection, Result,
    functions::{Aggregate, Context, FunctionFlags},
    types::ValueRef,
};

use crate::engine::{
    decimals::{self, MOST_DIGITS, bytes, digits, fits, power, quotient, rescaled},
    kinds::MAX_DIGITS,
    numbers,
    sqlite::answers::{refused, text},
};

/// The digits per word in MySQL's storage of a DECIMAL, and the number of words.
const WORD: usize = 9;
const WORDS: usize = 9;
/// The most digits before a quotient's point for which all of its words have room.
const QUOTIENT_DIGITS: u32 = 27;

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // Arguments: number, scale, new scale.
    connection.create_scalar_function("fleet_big", 3, steady, |context| {
        let (from, to) = (context.get(1)?, context.get(2)?);
        answer(number(context, 0)?.map(|number| rescaled(&number, from, to)))
    })?;
    // Arguments: number, scale, new scale as a DECIMAL of fewer digits.
    connection.create_scalar_function("fleet_big_narrow", 3, steady, |context| {
        let (from, to) = (context.get(1)?, context.get(2)?);
        number(context, 0)?
            .map(|number| rescaled(&number, from, to))
            .map(|number| match fits(&number, MAX_DIGITS) {
                true => i64::try_from(number).map_err(|_| too_many_digits()),
                false => Err(too_many_digits()),
            })
            .transpose()
    })?;
    connection.create_scalar_function("fleet_big_text", 2, steady, |context| {
        let scale = context.get(1)?;
        number(context, 0)?
            .map(|number| decimals::text(&number, scale).ok_or_else(too_many_digits))
            .transpose()
    })?;
    connection.create_scalar_function("fleet_big_real", 2, steady, |context| {
        let scale = context.get(1)?;
        Ok(number(context, 0)?
            .and_then(|number| decimals::text(&number, scale))
            .and_then(|text| text.parse::<f64>().ok()))
    })?;
    connection.create_scalar_function("fleet_big_abs", 1, steady, |context| {
        answer(number(context, 0)?.map(|number| BigInt::from(number.magnitude().clone())))
    })?;
    connection.create_scalar_function("fleet_big_negative", 1, steady, |context| {
        answer(number(context, 0)?.map(|number| -number))
    })?;
    // Arguments: number, and how many of its last digits to drop.
    connection.create_scalar_function("fleet_big_truncate", 2, steady, |context| {
        let dropped = power(context.get(1)?);
        answer(number(context, 0)?.map(|number| number / dropped))
    })?;
    // Arguments: number, scale, maximum digits, new scale.
    connection.create_scalar_function("fleet_cast_big", 4, steady, |context| {
        let (from, most, to) = (context.get(1)?, context.get(2)?, context.get(3)?);
        let number = number(context, 0)?.map(|number| rescaled(&number, from, to));
        if number.as_ref().is_some_and(|number| !fits(number, most)) {
            return Err(refused("CAST of a number that does not fit"));
        }
        answer(number)
    })?;
    // Arguments: text, new scale, and whether the whole text must be a number.
    connection.create_scalar_function("fleet_text_big", 3, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        if context.get::<bool>(2)? && !numbers::is_number(&text) {
            return Err(refused(numbers::NOT_A_NUMBER));
        }
        match numbers::number_prefix(&text) {
            "" => answer(Some(BigInt::ZERO)),
            prefix => {
                let (number, from) = decimals::parse(prefix.trim_end_matches('.'))
                    .ok_or_else(|| refused("this text as a DECIMAL"))?;
                answer(Some(rescaled(&number, from, context.get(1)?)))
            }
        }
    })?;
    // Arguments: operator, two numbers with their scales, scale of the result.
    connection.create_scalar_function("fleet_big_op", 6, steady, operate)?;
    connection.create_aggregate_function("fleet_big_total", 1, steady, DecimalSum)
}

/// A number of any kind without its point.
pub(crate) fn number(context: &Context<'_>, index: usize) -> Result<Option<BigInt>> {
    match context.get_raw(index) {
        ValueRef::Blob(bytes) if bytes.len() > 8 => {
            decimals::read(bytes).map(Some).ok_or_else(too_many_digits)
        }
        _ => Ok(numbers::exact(context, index)?.map(BigInt::from)),
    }
}

pub(crate) fn too_many_digits() -> rusqlite::Error {
    refused("a DECIMAL of more than 65 digits, or so many")
}

fn answer(number: Option<BigInt>) -> Result<Option<Vec<u8>>> {
    number
        .map(|number| bytes(&number).ok_or_else(too_many_digits))
        .transpose()
}

fn operate(context: &Context<'_>) -> Result<Option<Vec<u8>>> {
    let operator = text(context, 0).unwrap_or_default();
    let (Some(a), Some(b)) = (number(context, 1)?, number(context, 3)?) else {
        return Ok(None);
    };
    let (one, other, scale): (u32, u32, u32) = (context.get(2)?, context.get(4)?, context.get(5)?);
    let both = |a: &BigInt, b: &BigInt| (rescaled(a, one, scale), rescaled(b, other, scale));
    let result = match operator.as_str() {
        "+" | "-" => {
            let (a, b) = both(&a, &b);
            if operator == "+" { a + b } else { a - b }
        }
        "*" => {
            // MySQL drops digits if more words are needed.
            let whole = |number: &BigInt, scale: u32| {
                digits(number).saturating_sub(scale as usize) + WORD - 1
            };
            let needs = (whole(&a, one) + whole(&b, other)).div_ceil(WORD)
                + (scale as usize).div_ceil(WORD);
            if needs > WORDS {
                return Err(too_many_digits());
            }
            a * b
        }
        _ if b.sign() == Sign::NoSign => return Ok(None),
        "%" => {
            let (a, b) = both(&a, &b);
            a % b
        }
        _ => {
            // The result's scale is never below the dividend's.
            let quotient = quotient(&(a * power(scale - one + other)), &b);
            if !fits(&quotient, QUOTIENT_DIGITS + scale) {
                return Err(too_many_digits());
            }
            quotient
        }
    };
    if !fits(&result, MOST_DIGITS) {
        return Err(too_many_digits());
    }
    answer(Some(result))
}

/// A sum of such numbers with the same scale.
struct DecimalSum;

impl Aggregate<Option<BigInt>, Option<Vec<u8>>> for DecimalSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<BigInt>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, so_far: &mut Option<BigInt>) -> Result<()> {
        if let Some(number) = number(context, 0)? {
            *so_far = Some(so_far.take().unwrap_or_default() + number);
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        sum: Option<Option<BigInt>>,
    ) -> Result<Option<Vec<u8>>> {
        match sum.flatten() {
            Some(sum) if !fits(&sum, MOST_DIGITS) => Err(too_many_digits()),
            sum => answer(sum),
        }
    }
}
