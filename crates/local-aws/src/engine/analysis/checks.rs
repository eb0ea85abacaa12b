//! The conditions of CHECK constraints.

use std::sync::Arc;

use sqlparser::ast::Expr;

use super::{
    context::Analysis,
    scope::{Scope, TableReference},
    words::truth,
};
use crate::engine::{EngineResult, catalogue::TableDefinition};

impl Analysis<'_> {
    /// The condition of a table's CHECK, in SQLite's dialect.
    pub(crate) fn check(
        &mut self,
        table: &Arc<TableDefinition>,
        mut condition: Expr,
    ) -> EngineResult<String> {
        self.inline = true;
        let scope = Scope::of(vec![TableReference::of_table(
            Arc::clone(table),
            &table.name,
        )]);
        let typed = self.expr(&mut condition, &scope)?;
        truth(&mut condition, &typed)?;
        Ok(condition.to_string())
    }
}
