//! From MySQL's dialect to what SQLite runs: one plan for a statement and the kinds of its parameters.

use std::{borrow::Cow, sync::Arc};

use sqlparser::ast::{Set, Statement};

use super::{
    EngineError, EngineResult, Parameters, Value,
    analysis::{Analysis, Bindings, MomentText, Output, Slot, Written},
    catalogue::{Catalogue, Table},
    changes, schema_tables, shows,
};

/// A statement ready for SQLite.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// One text, or several for a definition.
    pub(super) sql: Vec<String>,
    /// The columns of a query.
    pub(super) outputs: Vec<Output>,
    /// What is bound to `?1`, `?2` and so on.
    pub(super) slots: Vec<Slot>,
    /// The texts that are read as dates or times.
    pub(super) moments: Vec<MomentText>,
    /// What an INSERT, UPDATE or DELETE writes, and the table that it writes to.
    pub(super) written: Written,
    pub(super) table: Option<Arc<Table>>,
    /// The statement's first word, in capitals.
    pub(super) verb: String,
    /// Whether the definition is of a table that others may refer to while it is made anew.
    pub(super) rebuilds: bool,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads; `locks` where it wants to be the only one to write what it reads.
    Query { locks: bool },
    /// `replaces` where rows may make place for new ones.
    Insert { replaces: bool },
    /// UPDATE or DELETE.
    Change,
    /// DDL, which commits whatever is open, as in MySQL.
    Definition,
    /// Nothing to do.
    Nothing,
}

impl Kind {
    /// Whether it needs the one place of a writer.
    pub(super) fn writes(self) -> bool {
        !matches!(self, Self::Query { locks: false } | Self::Nothing)
    }
}

impl Plan {
    fn of(kind: Kind, sql: Vec<String>) -> Self {
        Self {
            kind,
            sql,
            outputs: Vec::new(),
            slots: Vec::new(),
            moments: Vec::new(),
            written: Written::default(),
            table: None,
            verb: String::new(),
            rebuilds: false,
        }
    }

    /// A definition.
    pub(super) fn definition(sql: Vec<String>, rebuilds: bool) -> Self {
        Self {
            rebuilds,
            ..Self::of(Kind::Definition, sql)
        }
    }

    /// Nothing.
    pub(super) fn nothing() -> Self {
        Self::of(Kind::Nothing, Vec::new())
    }
}

/// Plans one statement of a database; `labels` are the texts of its columns, as they were written.
pub(super) fn plan(
    statement: Statement,
    labels: Option<Vec<String>>,
    catalogue: &Catalogue,
    database: &str,
    bindings: Bindings<'_>,
) -> EngineResult<Plan> {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default();
    let verb = verb.to_uppercase();
    let plan = unnamed(statement, labels, catalogue, database, bindings)?;
    Ok(Plan { verb, ..plan })
}

fn unnamed(
    statement: Statement,
    labels: Option<Vec<String>>,
    catalogue: &Catalogue,
    database: &str,
    bindings: Bindings<'_>,
) -> EngineResult<Plan> {
    let analysis = |writing: bool| Analysis::new(catalogue, database, bindings, writing);
    let writing = |analysis: Analysis<'_>, written: Written, kind: Kind, text: String| Plan {
        slots: analysis.slots,
        moments: analysis.moments,
        table: catalogue.table(&written.table).cloned(),
        written,
        ..Plan::of(kind, vec![text])
    };
    match statement {
        Statement::Query(mut query) => {
            let mut analysis = analysis(false);
            if let Some(labels) = labels {
                analysis.labels(&mut query, labels);
            }
            let outputs = analysis.query(&mut query, None)?;
            let locks = analysis.locks;
            Ok(Plan {
                outputs,
                slots: analysis.slots,
                moments: analysis.moments,
                ..Plan::of(Kind::Query { locks }, vec![query.to_string()])
            })
        }
        Statement::Insert(mut tree) => {
            let mut analysis = analysis(true);
            let replaces = tree.replace_into;
            let (text, written) = analysis.insert(&mut tree)?;
            Ok(writing(analysis, written, Kind::Insert { replaces }, text))
        }
        Statement::Update(mut tree) => {
            let mut analysis = analysis(true);
            let written = analysis.update(&mut tree)?;
            Ok(writing(analysis, written, Kind::Change, tree.to_string()))
        }
        Statement::Delete(mut tree) => {
            let mut analysis = analysis(true);
            let written = analysis.delete(&mut tree)?;
            Ok(writing(analysis, written, Kind::Change, tree.to_string()))
        }
        Statement::Set(Set::SetNames { .. } | Set::SetNamesDefault {}) => Ok(Plan::nothing()),
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => Err(EngineError::database(
            1295,
            "HY000",
            "This command is not supported in the prepared statement protocol yet",
        )),
        statement if schema_tables::is_show(&statement) => {
            let content = shows::content(&statement, catalogue, database)?;
            Ok(Plan {
                outputs: content.outputs(),
                ..Plan::of(
                    Kind::Query { locks: false },
                    vec![format!("SELECT * FROM {}", content.text())],
                )
            })
        }
        statement => changes::plan(&statement, catalogue, database),
    }
}

/// What a slot holds in one execution.
pub(super) fn bound<'a>(
    slot: &'a Slot,
    parameters: &'a Parameters,
) -> EngineResult<Cow<'a, Value>> {
    match slot {
        Slot::Literal(text) => Ok(Cow::Owned(Value::Text(text.clone()))),
        Slot::Named(name) => parameters
            .get(name)
            .map(Cow::Borrowed)
            .ok_or_else(|| EngineError::MissingParameter(name.clone())),
    }
}

#[cfg(test)]
mod tests;
