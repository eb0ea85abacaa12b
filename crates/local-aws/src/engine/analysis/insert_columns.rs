//! How an INSERT arranges the columns it writes: the AUTO_INCREMENT column last, and no column among the VALUES.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, visit_relations};

use super::words::has;
use crate::engine::{
    catalogue::{ColumnDefinition, TableDefinition},
    definitions::last_part,
};

/// The function that hands out the ids of an AUTO_INCREMENT column.
pub(crate) const NEXT_ID: &str = "fleet_next_id";

/// The function that records a row skipped by INSERT IGNORE; it returns false.
pub(crate) const SKIPPED: &str = "fleet_skipped";

/// A table's AUTO_INCREMENT column, and its position among the columns that the rows name.
pub(super) struct AutoColumn {
    column: ColumnDefinition,
    place: Option<usize>,
}

impl AutoColumn {
    pub(super) fn of(table: &TableDefinition, columns: &[ColumnDefinition]) -> Option<Self> {
        let column = table.auto_increment()?.clone();
        let place = columns.iter().position(|other| other.name == column.name);
        Some(Self { column, place })
    }

    /// Puts the id last: MySQL assigns it once the other values of its row are known.
    pub(super) fn number(&self, values: &mut Vec<String>) {
        let value = self.place.map(|place| values.remove(place));
        let most = self.column.kind.range().map_or(i64::MAX, |range| range.1);
        values.push(format!(
            "{NEXT_ID}({}, {most})",
            value.as_deref().unwrap_or("NULL")
        ));
    }

    /// The columns in the same order as the values.
    pub(super) fn last(
        auto: Option<Self>,
        mut columns: Vec<ColumnDefinition>,
    ) -> Vec<ColumnDefinition> {
        if let Some(auto) = auto {
            if let Some(place) = auto.place {
                columns.remove(place);
            }
            columns.push(auto.column);
        }
        columns
    }
}

/// Whether a query reads a table.
pub(super) fn reads(query: &Query, table: &TableDefinition) -> bool {
    visit_relations(query, |name| {
        if last_part(name).eq_ignore_ascii_case(&table.name) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
    .is_break()
}

/// Whether a value names a column of the table, outside of subqueries: MySQL uses its default.
pub(super) fn names_column(value: &Expr, table: &TableDefinition) -> bool {
    has(
        value,
        |part| matches!(part, Expr::Identifier(name) if table.column(&name.value).is_some()),
    )
}
