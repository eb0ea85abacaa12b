//! The ids of an AUTO_INCREMENT column, handed out as in InnoDB: in blocks, and used up whatever becomes of the rows.
//! <https://dev.mysql.com/doc/refman/8.0/en/innodb-auto-increment-handling.html>

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use rusqlite::{Connection as Sqlite, Result, functions::FunctionFlags, params};

use crate::{
    engine::{
        analysis::{NEXT_ID, SKIPPED},
        sqlite::answers::{mysql_error, refused},
    },
    lock::locked,
};

/// The most ids in one block.
const MAX_BLOCK: u64 = 65_535;

/// The ids of the current statement, and those that its transaction has used up.
pub(crate) type Ids = Arc<Mutex<IdState>>;

/// The ids that have been handed out.
#[derive(Debug, Default)]
pub(crate) struct IdState {
    counter: IdCounter,
    /// The counter before the last row.
    before: IdCounter,
    /// Whether a row was skipped, or changed another one.
    skipped: bool,
    /// The last id that the transaction has used, by table.
    used: HashMap<String, i64>,
}

/// The last id that a statement used up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastUsedId {
    /// Without its last row.
    pub(crate) before: i64,
    pub(crate) after: i64,
}

/// The progress of one statement.
#[derive(Debug, Default, Clone, Copy)]
struct IdCounter {
    /// The last used-up id.
    used: i64,
    /// The next id in the block, and the one after its end.
    next: i64,
    end: i64,
    /// How many blocks there have been so far.
    blocks: u32,
    /// How many rows the current block is for.
    remaining: u64,
    /// The number of rows, if the statement gives it, as VALUES does.
    rows: Option<u64>,
    /// The id of the last row, if it was handed out.
    last: Option<i64>,
}

impl IdCounter {
    /// The id for a row that gives this one; NULL and 0 request the next.
    fn id(&mut self, given: Option<i64>) -> Option<i64> {
        let id = match given.filter(|id| *id != 0) {
            Some(id) => {
                self.used = self.used.max(id);
                if self.blocks > 0 && id >= self.next {
                    self.next = id.checked_add(1)?;
                }
                self.last = None;
                id
            }
            None => {
                if self.blocks == 0 || self.next >= self.end {
                    self.block()?;
                }
                self.next += 1;
                self.last = Some(self.next - 1);
                self.next - 1
            }
        };
        self.remaining = self.remaining.saturating_sub(1);
        Some(id)
    }

    /// Takes a block for the remaining rows or, if their number is not known, one twice as large as before.
    fn block(&mut self) -> Option<()> {
        if self.remaining == 0 {
            self.remaining = match self.rows {
                Some(rows) if self.blocks == 0 => rows,
                _ => (1 << self.blocks.min(16)).min(MAX_BLOCK),
            };
        }
        self.next = self.used.checked_add(1)?;
        self.used = self.used.checked_add_unsigned(self.remaining)?;
        self.end = self.used.checked_add(1)?;
        self.blocks += 1;
        Some(())
    }
}

impl IdState {
    /// Begins a statement, given the last used-up id.
    pub(crate) fn begin(&mut self, used: i64, rows: Option<u64>) {
        self.counter = IdCounter {
            used,
            rows,
            ..IdCounter::default()
        };
        self.before = self.counter;
        self.skipped = false;
    }

    /// Gives the last row's id to the next row, because the last one was skipped or changed another.
    pub(crate) fn skip(&mut self) {
        self.skipped = true;
        if let Some(id) = self.counter.last.take() {
            self.counter.next = id;
        }
    }

    pub(crate) fn has_skipped(&self) -> bool {
        self.skipped
    }

    /// The ids that the statement has used up so far, with and without its last row.
    pub(crate) fn last_used(&self) -> LastUsedId {
        LastUsedId {
            before: self.before.used,
            after: self.counter.used,
        }
    }

    /// Records the last id that a statement on a table used up.
    pub(crate) fn note(&mut self, table: &str, last: i64) {
        let most = self.used.entry(table.to_owned()).or_default();
        *most = last.max(*most);
    }

    /// Takes what an ended transaction used up, by table.
    pub(crate) fn take_used(&mut self) -> HashMap<String, i64> {
        std::mem::take(&mut self.used)
    }

    /// Puts back what [`IdState::take_used`] took.
    pub(crate) fn put_used(&mut self, used: HashMap<String, i64>) {
        self.used = used;
    }
}

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Sqlite, ids: &Ids) -> Result<()> {
    let handed = Arc::clone(ids);
    // Arguments: value, and the column's maximum.
    connection.create_scalar_function(NEXT_ID, 2, FunctionFlags::SQLITE_UTF8, move |context| {
        let mut state = locked(&handed);
        state.before = state.counter;
        let given: Option<i64> = context.get(0)?;
        let id = state.counter.id(given).ok_or_else(|| {
            let message = "Failed to read auto-increment value from storage engine";
            mysql_error(1467, "HY000", message)
        })?;
        if id > context.get::<i64>(1)? {
            return Err(refused("an AUTO_INCREMENT id beyond its column's largest"));
        }
        Ok(id)
    })?;
    let skipping = Arc::clone(ids);
    connection.create_scalar_function(SKIPPED, 0, FunctionFlags::SQLITE_UTF8, move |_| {
        locked(&skipping).skip();
        Ok(false)
    })
}

/// Uses up a table's ids up to this one.
pub(crate) fn use_up(connection: &Sqlite, table: &str, used: i64) -> Result<()> {
    connection
        .prepare_cached("UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1")?
        .execute(params![table, used])?;
    connection
        .prepare_cached(
            "INSERT INTO main.sqlite_sequence (name, seq) SELECT ?1, ?2 \
             WHERE NOT EXISTS (SELECT 1 FROM main.sqlite_sequence WHERE name = ?1)",
        )?
        .execute(params![table, used])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(used: i64, rows: Option<u64>) -> IdState {
        let mut state = IdState::default();
        state.begin(used, rows);
        state
    }

    /// The ids of rows, and the last used-up id.
    fn handed(mut state: IdState, rows: &[Option<i64>]) -> (Vec<i64>, i64) {
        let ids = rows.iter().map(|row| state.counter.id(*row).unwrap());
        (ids.collect(), state.counter.used)
    }

    #[test]
    fn values_take_a_block_of_their_rows() {
        assert_eq!(handed(begun(3, Some(2)), &[None, None]), (vec![4, 5], 5));
        let mixed = [Some(10), None, Some(0)];
        assert_eq!(handed(begun(3, Some(3)), &mixed), (vec![10, 11, 12], 13));
        let jump = [None, Some(30), None];
        assert_eq!(handed(begun(14, Some(3)), &jump), (vec![15, 30, 31], 31));
    }

    #[test]
    fn a_query_takes_blocks_of_double_size() {
        for (rows, used) in [(1, 1), (2, 3), (3, 3), (4, 7), (5, 7), (8, 15)] {
            let all = vec![None; rows];
            assert_eq!(handed(begun(0, None), &all).1, used, "{rows}");
        }
    }

    #[test]
    fn the_id_of_a_row_that_is_left_out_is_the_next_rows() {
        let mut state = begun(14, Some(3));
        assert_eq!(state.counter.id(None), Some(15));
        state.skip();
        assert_eq!(state.counter.id(None), Some(15));
        assert_eq!(state.counter.id(None), Some(16));
        let used = state.last_used().after;
        state.note("t", used);
        assert_eq!(state.take_used()["t"], 17);
    }

    #[test]
    fn there_are_no_ids_beyond_the_largest() {
        assert_eq!(begun(i64::MAX, Some(1)).counter.id(None), None);
    }
}
