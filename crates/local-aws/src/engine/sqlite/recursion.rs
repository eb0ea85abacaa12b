//! Limits how far a query that reads itself may go.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/with.html#common-table-expressions-recursion-limits>

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rusqlite::{Connection, Result, functions::FunctionFlags};

use crate::engine::{
    analysis::{READ, STEP},
    sqlite::answers::{mysql_error, refused},
};

/// MySQL's default for `cte_max_recursion_depth`.
const MAX_STEPS: u32 = 1_000;

/// How many rows the current statement has read of a UNION that reads itself.
pub(crate) type ReadRows = Arc<AtomicU32>;

/// Registers the two functions on one connection.
pub(crate) fn register(connection: &Connection, reads: &ReadRows) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(STEP, 1, steady, |context| {
        let Some(before) = context.get::<Option<u32>>(0)? else {
            return Err(refused("a recursive query on the outer side of a join"));
        };
        // This row will be read in the next step.
        if before + 1 >= MAX_STEPS {
            let message = format!(
                "Recursive query aborted after {} iterations. Try increasing @@cte_max_recursion_depth to a larger value.",
                MAX_STEPS + 1
            );
            return Err(mysql_error(3636, "HY000", &message));
        }
        Ok(before + 1)
    })?;
    let reads = Arc::clone(reads);
    connection.create_scalar_function(READ, 1, FunctionFlags::SQLITE_UTF8, move |_| {
        // Each step reads at least one row.
        if reads.fetch_add(1, Ordering::Relaxed) >= MAX_STEPS {
            return Err(refused("a recursive UNION of more than 1,000 rows"));
        }
        Ok(true)
    })
}
