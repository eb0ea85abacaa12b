//! Definitions as SQLite statements: CREATE, DROP, TRUNCATE and ALTER.

use std::sync::Arc;

use sqlparser::ast::{CreateIndex, Ident, ObjectType, Statement};

use crate::engine::{
    EngineError, EngineResult,
    analysis::{Analysis, Bindings},
    catalogue::{self, Catalogue, ColumnDefinition, TableDefinition},
    column_types::literal,
    definitions::{
        ids::{first_id, next_id_statements},
        index_columns, index_name, last_part, quoted, rules,
    },
    plan::StatementPlan,
    sqlite::{parse, syntax},
};

/// Plans a definition.
pub(crate) fn plan(
    statement: &Statement,
    catalogue: &Catalogue,
    database: &str,
) -> EngineResult<StatementPlan> {
    let context = DefinitionContext {
        catalogue,
        database,
    };
    match statement {
        Statement::CreateTable(tree) => {
            context.own(&tree.name)?;
            let name = last_part(&tree.name);
            if name.to_ascii_lowercase().starts_with("sqlite_")
                || name.to_ascii_lowercase() == catalogue::TABLE
            {
                return Err(EngineError::unsupported("a table of this name"));
            }
            if catalogue.table(&name).is_some() {
                return if tree.if_not_exists {
                    Ok(StatementPlan::nothing())
                } else {
                    Err(exists(&name))
                };
            }
            let other_case = catalogue
                .tables
                .keys()
                .any(|other| other.eq_ignore_ascii_case(&name));
            if other_case {
                return Err(EngineError::unsupported(
                    "tables whose names differ by case alone",
                ));
            }
            let table = TableDefinition::read(tree)?;
            rules::check_key_is_not_null(tree, &table)?;
            let mut sql = context.create(&table)?;
            if let Some(next) = first_id(&tree.table_options)? {
                sql.extend(next_id_statements(&table, next)?);
            }
            Ok(StatementPlan::definition(sql, false))
        }
        Statement::CreateIndex(tree) => {
            context.own(&tree.table_name)?;
            let mut table = context.table(&last_part(&tree.table_name))?;
            Ok(StatementPlan::definition(
                create_index(&mut table, tree)?,
                false,
            ))
        }
        Statement::Drop {
            object_type: ObjectType::Table,
            if_exists,
            names,
            ..
        } => {
            let mut sql = Vec::new();
            let dropped: Vec<String> = names.iter().map(last_part).collect();
            let missing: Vec<String> = dropped
                .iter()
                .filter(|name| catalogue.table(name).is_none())
                .map(|name| format!("{database}.{name}"))
                .collect();
            if !missing.is_empty() && !if_exists {
                let message = format!("Unknown table '{}'", missing.join(","));
                return Err(EngineError::database(1051, "42S02", message));
            }
            for (name, full) in dropped.iter().zip(names) {
                context.own(full)?;
                if catalogue.table(name).is_none() {
                    continue;
                }
                if let Some((child, key)) = context.referrer(name, &dropped) {
                    let message = format!(
                        "Cannot drop table '{name}' referenced by a foreign key constraint '{key}' on table '{child}'."
                    );
                    return Err(EngineError::database(3730, "HY000", message));
                }
                sql.push(format!("DROP TABLE {}", quoted(name)));
                sql.push(forgotten(name));
            }
            Ok(StatementPlan::definition(sql, true))
        }
        Statement::Drop {
            object_type: ObjectType::Index,
            if_exists: false,
            names,
            table: Some(table),
            ..
        } => {
            let mut table = context.table(&last_part(table))?;
            let mut sql = Vec::new();
            for name in names {
                sql.push(drop_index(&mut table, &last_part(name))?);
            }
            sql.push(table.kept());
            Ok(StatementPlan::definition(sql, false))
        }
        Statement::Truncate(tree) => {
            let mut sql = Vec::new();
            for target in &tree.table_names {
                context.own(&target.name)?;
                let table = context.table(&last_part(&target.name))?;
                if let Some((child, key)) =
                    context.referrer(&table.name, std::slice::from_ref(&table.name))
                {
                    let message = format!(
                        "Cannot truncate a table referenced in a foreign key constraint (`{database}`.`{child}`, CONSTRAINT `{key}`)"
                    );
                    return Err(EngineError::database(1701, "42000", message));
                }
                sql.push(format!("DELETE FROM {}", quoted(&table.name)));
                if table.auto_increment().is_some() {
                    sql.push(format!(
                        "DELETE FROM sqlite_sequence WHERE name = {}",
                        literal(&table.name)
                    ));
                }
            }
            Ok(StatementPlan::definition(sql, false))
        }
        Statement::AlterTable(tree) => {
            context.own(&tree.name)?;
            context.alter(tree)
        }
        other => Err(syntax::not_run(other)),
    }
}

pub(crate) fn exists(name: &str) -> EngineError {
    EngineError::database(1050, "42S01", format!("Table '{name}' already exists"))
}

pub(crate) fn forgotten(name: &str) -> String {
    format!(
        "DELETE FROM {} WHERE name = {}",
        catalogue::TABLE,
        literal(name)
    )
}

fn create_index(table: &mut TableDefinition, tree: &CreateIndex) -> EngineResult<Vec<String>> {
    let name = tree
        .name
        .as_ref()
        .map(last_part)
        .ok_or_else(|| EngineError::unsupported("an index without a name"))?;
    if table
        .indexes
        .iter()
        .any(|index| index.name.eq_ignore_ascii_case(&name))
    {
        return Err(EngineError::database(
            1061,
            "42000",
            format!("Duplicate key name '{name}'"),
        ));
    }
    table.index(
        Some(&Ident::new(&name)),
        index_columns(&tree.columns)?,
        tree.unique,
    );
    table.finish()?;
    rules::check(table)?;
    let index = table
        .indexes
        .last()
        .map(|index| index.statement(&table.name));
    Ok(index.into_iter().chain([table.kept()]).collect())
}

pub(crate) fn drop_index(table: &mut TableDefinition, name: &str) -> EngineResult<String> {
    let Some(place) = table
        .indexes
        .iter()
        .position(|index| index.name.eq_ignore_ascii_case(name))
    else {
        return Err(cannot_drop(name));
    };
    let index = table.indexes.remove(place);
    let needed = table.foreign_keys.iter().any(|key| {
        index.columns.starts_with(&key.columns)
            && !table.primary_key.starts_with(&key.columns)
            && !table
                .indexes
                .iter()
                .any(|other| other.columns.starts_with(&key.columns))
    });
    if needed {
        return Err(EngineError::database(
            1553,
            "HY000",
            format!("Cannot drop index '{name}': needed in a foreign key constraint"),
        ));
    }
    Ok(format!(
        "DROP INDEX {}",
        index_name(&table.name, &index.name)
    ))
}

pub(crate) fn cannot_drop(name: &str) -> EngineError {
    EngineError::database(
        1091,
        "42000",
        format!("Can't DROP '{name}'; check that column/key exists"),
    )
}

pub(crate) struct DefinitionContext<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) database: &'a str,
}

impl DefinitionContext<'_> {
    /// Refuses a table of another database.
    pub(crate) fn own(&self, name: &sqlparser::ast::ObjectName) -> EngineResult<()> {
        match name.0.as_slice() {
            [_] => Ok(()),
            [database, _]
                if database
                    .as_ident()
                    .is_some_and(|name| name.value == self.database) =>
            {
                Ok(())
            }
            [database, ..] => Err(EngineError::database(
                1049,
                "42000",
                format!(
                    "Unknown database '{}'",
                    database.to_string().replace('`', "")
                ),
            )),
            [] => Err(EngineError::unsupported("this table name")),
        }
    }

    pub(crate) fn table(&self, name: &str) -> EngineResult<TableDefinition> {
        match self.catalogue.table(name) {
            Some(table) => Ok(TableDefinition::clone(table)),
            None => Err(self.catalogue.missing(self.database, name)),
        }
    }

    /// Another table, not among these, with a foreign key to this one, and the key's name.
    pub(crate) fn referrer(&self, name: &str, others: &[String]) -> Option<(String, String)> {
        self.catalogue
            .tables
            .values()
            .filter(|table| !others.contains(&table.name))
            .find_map(|table| {
                let key = table.foreign_keys.iter().find(|key| key.table == name)?;
                Some((table.name.clone(), key.name.clone()))
            })
    }

    /// The statements that create a table, after checking that everything it refers to exists.
    pub(crate) fn create(&self, table: &TableDefinition) -> EngineResult<Vec<String>> {
        for key in &table.foreign_keys {
            let parent = if key.table == table.name {
                table
            } else {
                match self.catalogue.table(&key.table) {
                    Some(parent) => parent,
                    None => {
                        return Err(EngineError::database(
                            1824,
                            "HY000",
                            format!("Failed to open the referenced table '{}'", key.table),
                        ));
                    }
                }
            };
            let unique = parent.primary_key == key.referred
                || parent
                    .indexes
                    .iter()
                    .any(|index| index.unique && index.columns == key.referred);
            if !unique {
                let leads = |columns: &[String]| columns.starts_with(&key.referred);
                let has_index = leads(&parent.primary_key)
                    || parent.indexes.iter().any(|index| leads(&index.columns));
                if has_index {
                    return Err(EngineError::unsupported(
                        "a foreign key to columns that are not unique",
                    ));
                }
                return Err(EngineError::database(
                    1822,
                    "HY000",
                    format!(
                        "Failed to add the foreign key constraint. Missing index for constraint '{}' in the referenced table '{}'",
                        key.name, key.table
                    ),
                ));
            }
            for (column, referred) in key.columns.iter().zip(&key.referred) {
                let kinds = (table.column(column), parent.column(referred));
                let alike = matches!(kinds, (Some(column), Some(referred))
                    if column.kind() == referred.kind() && (column.kind().is_text() || column.kind.name() == referred.kind.name()));
                if !alike {
                    return Err(EngineError::database(
                        3780,
                        "HY000",
                        format!(
                            "Referencing column '{column}' and referenced column '{referred}' in foreign key constraint '{}' are incompatible.",
                            key.name
                        ),
                    ));
                }
            }
        }
        let shared = Arc::new(table.clone());
        let mut checks = Vec::new();
        for check in &table.checks {
            let condition = parse::condition(&check.condition)?;
            let nothing = crate::engine::Parameters::new();
            let mut analysis = Analysis::new(
                self.catalogue,
                self.database,
                Bindings::Given(&nothing),
                false,
            );
            checks.push(analysis.check(&shared, condition)?);
        }
        rules::check(table)?;
        // A default that its column does not accept is an error right away.
        for column in &table.columns {
            if let Some(catalogue::ColumnDefault::Text(_) | catalogue::ColumnDefault::Number(_)) =
                &column.default
            {
                self.default_fits(column)?;
            }
        }
        Ok(table.statements(&checks))
    }

    fn default_fits(&self, column: &ColumnDefinition) -> EngineResult<()> {
        let nothing = crate::engine::Parameters::new();
        let mut analysis = Analysis::new(
            self.catalogue,
            self.database,
            Bindings::Given(&nothing),
            true,
        );
        let value = analysis.constant_default(column)?;
        let invalid = || {
            EngineError::database(
                1067,
                "42000",
                format!("Invalid default value for '{}'", column.name),
            )
        };
        let sqlite = rusqlite::Connection::open_in_memory().map_err(|_| invalid())?;
        crate::engine::stores::register(&sqlite).map_err(|_| invalid())?;
        crate::engine::numbers::register(&sqlite).map_err(|_| invalid())?;
        sqlite
            .query_row(&format!("SELECT {value}"), [], |_| Ok(()))
            .map_err(|_| invalid())
    }
}
