//! UPDATE and DELETE.

use std::sync::Arc;

use sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, Ident, ObjectName, ObjectNamePart, TableFactor,
    Update,
};

use super::{
    Analysis, Scope,
    words::{call, number, raw, truth},
};
use crate::engine::{
    EngineError, EngineResult,
    catalogue::{ColumnDefinition, TableDefinition},
    definitions::{last_part, quoted},
};

/// The function that says whether an upsert changes a row, and counts the rows that it changes.
pub(crate) const CHANGES: &str = "fleet_changes";

/// SQLite's name for the row that was to be inserted.
pub(super) const EXCLUDED: &str = "excluded";

/// A row that a statement writes, for error messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct WrittenRow {
    pub(crate) table: String,
    /// The columns, and for an UPDATE the values.
    pub(crate) columns: Vec<(String, String)>,
    /// For an INSERT the query that gives the rows, for an UPDATE what follows FROM.
    pub(crate) rows: String,
    pub(crate) inserts: bool,
    /// Whether an INSERT may update rows.
    pub(crate) upserts: bool,
    /// The number of rows in VALUES.
    pub(crate) values: Option<u64>,
    /// Whether it is an INSERT IGNORE.
    pub(crate) ignores: bool,
    /// Whether an INSERT reads the table that it writes to.
    pub(crate) reads_itself: bool,
}

impl Analysis<'_> {
    /// Rewrites an UPDATE.
    pub(crate) fn update(&mut self, tree: &mut Update) -> EngineResult<WrittenRow> {
        if !tree.table.joins.is_empty()
            || !tree.order_by.is_empty()
            || tree.limit.is_some()
            || tree.from.is_some()
            || tree.returning.is_some()
            || tree.or.is_some()
            || tree.output.is_some()
        {
            return Err(EngineError::unsupported(
                "UPDATE with a join, ORDER BY or LIMIT",
            ));
        }
        tree.optimizer_hints.clear();
        let (table, mut scope) = self.target(&mut tree.table.relation)?;
        for assignment in &mut tree.assignments {
            let column = self.assigned(&table, &assignment.target)?.clone();
            self.assign(&mut assignment.value, &column, &mut scope)?;
            assignment.target = target_of(&column.name);
        }
        let updated = self.times_of_update(&table, &scope);
        for (name, value) in &updated {
            let target = target_of(name);
            tree.assignments.push(sqlparser::ast::Assignment {
                target,
                value: raw(value.clone()),
            });
        }
        let columns: Vec<(String, String)> = scope
            .assigned
            .drain(..)
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        if let Some(condition) = &mut tree.selection {
            self.condition(condition, &scope)?;
        }
        let condition = tree
            .selection
            .as_ref()
            .map_or_else(String::new, |condition| format!(" WHERE {condition}"));
        Ok(WrittenRow {
            table: table.name.clone(),
            columns,
            rows: format!("{}{condition}", tree.table),
            ..WrittenRow::default()
        })
    }

    /// Rewrites a DELETE.
    pub(crate) fn delete(&mut self, tree: &mut Delete) -> EngineResult<WrittenRow> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &mut tree.from;
        let [only] = from.as_mut_slice() else {
            return Err(EngineError::unsupported("DELETE with several tables"));
        };
        if !tree.tables.is_empty()
            || tree.using.is_some()
            || !tree.order_by.is_empty()
            || tree.limit.is_some()
            || tree.returning.is_some()
            || tree.output.is_some()
            || !only.joins.is_empty()
        {
            return Err(EngineError::unsupported(
                "DELETE with several tables, ORDER BY or LIMIT",
            ));
        }
        tree.optimizer_hints.clear();
        let (table, scope) = self.target(&mut only.relation)?;
        if let Some(condition) = &mut tree.selection {
            self.condition(condition, &scope)?;
        }
        Ok(WrittenRow {
            table: table.name.clone(),
            ..WrittenRow::default()
        })
    }

    fn condition(&mut self, condition: &mut Expr, scope: &Scope<'_>) -> EngineResult<()> {
        self.clause = "where clause";
        let typed = self.expr(condition, scope)?;
        truth(condition, &typed)?;
        self.clause = "field list";
        Ok(())
    }

    /// The table that is written to.
    fn target(
        &mut self,
        factor: &mut TableFactor,
    ) -> EngineResult<(Arc<TableDefinition>, Scope<'static>)> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            index_hints,
            ..
        } = factor
        else {
            return Err(EngineError::unsupported("this table to write to"));
        };
        index_hints.clear();
        let (relation, mut source) = self.relation(name)?;
        let Some(table) = source.table.clone() else {
            return Err(EngineError::unsupported("this table to write to"));
        };
        if let Some(alias) = alias {
            alias.explicit = true;
            alias.name.quote_style = Some('`');
            source.alias.clone_from(&alias.name.value);
        }
        *name = ObjectName(vec![ObjectNamePart::Identifier(relation)]);
        self.target = Some(table.name.clone());
        Ok((table, Scope::of(vec![source])))
    }

    /// The column that an assignment sets.
    pub(super) fn assigned<'t>(
        &self,
        table: &'t Arc<TableDefinition>,
        target: &AssignmentTarget,
    ) -> EngineResult<&'t ColumnDefinition> {
        let AssignmentTarget::ColumnName(name) = target else {
            return Err(EngineError::unsupported("this assignment"));
        };
        let name = last_part(name);
        table.column(&name).ok_or_else(|| self.no_column(&name))
    }

    /// Rewrites an assigned value. MySQL assigns from left to right and SQLite all at once, so a column that was
    /// assigned earlier is replaced with its new value.
    pub(super) fn assign(
        &mut self,
        value: &mut Expr,
        column: &ColumnDefinition,
        scope: &mut Scope<'_>,
    ) -> EngineResult<()> {
        let is_default = matches!(&*value, Expr::Identifier(name)
            if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"));
        if is_default {
            *value = self.default(column)?;
        } else {
            let typed = self.expr(value, scope)?;
            self.store(value, &typed, column)?;
        }
        scope
            .assigned
            .retain(|(name, _)| !name.eq_ignore_ascii_case(&column.name));
        scope.assigned.push((column.name.clone(), value.clone()));
        Ok(())
    }

    /// The columns that are set to the current time when a row changes.
    pub(super) fn times_of_update(
        &mut self,
        table: &TableDefinition,
        scope: &Scope<'_>,
    ) -> Vec<(String, String)> {
        let changes = changes(&scope.assigned);
        let assigned = |name: &str| {
            scope
                .assigned
                .iter()
                .any(|(column, _)| column.eq_ignore_ascii_case(name))
        };
        table
            .columns
            .iter()
            .filter(|column| column.on_update && !assigned(&column.name))
            .map(|column| {
                let digits = column.kind.digits();
                let args = if digits > 0 {
                    vec![number(digits)]
                } else {
                    Vec::new()
                };
                let now = call("utc_timestamp", args);
                let name = quoted(&column.name);
                (
                    column.name.clone(),
                    format!("CASE WHEN {changes} THEN {now} ELSE {name} END"),
                )
            })
            .collect()
    }
}

/// Whether any of the columns changes, byte by byte.
pub(super) fn changes(assigned: &[(String, Expr)]) -> String {
    let each: Vec<String> = assigned
        .iter()
        .map(|(name, value)| {
            format!(
                "({} COLLATE BINARY IS DISTINCT FROM ({value}))",
                quoted(name)
            )
        })
        .collect();
    each.join(" OR ")
}

/// A column as an assignment target, quoted and without its table.
pub(super) fn target_of(name: &str) -> AssignmentTarget {
    let name = Ident::with_quote('`', name);
    AssignmentTarget::ColumnName(ObjectName(vec![ObjectNamePart::Identifier(name)]))
}
