//! The operations of ALTER TABLE, one by one.

use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, Ident, MySQLColumnPosition, RenameTableNameKind,
};

use crate::engine::{
    EngineError, EngineResult,
    catalogue::TableDefinition,
    definitions::{
        changes::{DefinitionContext, cannot_drop, drop_index},
        ids::next_id,
        last_part,
    },
};

impl DefinitionContext<'_> {
    pub(crate) fn operation(
        &self,
        operation: &AlterTableOperation,
        table: &mut TableDefinition,
        kept: &mut Vec<(String, String)>,
        sequence: &mut Option<u64>,
    ) -> EngineResult<()> {
        let find = |table: &TableDefinition, name: &str| {
            table
                .columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(name))
        };
        let unknown = |table: &TableDefinition, name: &str| {
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
            AlterTableOperation::AlterColumn { column_name, op } => {
                let name = &column_name.value;
                let index = find(table, name).ok_or_else(|| unknown(table, name))?;
                let column = &mut table.columns[index];
                column.default = match op {
                    AlterColumnOperation::SetDefault { value } => {
                        Some(super::default(value, column)?)
                    }
                    AlterColumnOperation::DropDefault if column.not_null => None,
                    // From then on it has no default, not even NULL.
                    _ => {
                        return Err(EngineError::unsupported(
                            "dropping the default of a column that may be NULL",
                        ));
                    }
                };
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
                let count = |table: &TableDefinition| table.foreign_keys.len() + table.checks.len();
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
                table.name = last_part(name);
            }
            AlterTableOperation::AutoIncrement { value, .. } => {
                *sequence = Some(next_id(value)?);
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
        table: &mut TableDefinition,
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
        let mut drafted = TableDefinition {
            name: table.name.clone(),
            collation: table.collation,
            ..TableDefinition::default()
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
    table: &mut TableDefinition,
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

/// Moves a column to its position.
fn place(
    table: &mut TableDefinition,
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
