//! MIN and MAX of texts by the default collation: an error if two texts are equal but not identical, since MySQL does
//! not define which one is returned.

use std::cmp::Ordering;

use rusqlite::{
    Connection, Result,
    functions::{Aggregate, Context, FunctionFlags},
};

use crate::engine::{
    collation,
    sqlite::answers::{refused, text},
};

/// Registers the function on one connection. Arguments: the value, and whether the minimum is wanted.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("fleet_extreme", 2, steady, Extreme)
}

struct Extreme;

/// The smallest or the largest text so far.
struct ExtremeText {
    text: String,
    /// Whether there was another text that is equal but not identical to it.
    mixed: bool,
}

impl Aggregate<Option<ExtremeText>, Option<String>> for Extreme {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<ExtremeText>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, found: &mut Option<ExtremeText>) -> Result<()> {
        let Some(new) = text(context, 0) else {
            return Ok(());
        };
        let Some(so_far) = found else {
            *found = Some(ExtremeText {
                text: new,
                mixed: false,
            });
            return Ok(());
        };
        let wanted = if context.get::<bool>(1)? {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        match collation::compare(&new, &so_far.text) {
            Ordering::Equal => so_far.mixed |= new != so_far.text,
            order if order == wanted => {
                *so_far = ExtremeText {
                    text: new,
                    mixed: false,
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        found: Option<Option<ExtremeText>>,
    ) -> Result<Option<String>> {
        match found.flatten() {
            Some(ExtremeText { mixed: true, .. }) => Err(refused(
                "MIN or MAX of texts that are equal but not alike, such as 'a' and 'A'",
            )),
            found => Ok(found.map(|found| found.text)),
        }
    }
}
