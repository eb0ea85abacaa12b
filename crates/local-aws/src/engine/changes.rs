//! Definitions as statements of SQLite's: CREATE, DROP, TRUNCATE and ALTER.

use std::sync::Arc;

use sqlparser::ast::{
    AlterTable, AlterTableOperation, CreateIndex, Ident, MySQLColumnPosition, ObjectType,
    RenameTableNameKind, Statement,
};

use super::{
    EngineError, EngineResult,
    analysis::{Analysis, Bindings},
    catalogue::{self, Catalogue, Column, Table},
    column_types::literal,
    definitions::{index_columns, index_name, last, list, quoted},
    plans::Plan,
    sqlite_parse as parse,
};

/// Plans a definition.
pub(super) fn plan(
    statement: &Statement,
    catalogue: &Catalogue,
    database: &str,
) -> EngineResult<Plan> {
    let context = Context {
        catalogue,
        database,
    };
    match statement {
        Statement::CreateTable(tree) => {
            context.own(&tree.name)?;
            let name = last(&tree.name);
            if name.to_ascii_lowercase().starts_with("sqlite_")
                || name.to_ascii_lowercase() == catalogue::TABLE
            {
                return Err(EngineError::unsupported("a table of this name"));
            }
            if catalogue.table(&name).is_some() {
                return if tree.if_not_exists {
                    Ok(Plan::nothing())
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
            let table = Table::read(tree)?;
            Ok(Plan::definition(context.create(&table)?, false))
        }
        Statement::CreateIndex(tree) => {
            context.own(&tree.table_name)?;
            let mut table = context.table(&last(&tree.table_name))?;
            Ok(Plan::definition(create_index(&mut table, tree)?, false))
        }
        Statement::Drop {
            object_type: ObjectType::Table,
            if_exists,
            names,
            ..
        } => {
            let mut sql = Vec::new();
            let dropped: Vec<String> = names.iter().map(last).collect();
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
            Ok(Plan::definition(sql, true))
        }
        Statement::Drop {
            object_type: ObjectType::Index,
            if_exists: false,
            names,
            table: Some(table),
            ..
        } => {
            let mut table = context.table(&last(table))?;
            let mut sql = Vec::new();
            for name in names {
                sql.push(drop_index(&mut table, &last(name))?);
            }
            sql.push(table.kept());
            Ok(Plan::definition(sql, false))
        }
        Statement::Truncate(tree) => {
            let mut sql = Vec::new();
            for target in &tree.table_names {
                context.own(&target.name)?;
                let table = context.table(&last(&target.name))?;
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
            Ok(Plan::definition(sql, false))
        }
        Statement::AlterTable(tree) => {
            context.own(&tree.name)?;
            context.alter(tree)
        }
        other => Err(parse::not_run(other)),
    }
}

fn exists(name: &str) -> EngineError {
    EngineError::database(1050, "42S01", format!("Table '{name}' already exists"))
}

fn forgotten(name: &str) -> String {
    format!(
        "DELETE FROM {} WHERE name = {}",
        catalogue::TABLE,
        literal(name)
    )
}

fn create_index(table: &mut Table, tree: &CreateIndex) -> EngineResult<Vec<String>> {
    let name = tree
        .name
        .as_ref()
        .map(last)
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
    let index = table
        .indexes
        .last()
        .map(|index| index.statement(&table.name));
    Ok(index.into_iter().chain([table.kept()]).collect())
}

fn drop_index(table: &mut Table, name: &str) -> EngineResult<String> {
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

fn cannot_drop(name: &str) -> EngineError {
    EngineError::database(
        1091,
        "42000",
        format!("Can't DROP '{name}'; check that column/key exists"),
    )
}

struct Context<'a> {
    catalogue: &'a Catalogue,
    database: &'a str,
}

impl Context<'_> {
    /// Refuses a table of another database.
    fn own(&self, name: &sqlparser::ast::ObjectName) -> EngineResult<()> {
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

    fn table(&self, name: &str) -> EngineResult<Table> {
        match self.catalogue.table(name) {
            Some(table) => Ok(Table::clone(table)),
            None => Err(self.catalogue.missing(self.database, name)),
        }
    }

    /// A table, other than these, with a foreign key to one; and the key's name.
    fn referrer(&self, name: &str, others: &[String]) -> Option<(String, String)> {
        self.catalogue
            .tables
            .values()
            .filter(|table| !others.contains(&table.name))
            .find_map(|table| {
                let key = table.foreign_keys.iter().find(|key| key.table == name)?;
                Some((table.name.clone(), key.name.clone()))
            })
    }

    /// The statements that make a table, once all that it names is there.
    fn create(&self, table: &Table) -> EngineResult<Vec<String>> {
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
            let nothing = super::Parameters::new();
            let mut analysis = Analysis::new(
                self.catalogue,
                self.database,
                Bindings::Given(&nothing),
                false,
            );
            checks.push(analysis.check(&shared, condition)?);
        }
        // A default that its column does not take is an error now.
        for column in &table.columns {
            if let Some(catalogue::Default::Text(_) | catalogue::Default::Number(_)) =
                &column.default
            {
                self.default_fits(column)?;
            }
        }
        Ok(table.statements(&checks))
    }

    fn default_fits(&self, column: &Column) -> EngineResult<()> {
        let nothing = super::Parameters::new();
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
        super::stores::register(&sqlite).map_err(|_| invalid())?;
        super::numbers::register(&sqlite).map_err(|_| invalid())?;
        sqlite
            .query_row(&format!("SELECT {value}"), [], |_| Ok(()))
            .map_err(|_| invalid())
    }

    fn alter(&self, tree: &AlterTable) -> EngineResult<Plan> {
        let before = self.table(&last(&tree.name))?;
        let mut after = before.clone();
        // For each column that stays, its name before.
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
            sql = self.rebuilt(&before, &after, &kept)?;
        }
        if let Some(next) = sequence {
            if after.auto_increment().is_none() {
                return Err(EngineError::unsupported(
                    "AUTO_INCREMENT of a table without such a column",
                ));
            }
            let name = literal(&after.name);
            let least = quoted(
                &after
                    .auto_increment()
                    .map(|column| column.name.clone())
                    .unwrap_or_default(),
            );
            sql.push(format!("DELETE FROM sqlite_sequence WHERE name = {name}"));
            sql.push(format!(
                "INSERT INTO sqlite_sequence (name, seq) SELECT {name}, max({next} - 1, coalesce((SELECT max({least}) FROM {}), 0))",
                quoted(&after.name)
            ));
        }
        Ok(Plan::definition(sql, true))
    }

    /// The statements that make a table anew, with its rows.
    fn rebuilt(
        &self,
        before: &Table,
        after: &Table,
        kept: &[(String, String)],
    ) -> EngineResult<Vec<String>> {
        // SQLite would follow the old table's name into the keys that refer to it.
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
        let nothing = super::Parameters::new();
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

    fn operation(
        &self,
        operation: &AlterTableOperation,
        table: &mut Table,
        kept: &mut Vec<(String, String)>,
        sequence: &mut Option<u64>,
    ) -> EngineResult<()> {
        let find = |table: &Table, name: &str| {
            table
                .columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(name))
        };
        let unknown = |table: &Table, name: &str| {
            EngineError::database(
                1054,
                "42S22",
                format!("Unknown column '{name}' in '{}'", table.name),
            )
        };
        match operation {
            AlterTableOperation::AddColumn {
                if_not_exists: false,
                column_def,
                column_position,
                ..
            } => {
                table.add_column(column_def)?;
                place(table, table.columns.len() - 1, column_position.as_ref())?;
                let name = &column_def.name.value;
                kept.retain(|(now, _)| !now.eq_ignore_ascii_case(name));
            }
            AlterTableOperation::DropColumn {
                column_names,
                if_exists: false,
                ..
            } => {
                for name in column_names {
                    let name = &name.value;
                    let index = find(table, name).ok_or_else(|| cannot_drop(name))?;
                    let column = table.columns.remove(index).name;
                    if table
                        .foreign_keys
                        .iter()
                        .any(|key| key.columns.contains(&column))
                        || table
                            .checks
                            .iter()
                            .any(|check| check.condition.contains(&column))
                        || table.is_key(&column)
                    {
                        return Err(EngineError::unsupported(
                            "dropping a column that a key or a CHECK names",
                        ));
                    }
                    for index in &mut table.indexes {
                        index.columns.retain(|other| *other != column);
                    }
                    table.indexes.retain(|index| !index.columns.is_empty());
                    kept.retain(|(now, _)| *now != column);
                }
            }
            AlterTableOperation::ModifyColumn {
                col_name,
                data_type,
                options,
                column_position,
            } => self.redefine(
                table,
                kept,
                col_name,
                col_name,
                data_type,
                options,
                column_position.as_ref(),
            )?,
            AlterTableOperation::ChangeColumn {
                old_name,
                new_name,
                data_type,
                options,
                column_position,
            } => self.redefine(
                table,
                kept,
                old_name,
                new_name,
                data_type,
                options,
                column_position.as_ref(),
            )?,
            AlterTableOperation::RenameColumn {
                old_column_name,
                new_column_name,
            } => {
                let index = find(table, &old_column_name.value)
                    .ok_or_else(|| unknown(table, &old_column_name.value))?;
                rename(table, kept, index, &new_column_name.value)?;
            }
            AlterTableOperation::AddConstraint { constraint, .. } => {
                table.constraint(constraint)?
            }
            AlterTableOperation::DropIndex { name } => {
                drop_index(table, &name.value)?;
            }
            AlterTableOperation::DropForeignKey { name, .. } => {
                let before = table.foreign_keys.len();
                table
                    .foreign_keys
                    .retain(|key| !key.name.eq_ignore_ascii_case(&name.value));
                if table.foreign_keys.len() == before {
                    return Err(cannot_drop(&name.value));
                }
            }
            AlterTableOperation::DropConstraint {
                name,
                if_exists: false,
                ..
            } => {
                let count = |table: &Table| table.foreign_keys.len() + table.checks.len();
                let before = count(table);
                table
                    .foreign_keys
                    .retain(|key| !key.name.eq_ignore_ascii_case(&name.value));
                table
                    .checks
                    .retain(|check| !check.name.eq_ignore_ascii_case(&name.value));
                if count(table) == before {
                    return Err(EngineError::unsupported("dropping this constraint"));
                }
            }
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::To(name) | RenameTableNameKind::As(name),
            } => {
                self.own(name)?;
                table.name = last(name);
            }
            AlterTableOperation::AutoIncrement { value, .. } => {
                *sequence = value.to_string().parse().ok();
                if sequence.is_none_or(|next| next == 0) {
                    return Err(EngineError::unsupported("this AUTO_INCREMENT"));
                }
            }
            other => {
                return Err(EngineError::unsupported(&format!("ALTER TABLE … {other}")));
            }
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of MySQL's clause"
    )]
    fn redefine(
        &self,
        table: &mut Table,
        kept: &mut [(String, String)],
        old: &Ident,
        new: &Ident,
        data_type: &sqlparser::ast::DataType,
        options: &[sqlparser::ast::ColumnOption],
        position: Option<&MySQLColumnPosition>,
    ) -> EngineResult<()> {
        let Some(index) = table
            .columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(&old.value))
        else {
            return Err(EngineError::database(
                1054,
                "42S22",
                format!("Unknown column '{}' in '{}'", old.value, table.name),
            ));
        };
        let definition = sqlparser::ast::ColumnDef {
            name: Ident::new(" "),
            data_type: data_type.clone(),
            options: options
                .iter()
                .map(|option| sqlparser::ast::ColumnOptionDef {
                    name: None,
                    option: option.clone(),
                })
                .collect(),
        };
        let mut drafted = Table {
            name: table.name.clone(),
            collation: table.collation,
            ..Table::default()
        };
        drafted.add_column(&definition)?;
        if !drafted.primary_key.is_empty()
            || !drafted.indexes.is_empty()
            || !drafted.checks.is_empty()
        {
            return Err(EngineError::unsupported(
                "a key in a column's new definition",
            ));
        }
        let Some(mut column) = drafted.columns.pop() else {
            return Err(EngineError::Internal("no column".into()));
        };
        column.name.clone_from(&table.columns[index].name);
        table.columns[index] = column;
        if !old.value.eq_ignore_ascii_case(&new.value) {
            rename(table, kept, index, &new.value)?;
        }
        place(table, index, position)
    }
}

fn rename(
    table: &mut Table,
    kept: &mut [(String, String)],
    index: usize,
    new: &str,
) -> EngineResult<()> {
    let old = table.columns[index].name.clone();
    if table.column(new).is_some() && !old.eq_ignore_ascii_case(new) {
        return Err(EngineError::database(
            1060,
            "42S21",
            format!("Duplicate column name '{new}'"),
        ));
    }
    if table
        .checks
        .iter()
        .any(|check| check.condition.contains(&old))
    {
        return Err(EngineError::unsupported(
            "renaming a column that a CHECK names",
        ));
    }
    table.columns[index].name = new.to_owned();
    let lists = table
        .indexes
        .iter_mut()
        .map(|index| &mut index.columns)
        .chain(table.foreign_keys.iter_mut().map(|key| &mut key.columns))
        .chain([&mut table.primary_key]);
    for name in lists.flatten().filter(|name| **name == old) {
        *name = new.to_owned();
    }
    for pair in kept.iter_mut().filter(|pair| pair.0 == old) {
        pair.0 = new.to_owned();
    }
    Ok(())
}

/// Moves a column to its place.
fn place(
    table: &mut Table,
    index: usize,
    position: Option<&MySQLColumnPosition>,
) -> EngineResult<()> {
    let column = match position {
        None => return Ok(()),
        Some(_) => table.columns.remove(index),
    };
    let at = match position {
        Some(MySQLColumnPosition::After(name)) => {
            let after = table
                .columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(&name.value));
            after.map(|after| after + 1).ok_or_else(|| {
                EngineError::database(
                    1054,
                    "42S22",
                    format!("Unknown column '{}' in '{}'", name.value, table.name),
                )
            })?
        }
        _ => 0,
    };
    table.columns.insert(at, column);
    Ok(())
}
