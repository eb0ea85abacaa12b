//! ALTER TABLE: recreates a table that SQLite cannot change in place.

use sqlparser::ast::AlterTable;

use crate::engine::{
    EngineError, EngineResult, Parameters,
    analysis::{Analysis, Bindings},
    catalogue::TableDefinition,
    column_types::literal,
    definitions::{
        changes::{DefinitionContext, exists, forgotten},
        ids::next_id_statements,
        index_name, last_part, list, quoted,
    },
    plan::StatementPlan,
};

impl DefinitionContext<'_> {
    pub(crate) fn alter(&self, tree: &AlterTable) -> EngineResult<StatementPlan> {
        let before = self.table(&last_part(&tree.name))?;
        let mut after = before.clone();
        // The previous name of each column that stays.
        let mut kept: Vec<(String, String)> = before
            .columns
            .iter()
            .map(|column| (column.name.clone(), column.name.clone()))
            .collect();
        let mut sequence = None;
        for operation in &tree.operations {
            self.operation(operation, &mut after, &mut kept, &mut sequence)?;
        }
        after.finish()?;
        if after.name != before.name && self.catalogue.table(&after.name).is_some() {
            return Err(exists(&after.name));
        }
        let referred = self
            .referrer(&before.name, std::slice::from_ref(&before.name))
            .is_some();
        if referred && after.name != before.name {
            return Err(EngineError::unsupported(
                "renaming a table that a foreign key names",
            ));
        }
        let mut sql = Vec::new();
        if after.columns == before.columns
            && after.primary_key == before.primary_key
            && after.foreign_keys == before.foreign_keys
            && after.checks == before.checks
            && after.name == before.name
        {
            for index in &before.indexes {
                if !after.indexes.contains(index) {
                    sql.push(format!(
                        "DROP INDEX {}",
                        index_name(&before.name, &index.name)
                    ));
                }
            }
            for index in &after.indexes {
                if !before.indexes.contains(index) {
                    sql.push(index.statement(&after.name));
                }
            }
            sql.push(after.kept());
        } else {
            sql = self.rebuild_statements(&before, &after, &kept)?;
        }
        if let Some(next) = sequence {
            sql.extend(next_id_statements(&after, next)?);
        }
        Ok(StatementPlan::definition(sql, true))
    }

    /// The statements that recreate a table with its rows.
    fn rebuild_statements(
        &self,
        before: &TableDefinition,
        after: &TableDefinition,
        kept: &[(String, String)],
    ) -> EngineResult<Vec<String>> {
        // Otherwise SQLite would also rename the table in the foreign keys that refer to it.
        let old = format!("fleet old {}", before.name);
        let mut sql = vec!["PRAGMA legacy_alter_table = ON".to_owned()];
        for index in &before.indexes {
            sql.push(format!(
                "DROP INDEX {}",
                index_name(&before.name, &index.name)
            ));
        }
        sql.push(format!(
            "ALTER TABLE {} RENAME TO {}",
            quoted(&before.name),
            quoted(&old)
        ));
        sql.push("PRAGMA legacy_alter_table = OFF".into());
        sql.push(forgotten(&before.name));
        sql.extend(self.create(after)?);
        let nothing = Parameters::new();
        let mut analysis = Analysis::new(
            self.catalogue,
            self.database,
            Bindings::Given(&nothing),
            true,
        );
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in &after.columns {
            let from = kept.iter().find(|(now, _)| *now == column.name);
            let from = from.and_then(|(_, then)| before.column(then));
            let value = match from {
                Some(from) => analysis.moved(from, column)?,
                None => analysis.added(column)?,
            };
            names.push(column.name.clone());
            values.push(value);
        }
        sql.push(format!(
            "INSERT INTO {} ({}) SELECT {} FROM {}",
            quoted(&after.name),
            list(&names),
            values.join(", "),
            quoted(&old)
        ));
        if before.auto_increment().is_some() && after.auto_increment().is_some() {
            sql.push(format!(
                "UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = {}), 0)) WHERE name = {}",
                literal(&old),
                literal(&after.name)
            ));
        }
        sql.push(format!("DROP TABLE {}", quoted(&old)));
        Ok(sql)
    }
}
