//! Sums: exact ones, and those of doubles.

use rusqlite::{
    Connection, Result,
    functions::{Aggregate, Context, FunctionFlags},
};

use crate::engine::numbers::{exact, narrow};

/// Registers the sums on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("fleet_total", 1, steady, ExactSum)?;
    connection.create_aggregate_function("fleet_sum", 1, steady, DoubleSum { mean: false })?;
    connection.create_aggregate_function("fleet_mean", 1, steady, DoubleSum { mean: true })
}

/// A sum of exact numbers, which MySQL makes a DECIMAL.
struct ExactSum;

impl Aggregate<Option<i128>, Option<i64>> for ExactSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<i128>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, so_far: &mut Option<i128>) -> Result<()> {
        if let Some(number) = exact(context, 0)? {
            // Fewer than 2^63 numbers below 2^64 always fit.
            *so_far = Some(so_far.unwrap_or(0) + number);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<i128>>) -> Result<Option<i64>> {
        sum.flatten().map(narrow).transpose()
    }
}

/// A sum of doubles, added one by one; SQLite's own sum compensates for rounding errors, MySQL's does not.
struct DoubleSum {
    pub(crate) mean: bool,
}

impl Aggregate<(f64, u32), Option<f64>> for DoubleSum {
    fn init(&self, _: &mut Context<'_>) -> Result<(f64, u32)> {
        Ok((0.0, 0))
    }

    fn step(&self, context: &mut Context<'_>, so_far: &mut (f64, u32)) -> Result<()> {
        if let Some(number) = context.get::<Option<f64>>(0)? {
            so_far.0 += number;
            so_far.1 += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<(f64, u32)>) -> Result<Option<f64>> {
        Ok(sum.filter(|sum| sum.1 > 0).map(|(sum, count)| {
            if self.mean {
                sum / f64::from(count)
            } else {
                sum
            }
        }))
    }
}
