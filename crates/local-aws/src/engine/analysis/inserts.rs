//! INSERT and REPLACE: rows, defaults, IGNORE and ON DUPLICATE KEY UPDATE.

use std::{ops::ControlFlow, sync::Arc};

use sqlparser::ast::{
    Assignment, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Insert, ObjectName,
    ObjectNamePart, OnInsert, Query, SetExpr, TableObject, VisitMut, VisitorMut,
};

use super::{
    Analysis, ExprType, Scope, TableReference,
    insert_columns::{AutoColumn, SKIPPED, names_column, reads},
    replacements::{Replacement, overwrites},
    writes::{CHANGES, EXCLUDED, WrittenRow, changes},
};
use crate::engine::{
    EngineError, EngineResult,
    catalogue::{ColumnDefinition, TableDefinition},
    definitions::{last_part, list, quoted},
};

impl Analysis<'_> {
    /// Rewrites an INSERT; returns its text and what it writes.
    pub(crate) fn insert(&mut self, tree: &mut Insert) -> EngineResult<(String, WrittenRow)> {
        let ignores = tree.ignore;
        self.inserted(tree).map_err(|error| error.ignored(ignores))
    }

    fn inserted(&mut self, tree: &mut Insert) -> EngineResult<(String, WrittenRow)> {
        if tree.partitioned.is_some()
            || tree.returning.is_some()
            || tree.overwrite
            || tree.or.is_some()
            || !tree.after_columns.is_empty()
        {
            return Err(EngineError::unsupported(
                "INSERT with PARTITION or RETURNING",
            ));
        }
        let TableObject::TableName(name) = &tree.table else {
            return Err(EngineError::unsupported("INSERT into a function"));
        };
        let (_, source) = self.relation(name)?;
        let Some(table) = source.table else {
            return Err(EngineError::unsupported("this table to write to"));
        };
        let replacement = match tree.replace_into {
            true => Some(self.replacement(&table)?),
            false => None,
        };
        let mut columns = Vec::new();
        let mut rows = None;
        if !tree.assignments.is_empty() {
            let mut row = Vec::new();
            for assignment in &mut tree.assignments {
                columns.push(self.assigned(&table, &assignment.target)?.clone());
                row.push(assignment.value.clone());
            }
            rows = Some(vec![row]);
        } else {
            for name in &tree.columns {
                let name = last_part(name);
                let column = table.column(&name).ok_or_else(|| self.no_column(&name))?;
                columns.push(column.clone());
            }
        }
        for (index, column) in columns.iter().enumerate() {
            if columns[..index]
                .iter()
                .any(|other| other.name == column.name)
            {
                return Err(EngineError::database(
                    1110,
                    "42000",
                    format!("Column '{}' specified twice", column.name),
                ));
            }
        }
        let source = tree.source.as_deref_mut();
        if let (None, Some(SetExpr::Values(values))) =
            (&rows, source.as_ref().map(|query| &*query.body))
        {
            rows = Some(values.rows.iter().map(|row| row.content.clone()).collect());
        }
        // `() VALUES ()` is a row of defaults.
        let empty = matches!(&rows, Some(rows) if rows.iter().all(Vec::is_empty));
        if columns.is_empty() && !empty {
            columns.clone_from(&table.columns);
        }
        let number = rows
            .as_ref()
            .and_then(|rows| u64::try_from(rows.len()).ok());
        let reads_itself =
            number.is_none() && source.as_ref().is_some_and(|query| reads(query, &table));
        if reads_itself && (tree.ignore || tree.on.is_some()) && table.auto_increment().is_some() {
            // SQLite reads all rows before it writes the first.
            return Err(EngineError::unsupported(
                "INSERT IGNORE, or ON DUPLICATE KEY UPDATE, of a table with AUTO_INCREMENT from itself",
            ));
        }
        let (source, all) = match (rows, source) {
            (Some(rows), _) => self.rows(rows, &columns, &table)?,
            (None, Some(query)) => self.selected(query, &columns, &table)?,
            (None, None) => return Err(EngineError::unsupported("this INSERT")),
        };
        let names: Vec<String> = all.iter().map(|column| column.name.clone()).collect();
        let how = match replacement {
            Some(Replacement::Delete) => "REPLACE",
            Some(Replacement::Update) | None => "INSERT",
        };
        let row_alias = tree
            .insert_alias
            .take()
            .map(|alias| alias.row_alias.to_string().trim_matches('`').to_owned());
        let upserts = tree.on.is_some();
        let conflict = match tree.on.take() {
            None if replacement == Some(Replacement::Update) => overwrites(&table),
            Some(OnInsert::DuplicateKeyUpdate(assignments)) => {
                let update = self.upsert(assignments, row_alias.as_deref(), &table)?;
                format!(" ON CONFLICT DO UPDATE SET {update}")
            }
            Some(_) => return Err(EngineError::unsupported("ON CONFLICT")),
            // Duplicates only: a row that is invalid in any other way is refused.
            None if tree.ignore => match table.auto_increment() {
                Some(column) => {
                    let id = quoted(&column.name);
                    format!(" ON CONFLICT DO UPDATE SET {id} = {id} WHERE {SKIPPED}()")
                }
                None => " ON CONFLICT DO NOTHING".into(),
            },
            None => String::new(),
        };
        let text = format!(
            "{how} INTO {} ({}) {source}{conflict}",
            quoted(&table.name),
            list(&names)
        );
        let written = WrittenRow {
            table: table.name.clone(),
            columns: names
                .into_iter()
                .map(|name| (name, String::new()))
                .collect(),
            rows: source,
            inserts: true,
            upserts,
            ignores: tree.ignore,
            reads_itself,
            values: number,
        };
        Ok((text, written))
    }

    /// The columns that a row does not name and that do not default to NULL.
    fn defaults(
        &mut self,
        columns: &[ColumnDefinition],
        table: &TableDefinition,
    ) -> EngineResult<Vec<(ColumnDefinition, Expr)>> {
        let mut defaults = Vec::new();
        for column in &table.columns {
            if columns.iter().any(|other| other.name == column.name) || column.auto_increment {
                continue;
            }
            let default = self.default(column)?;
            if column.default.is_some() || column.not_null {
                defaults.push((column.clone(), default));
            }
        }
        Ok(defaults)
    }

    fn rows(
        &mut self,
        rows: Vec<Vec<Expr>>,
        columns: &[ColumnDefinition],
        table: &TableDefinition,
    ) -> EngineResult<(String, Vec<ColumnDefinition>)> {
        let mut defaults = self.defaults(columns, table)?;
        let auto = AutoColumn::of(table, columns);
        if columns.is_empty() && defaults.is_empty() && auto.is_none() {
            // A row needs at least one column.
            let Some(first) = table.columns.first() else {
                return Err(EngineError::unsupported("a table without columns"));
            };
            defaults.push((first.clone(), super::words::raw("NULL".into())));
        }
        let scope = Scope::default();
        let mut texts = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            self.row = index + 1;
            if row.len() != columns.len() {
                return Err(EngineError::database(
                    1136,
                    "21S01",
                    format!("Column count doesn't match value count at row {}", self.row),
                ));
            }
            let mut values = Vec::with_capacity(columns.len() + defaults.len());
            for (mut value, column) in row.into_iter().zip(columns) {
                let is_default = matches!(&value, Expr::Identifier(name)
                    if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"));
                if is_default {
                    value = self.default(column)?;
                } else {
                    if names_column(&value, table) {
                        return Err(EngineError::unsupported("a column among the VALUES"));
                    }
                    let typed = self.expr(&mut value, &scope)?;
                    self.store(&mut value, &typed, column)?;
                }
                values.push(value.to_string());
            }
            values.extend(defaults.iter().map(|default| default.1.to_string()));
            if let Some(auto) = &auto {
                auto.number(&mut values);
            }
            texts.push(values.join(", "));
        }
        self.row = 1;
        let all = columns
            .iter()
            .cloned()
            .chain(defaults.into_iter().map(|default| default.0));
        let all = AutoColumn::last(auto, all.collect());
        let text = match texts.as_slice() {
            // SQLite evaluates the values of a single row in the order of the table's columns, but those of a query in
            // the query's own order. Without the condition, ON CONFLICT would be parsed as a join's ON.
            [only] => format!("SELECT {only} WHERE true"),
            rows => {
                let rows: Vec<String> = rows.iter().map(|row| format!("({row})")).collect();
                format!("VALUES {}", rows.join(", "))
            }
        };
        Ok((text, all))
    }

    fn selected(
        &mut self,
        query: &mut Query,
        columns: &[ColumnDefinition],
        table: &TableDefinition,
    ) -> EngineResult<(String, Vec<ColumnDefinition>)> {
        let outputs = self.query(query, None)?;
        if outputs.len() != columns.len() {
            return Err(EngineError::database(
                1136,
                "21S01",
                "Column count doesn't match value count at row 1",
            ));
        }
        let defaults = self.defaults(columns, table)?;
        let mut values = Vec::with_capacity(columns.len());
        let mut heads = Vec::with_capacity(columns.len());
        for (index, (output, column)) in outputs.iter().zip(columns).enumerate() {
            let head = format!("c{index}");
            let mut value = super::words::raw(head.clone());
            let typed = ExprType {
                origin: output.origin.clone(),
                ..ExprType::of(output.kind)
            };
            self.store(&mut value, &typed, column)?;
            heads.push(head);
            values.push(value.to_string());
        }
        values.extend(defaults.iter().map(|default| default.1.to_string()));
        let auto = AutoColumn::of(table, columns);
        if let Some(auto) = &auto {
            auto.number(&mut values);
        }
        let all = columns
            .iter()
            .cloned()
            .chain(defaults.into_iter().map(|default| default.0));
        let all = AutoColumn::last(auto, all.collect());
        // Without the condition, ON CONFLICT would be parsed as a join's ON.
        let text = format!(
            "WITH s({}) AS ({query}) SELECT {} FROM s WHERE true",
            heads.join(", "),
            values.join(", ")
        );
        Ok((text, all))
    }

    /// The assignments of an upsert. A row that would not change is left alone: MySQL does not count it.
    fn upsert(
        &mut self,
        assignments: Vec<Assignment>,
        row_alias: Option<&str>,
        table: &Arc<TableDefinition>,
    ) -> EngineResult<String> {
        let mut other = TableReference::of_table(Arc::clone(table), EXCLUDED);
        for column in &mut other.columns {
            column.merged = true;
        }
        let own = TableReference::of_table(Arc::clone(table), &table.name);
        let mut scope = Scope::of(vec![own, other]);
        for Assignment { target, mut value } in assignments {
            let column = self.assigned(table, &target)?.clone();
            let _ = VisitMut::visit(&mut value, &mut ExcludedColumns { row_alias });
            self.assign(&mut value, &column, &mut scope)?;
        }
        let changes = changes(&scope.assigned);
        let times = self.times_of_update(table, &scope);
        let set: Vec<String> = scope
            .assigned
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .chain(times)
            .map(|(name, value)| format!("{} = {value}", quoted(&name)))
            .collect();
        let id = match table.auto_increment() {
            Some(column) => quoted(&column.name),
            None => "NULL".into(),
        };
        Ok(format!(
            "{} WHERE {CHANGES}({changes}, {id})",
            set.join(", ")
        ))
    }
}

/// Rewrites `VALUES(a)`, and `new.a` if the row has that alias, as SQLite's `excluded.a`.
struct ExcludedColumns<'a> {
    row_alias: Option<&'a str>,
}

impl VisitorMut for ExcludedColumns<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let column = match expr {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] if Some(table.value.as_str()) == self.row_alias => {
                    Some(column.clone())
                }
                _ => None,
            },
            Expr::Function(function) if is_values(&function.name) => {
                match only_argument(&function.args) {
                    Some(Expr::Identifier(column)) => Some(column.clone()),
                    Some(Expr::CompoundIdentifier(parts)) => parts.last().cloned(),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(column) = column {
            *expr = Expr::CompoundIdentifier(vec![Ident::new(EXCLUDED), column]);
        }
        ControlFlow::Continue(())
    }
}

fn only_argument(arguments: &FunctionArguments) -> Option<&Expr> {
    match arguments {
        FunctionArguments::List(list) => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => Some(expr),
            _ => None,
        },
        _ => None,
    }
}

fn is_values(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [ObjectNamePart::Identifier(name)] if name.value.eq_ignore_ascii_case("values"))
}
