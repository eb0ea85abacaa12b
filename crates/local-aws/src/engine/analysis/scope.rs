//! Names: which column of which table each one means.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident};

use super::{Analysis, ExprType, OutputColumn, words::call};
use crate::engine::{EngineError, EngineResult, catalogue::TableDefinition, kinds::ValueKind};

/// The tables visible to a part of a statement, and those of the parts around it.
#[derive(Debug, Default)]
pub(crate) struct Scope<'s> {
    pub(super) sources: Vec<TableReference>,
    pub(super) parent: Option<&'s Scope<'s>>,
    /// The labels of the result's columns, if the clause sees them.
    pub(super) labels: Vec<OutputColumn>,
    /// The values that an UPDATE has assigned so far.
    pub(super) assigned: Vec<(String, Expr)>,
}

/// A table, or a query in its place.
#[derive(Debug, Clone)]
pub(crate) struct TableReference {
    pub(super) alias: String,
    pub(super) table: Option<Arc<TableDefinition>>,
    pub(super) columns: Vec<SourceColumn>,
}

/// A column of a table or query.
#[derive(Debug, Clone)]
pub(crate) struct SourceColumn {
    pub(super) name: String,
    pub(super) kind: ValueKind,
    pub(super) origin: Option<(Arc<TableDefinition>, usize)>,
    /// Whether it belongs to a query, which may compare it in its own way.
    pub(super) derived: bool,
    /// Whether an unqualified name means another table's column of the same name, because of USING.
    pub(super) merged: bool,
    /// The length of the text that SQLite substitutes for it.
    pub(super) size: usize,
}

/// The position of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnPosition {
    /// How many levels further out in the statement.
    pub(super) depth: usize,
    pub(super) source: usize,
    pub(super) column: usize,
}

impl TableReference {
    /// A table under an alias.
    pub(crate) fn of_table(table: Arc<TableDefinition>, alias: &str) -> Self {
        let columns = table.columns.iter().enumerate();
        let columns = columns.map(|(index, column)| SourceColumn {
            name: column.name.clone(),
            kind: column.kind(),
            origin: Some((Arc::clone(&table), index)),
            derived: false,
            merged: false,
            size: 0,
        });
        Self {
            alias: alias.to_owned(),
            columns: columns.collect(),
            table: Some(table),
        }
    }

    /// A query's result under an alias.
    pub(super) fn of_outputs(outputs: Vec<OutputColumn>, alias: &str) -> Self {
        let columns = outputs.into_iter().map(|output| SourceColumn {
            name: output.name,
            kind: output.kind,
            origin: output.origin,
            derived: true,
            merged: false,
            size: output.size,
        });
        Self {
            alias: alias.to_owned(),
            columns: columns.collect(),
            table: None,
        }
    }
}

impl<'s> Scope<'s> {
    pub(crate) fn of(sources: Vec<TableReference>) -> Self {
        Self {
            sources,
            ..Self::default()
        }
    }

    /// The scope of a subquery.
    pub(super) fn within(parent: Option<&'s Scope<'s>>) -> Self {
        Self {
            parent,
            ..Self::default()
        }
    }

    /// The column with this name; `None` if there is none, an error if there are several.
    pub(super) fn find(
        &self,
        table: Option<&str>,
        name: &str,
    ) -> EngineResult<Option<ColumnPosition>> {
        let mut found = None;
        for (source, candidate) in self.sources.iter().enumerate() {
            if table.is_some_and(|table| table != candidate.alias) {
                continue;
            }
            for (column, other) in candidate.columns.iter().enumerate() {
                if !other.name.eq_ignore_ascii_case(name) || (table.is_none() && other.merged) {
                    continue;
                }
                if found.is_some() {
                    return Err(EngineError::database(
                        1052,
                        "23000",
                        format!("Column '{name}' in field list is ambiguous"),
                    ));
                }
                found = Some(ColumnPosition {
                    depth: 0,
                    source,
                    column,
                });
            }
        }
        match (found, self.parent) {
            (Some(place), _) => Ok(Some(place)),
            (None, Some(parent)) => Ok(parent.find(table, name)?.map(|place| ColumnPosition {
                depth: place.depth + 1,
                ..place
            })),
            (None, None) => Ok(None),
        }
    }

    /// The column that an expression refers to.
    pub(super) fn place(&self, expr: &Expr) -> EngineResult<Option<ColumnPosition>> {
        match expr {
            Expr::Identifier(name) => self.find(None, &name.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., table, name] => self.find(Some(&table.value), &name.value),
                _ => Ok(None),
            },
            Expr::Nested(inner) => self.place(inner),
            _ => Ok(None),
        }
    }

    pub(super) fn column(&self, place: ColumnPosition) -> Option<&SourceColumn> {
        let mut scope = self;
        for _ in 0..place.depth {
            scope = scope.parent?;
        }
        scope.sources.get(place.source)?.columns.get(place.column)
    }
}

/// Whether MySQL reads a value where the parser reads a name: `CURRENT_USER`, `0b101`.
fn is_word(name: &str) -> bool {
    let bits = name.strip_prefix("0b").unwrap_or_default();
    name.eq_ignore_ascii_case("current_user")
        || (!bits.is_empty() && bits.bytes().all(|bit| matches!(bit, b'0' | b'1')))
}

/// The clock behind each of MySQL's names for it. The session's time zone is UTC, like the service's.
pub(super) fn clock(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "now" | "current_timestamp" | "localtime" | "localtimestamp" | "sysdate"
        | "utc_timestamp" => "utc_timestamp",
        "curdate" | "current_date" | "utc_date" => "utc_date",
        "curtime" | "current_time" | "utc_time" => "utc_time",
        _ => return None,
    })
}

impl Analysis<'_> {
    /// Rewrites a name that stands for a value.
    pub(super) fn name(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
        let parts: Vec<Ident> = match expr {
            Expr::Identifier(name) => vec![name.clone()],
            Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => return Err(EngineError::unsupported("this name")),
        };
        if let Some(first) = parts.first().and_then(|part| part.value.strip_prefix("@@")) {
            let rest = parts[1..].iter().map(|part| part.value.as_str());
            let variable: Vec<&str> = std::iter::once(first).chain(rest).collect();
            return self.variable(expr, &variable.join("."));
        }
        let (table, name) = match parts.as_slice() {
            [name] => (None, name),
            [table, name] => (Some(table.value.clone()), name),
            [database, table, name] if database.value == self.database => {
                (Some(table.value.clone()), name)
            }
            _ => {
                let text = expr.to_string().replace('`', "");
                return Err(self.no_column(&text));
            }
        };
        if name.value.starts_with('@') && name.quote_style.is_none() {
            return Err(EngineError::unsupported("user variables"));
        }
        if table.is_none()
            && let Some(output) = scope
                .labels
                .iter()
                .find(|output| output.name.eq_ignore_ascii_case(&name.value))
        {
            // SQLite would use the column of that name, and MySQL uses the label.
            let column = scope.find(None, &name.value)?;
            let column = column.and_then(|place| scope.column(place));
            if column.is_some_and(|column| !is_same_column(&column.origin, &output.origin)) {
                return Err(EngineError::unsupported(
                    "a label that is the name of another column",
                ));
            }
            let typed = ExprType::column(output.kind, output.origin.clone());
            *expr = Expr::Identifier(Ident::with_quote('`', &name.value));
            return Ok(typed);
        }
        let Some(place) = scope.find(table.as_deref(), &name.value)? else {
            if let (None, None, true) = (
                &table,
                name.quote_style,
                name.value.to_ascii_lowercase().starts_with("utc_"),
            ) && let Some(function) = clock(&name.value)
            {
                *expr = call(function, Vec::new());
                return Ok(ExprType::of(clock_kind(function, 0)));
            }
            if table.is_none() && name.quote_style.is_none() && is_word(&name.value) {
                return Err(EngineError::unsupported(&name.value.to_uppercase()));
            }
            let text = match &table {
                Some(table) => format!("{table}.{}", name.value),
                None => name.value.clone(),
            };
            return Err(self.no_column(&text));
        };
        if let (0, Some((_, value))) = (
            place.depth,
            scope
                .assigned
                .iter()
                .find(|(column, _)| column.eq_ignore_ascii_case(&name.value)),
        ) {
            let column = scope.column(place);
            let kind = column.map_or(ValueKind::Null, |column| column.kind);
            if value.to_string().contains("uuid()") {
                // It would have a different value in each place.
                return Err(EngineError::unsupported(
                    "a column that has been assigned a UUID",
                ));
            }
            self.expand_by(super::words::length(value))?;
            *expr = super::words::nested(value.clone());
            return Ok(ExprType::of(kind));
        }
        let Some(column) = scope.column(place) else {
            return Err(EngineError::Internal("a column is gone".into()));
        };
        self.expand_by(column.size)?;
        let typed = ExprType {
            derived: column.derived,
            ..ExprType::column(column.kind, column.origin.clone())
        };
        // Always quoted: a word that SQLite reserves, or takes for a parameter, can be a name in MySQL.
        let name = Ident::with_quote('`', &column.name);
        *expr = match table {
            Some(table) => Expr::CompoundIdentifier(vec![Ident::with_quote('`', table), name]),
            None => Expr::Identifier(name),
        };
        Ok(typed)
    }

    pub(super) fn no_column(&self, name: &str) -> EngineError {
        EngineError::database(
            1054,
            "42S22",
            format!("Unknown column '{name}' in '{}'", self.clause),
        )
    }

    /// A system variable such as `@@version`.
    fn variable(&mut self, expr: &mut Expr, name: &str) -> EngineResult<ExprType> {
        let name = name.to_ascii_lowercase();
        let name = name
            .strip_prefix("session.")
            .or_else(|| name.strip_prefix("global."))
            .unwrap_or(&name);
        let Some(value) = crate::engine::variables::value(name) else {
            return Err(EngineError::unsupported(&format!("the variable {name}")));
        };
        let (value, kind) = match value.parse::<i64>() {
            Ok(value) => (super::words::number(value), crate::engine::kinds::INT),
            Err(_) => (self.text(value.to_owned()), crate::engine::kinds::TEXT),
        };
        *expr = value;
        Ok(ExprType::constant(kind))
    }
}

fn is_same_column(
    one: &Option<(Arc<TableDefinition>, usize)>,
    other: &Option<(Arc<TableDefinition>, usize)>,
) -> bool {
    match (one, other) {
        (Some((table, column)), Some((other_table, other_column))) => {
            Arc::ptr_eq(table, other_table) && column == other_column
        }
        _ => false,
    }
}

/// The kind of a clock's value, with this many fractional digits.
pub(super) fn clock_kind(function: &str, digits: u32) -> ValueKind {
    match function {
        "utc_date" => ValueKind::Date,
        "utc_time" => ValueKind::Time { digits },
        _ => ValueKind::DateTime { digits },
    }
}
