//! From MySQL's dialect to SQLite's: one plan for a statement and the kinds of its parameters.

use sqlparser::ast::{Set, Statement};

use crate::engine::{
    EngineError, EngineResult,
    analysis::{Analysis, Bindings, WrittenRow},
    catalogue::Catalogue,
    definitions::changes,
    information::{shows, tables},
    plan::{StatementKind, StatementPlan},
    short::ShortQuery,
};

/// Plans one statement for a database; `labels` are the texts of its columns as written.
pub(crate) fn plan(
    statement: Statement,
    labels: Option<Vec<String>>,
    catalogue: &Catalogue,
    database: &str,
    bindings: Bindings<'_>,
) -> EngineResult<StatementPlan> {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default();
    let verb = verb.to_uppercase();
    let short = ShortQuery::of(&statement);
    let plan = unnamed(statement, labels, catalogue, database, bindings)?;
    Ok(StatementPlan {
        verb,
        short,
        ..plan
    })
}

fn unnamed(
    statement: Statement,
    labels: Option<Vec<String>>,
    catalogue: &Catalogue,
    database: &str,
    bindings: Bindings<'_>,
) -> EngineResult<StatementPlan> {
    let analysis = |writing: bool| Analysis::new(catalogue, database, bindings, writing);
    let writing = |analysis: Analysis<'_>,
                   written: WrittenRow,
                   kind: StatementKind,
                   text: String| StatementPlan {
        slots: analysis.slots,
        moments: analysis.moments,
        texts: analysis.texts,
        numerals: analysis.numerals,
        table: catalogue.table(&written.table).cloned(),
        written,
        ..StatementPlan::of(kind, vec![text])
    };
    match statement {
        Statement::Query(mut query) => {
            let mut analysis = analysis(false);
            if let Some(labels) = labels {
                analysis.labels(&mut query, labels);
            }
            let outputs = analysis.query(&mut query, None)?;
            let locks = analysis.locks;
            Ok(StatementPlan {
                outputs,
                slots: analysis.slots,
                moments: analysis.moments,
                texts: analysis.texts,
                numerals: analysis.numerals,
                ..StatementPlan::of(StatementKind::Query { locks }, vec![query.to_string()])
            })
        }
        Statement::Insert(mut tree) => {
            let mut analysis = analysis(true);
            let replaces = tree.replace_into;
            let (text, written) = analysis.insert(&mut tree)?;
            Ok(writing(
                analysis,
                written,
                StatementKind::Insert { replaces },
                text,
            ))
        }
        Statement::Update(mut tree) => {
            let mut analysis = analysis(true);
            let written = analysis.update(&mut tree)?;
            Ok(writing(
                analysis,
                written,
                StatementKind::Change,
                tree.to_string(),
            ))
        }
        Statement::Delete(mut tree) => {
            let mut analysis = analysis(true);
            let written = analysis.delete(&mut tree)?;
            Ok(writing(
                analysis,
                written,
                StatementKind::Change,
                tree.to_string(),
            ))
        }
        Statement::Set(Set::SetNames { .. } | Set::SetNamesDefault {}) => {
            Ok(StatementPlan::nothing())
        }
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => Err(EngineError::database(
            1295,
            "HY000",
            "This command is not supported in the prepared statement protocol yet",
        )),
        statement if tables::is_show(&statement) => {
            let content = shows::content(&statement, catalogue, database)?;
            Ok(StatementPlan {
                outputs: content.outputs(),
                ..StatementPlan::of(
                    StatementKind::Query { locks: false },
                    vec![format!("SELECT * FROM {}", content.text())],
                )
            })
        }
        statement => changes::plan(&statement, catalogue, database),
    }
}

#[cfg(test)]
mod tests;
