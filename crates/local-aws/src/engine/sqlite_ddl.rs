//! DDL: MySQL's definitions in SQLite's terms.
//!
//! Declared types stay MySQL's, so that results can be typed by them. What MySQL's strict mode refuses, SQLite refuses
//! by CHECK constraints; their names say which of MySQL's errors to answer with, and for which column.

use sqlparser::ast::{
    ColumnDef, ColumnOption, CreateIndex, CreateTable, Expr, ForeignKeyConstraint,
    FunctionArguments, Ident, IndexColumn, ObjectName, ObjectType, Statement, TableConstraint,
    TruncateTableTarget, Value as Literal,
};

use super::{EngineError, EngineResult, sqlite_types as types};

/// Starts the name of a CHECK for "Data too long".
pub(super) const FITS: &str = "fits:";
/// Starts the name of a CHECK for "Incorrect … value".
pub(super) const TYPE: &str = "type:";
/// Starts the name of a CHECK for "Out of range value".
pub(super) const RANGE: &str = "range:";

/// The statements that a definition takes.
pub(super) fn statements(statement: &Statement) -> EngineResult<Vec<String>> {
    match statement {
        Statement::CreateTable(table) => create_table(table),
        Statement::CreateIndex(index) => Ok(vec![create_index(index)?]),
        Statement::Drop {
            object_type: ObjectType::Table,
            if_exists,
            names,
            ..
        } => Ok(names
            .iter()
            .map(|name| format!("DROP TABLE {}{}", exists(*if_exists), quoted(&last(name))))
            .collect()),
        Statement::Drop {
            object_type: ObjectType::Index,
            if_exists,
            names,
            table: Some(table),
            ..
        } => Ok(names
            .iter()
            .map(|name| {
                format!(
                    "DROP INDEX {}{}",
                    exists(*if_exists),
                    index_name(&last(table), &last(name))
                )
            })
            .collect()),
        Statement::Truncate(truncate) => Ok(truncate
            .table_names
            .iter()
            .map(|TruncateTableTarget { name, .. }| format!("DELETE FROM {}", quoted(&last(name))))
            .collect()),
        other => Err(EngineError::unsupported(&first_words(other))),
    }
}

fn exists(if_exists: bool) -> &'static str {
    if if_exists { "IF EXISTS " } else { "" }
}

fn first_words(statement: &Statement) -> String {
    statement
        .to_string()
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// SQLite's index names are the database's, MySQL's are the table's.
fn index_name(table: &str, index: &str) -> String {
    quoted(&format!("{table}.{index}"))
}

pub(super) fn last(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map(|ident| ident.value.clone())
        .unwrap_or_default()
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quoted(name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn idents(names: &[Ident]) -> String {
    list(
        &names
            .iter()
            .map(|name| name.value.clone())
            .collect::<Vec<_>>(),
    )
}

/// The columns of an index; a prefix length or an expression has no counterpart.
fn index_columns(columns: &[IndexColumn]) -> EngineResult<Vec<String>> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(name) => Ok(name.value.clone()),
            _ => Err(EngineError::unsupported(
                "an index on a prefix or an expression",
            )),
        })
        .collect()
}

fn create_index(index: &CreateIndex) -> EngineResult<String> {
    let table = last(&index.table_name);
    let name = index
        .name
        .as_ref()
        .map(last)
        .ok_or_else(|| EngineError::unsupported("an index without a name"))?;
    index_statement(
        &table,
        &name,
        &index_columns(&index.columns)?,
        index.unique,
        index.if_not_exists,
    )
}

fn index_statement(
    table: &str,
    name: &str,
    columns: &[String],
    unique: bool,
    if_not_exists: bool,
) -> EngineResult<String> {
    let unique = if unique { "UNIQUE " } else { "" };
    let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
    Ok(format!(
        "CREATE {unique}INDEX {exists}{} ON {} ({})",
        index_name(table, name),
        quoted(table),
        list(columns)
    ))
}

/// What becomes of a table's definition on the way.
#[derive(Default)]
struct Draft {
    table: String,
    /// Columns, then constraints.
    lines: Vec<String>,
    primary_key: Vec<String>,
    /// Name, columns, unique.
    indexes: Vec<(String, Vec<String>, bool)>,
    auto_increment: Option<String>,
    foreign_keys: usize,
    checks: usize,
}

fn create_table(table: &CreateTable) -> EngineResult<Vec<String>> {
    if table.query.is_some() || table.like.is_some() || table.clone.is_some() || table.temporary {
        return Err(EngineError::unsupported(
            "CREATE TABLE … LIKE, … SELECT or TEMPORARY",
        ));
    }
    let mut draft = Draft {
        table: last(&table.name),
        ..Draft::default()
    };
    // The key is looked for first: its columns are NOT NULL even where that is not said.
    for constraint in &table.constraints {
        if let TableConstraint::PrimaryKey(key) = constraint {
            draft.primary_key = index_columns(&key.columns)?;
        }
    }
    for column in &table.columns {
        if column
            .options
            .iter()
            .any(|option| matches!(option.option, ColumnOption::PrimaryKey(_)))
        {
            draft.primary_key = vec![column.name.value.clone()];
        }
    }
    for column in &table.columns {
        draft.column(column)?;
    }
    for constraint in &table.constraints {
        draft.constraint(constraint)?;
    }
    draft.finish(table.if_not_exists)
}

impl Draft {
    fn column(&mut self, column: &ColumnDef) -> EngineResult<()> {
        let name = &column.name.value;
        let kind = types::Type::of(&column.data_type);
        let is_key = self.primary_key.iter().any(|key| key == name);
        let mut not_null = is_key;
        let mut rest = String::new();
        let mut auto_increment = false;
        for option in &column.options {
            match &option.option {
                ColumnOption::NotNull => not_null = true,
                ColumnOption::Default(expr) => {
                    rest.push_str(&format!(" DEFAULT {}", default(expr)?))
                }
                ColumnOption::Unique(_) => {
                    self.indexes.push((name.clone(), vec![name.clone()], true))
                }
                ColumnOption::DialectSpecific(tokens)
                    if tokens
                        .iter()
                        .any(|token| token.to_string().eq_ignore_ascii_case("AUTO_INCREMENT")) =>
                {
                    auto_increment = true;
                }
                ColumnOption::Check(check) => {
                    let name = check.name.as_ref().map(|name| name.value.clone());
                    let line = self.check(name, &check.expr)?;
                    rest.push(' ');
                    rest.push_str(&line);
                }
                // MySQL reads an inline REFERENCES and ignores it; the rest has no meaning here.
                ColumnOption::Null
                | ColumnOption::PrimaryKey(_)
                | ColumnOption::ForeignKey(_)
                | ColumnOption::Comment(_)
                | ColumnOption::CharacterSet(_)
                | ColumnOption::Collation(_) => {}
                other => return Err(EngineError::unsupported(&other.to_string())),
            }
        }
        if auto_increment {
            if self.primary_key != [name.clone()] {
                return Err(EngineError::unsupported(
                    "AUTO_INCREMENT other than on a primary key of one column",
                ));
            }
            self.auto_increment = Some(name.clone());
            self.lines.push(format!(
                "{} INTEGER /* {} */ PRIMARY KEY AUTOINCREMENT",
                quoted(name),
                kind.declaration()
            ));
            return Ok(());
        }
        let mut line = format!("{} {}", quoted(name), kind.declaration());
        if not_null {
            line.push_str(" NOT NULL");
        }
        line.push_str(&rest);
        for (prefix, condition) in kind.checks(&quoted(name)) {
            line.push_str(&format!(
                " CONSTRAINT {} CHECK ({condition})",
                quoted(&format!("{prefix}{name}"))
            ));
        }
        self.lines.push(line);
        Ok(())
    }

    fn check(&mut self, name: Option<String>, expr: &Expr) -> EngineResult<String> {
        self.checks += 1;
        let name = name.unwrap_or_else(|| format!("{}_chk_{}", self.table, self.checks));
        let text = expr.to_string();
        // A literal in double quotes is a string to MySQL only, and one with a backslash reads differently.
        if text.contains(['"', '\\']) {
            return Err(EngineError::unsupported("this CHECK"));
        }
        Ok(format!("CONSTRAINT {} CHECK ({text})", quoted(&name)))
    }

    fn constraint(&mut self, constraint: &TableConstraint) -> EngineResult<()> {
        match constraint {
            TableConstraint::PrimaryKey(_) | TableConstraint::FulltextOrSpatial(_) => {}
            TableConstraint::Unique(unique) => {
                let columns = index_columns(&unique.columns)?;
                let name = unique.index_name.as_ref().or(unique.name.as_ref());
                self.index(name, columns, true);
            }
            TableConstraint::Index(index) => {
                let columns = index_columns(&index.columns)?;
                self.index(index.name.as_ref(), columns, false);
            }
            TableConstraint::ForeignKey(key) => {
                let line = self.foreign_key(key);
                self.lines.push(line);
            }
            TableConstraint::Check(check) => {
                let line = self.check(
                    check.name.as_ref().map(|name| name.value.clone()),
                    &check.expr,
                )?;
                self.lines.push(line);
            }
            _ => return Err(EngineError::unsupported(&constraint.to_string())),
        }
        Ok(())
    }

    /// An index without a name has that of its first column, as in MySQL.
    fn index(&mut self, name: Option<&Ident>, columns: Vec<String>, unique: bool) {
        let name = name
            .map(|name| name.value.clone())
            .or_else(|| columns.first().cloned())
            .unwrap_or_default();
        self.indexes.push((name, columns, unique));
    }

    fn foreign_key(&mut self, key: &ForeignKeyConstraint) -> String {
        self.foreign_keys += 1;
        let name = key.name.as_ref().map_or_else(
            || format!("{}_ibfk_{}", self.table, self.foreign_keys),
            |name| name.value.clone(),
        );
        let mut line = format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
            quoted(&name),
            idents(&key.columns),
            quoted(&last(&key.foreign_table)),
            idents(&key.referred_columns)
        );
        if let Some(action) = &key.on_delete {
            line.push_str(&format!(" ON DELETE {action}"));
        }
        if let Some(action) = &key.on_update {
            line.push_str(&format!(" ON UPDATE {action}"));
        }
        line
    }

    fn finish(mut self, if_not_exists: bool) -> EngineResult<Vec<String>> {
        // A table by its primary key, as InnoDB has it; AUTO_INCREMENT is SQLite's row id.
        let clustered = !self.primary_key.is_empty() && self.auto_increment.is_none();
        if clustered {
            // After the columns and before the other constraints would read better, and any order does.
            self.lines
                .push(format!("PRIMARY KEY ({})", list(&self.primary_key)));
        }
        let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
        let without = if clustered { " WITHOUT ROWID" } else { "" };
        let mut statements = vec![format!(
            "CREATE TABLE {exists}{} ({}){without}",
            quoted(&self.table),
            self.lines.join(", ")
        )];
        for (name, columns, unique) in &self.indexes {
            statements.push(index_statement(
                &self.table,
                name,
                columns,
                *unique,
                if_not_exists,
            )?);
        }
        Ok(statements)
    }
}

fn default(expr: &Expr) -> EngineResult<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text) => {
                Ok(types::literal(text))
            }
            Literal::Null | Literal::Number(..) | Literal::Boolean(_) => {
                Ok(value.value.to_string())
            }
            _ => Err(EngineError::unsupported("this DEFAULT")),
        },
        Expr::UnaryOp { .. } => Ok(expr.to_string()),
        Expr::Function(function)
            if matches!(
                last(&function.name).to_ascii_lowercase().as_str(),
                "current_timestamp" | "now" | "localtimestamp"
            ) && !matches!(&function.args, FunctionArguments::List(list) if !list.args.is_empty()) =>
        {
            Ok("CURRENT_TIMESTAMP".into())
        }
        _ => Err(EngineError::unsupported("a DEFAULT that is an expression")),
    }
}
