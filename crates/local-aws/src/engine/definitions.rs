//! Definitions: from MySQL's syntax tree to a table, and from a table to SQLite's statements and MySQL's text.

pub(crate) mod alterations;
pub(crate) mod changes;
mod ids;
pub(crate) mod operations;
pub(crate) mod rules;
pub(crate) mod texts;

use sqlparser::ast::{
    ColumnDef, ColumnOption, CreateTable, CreateTableOptions, Expr, ForeignKeyConstraint, Ident,
    IndexColumn, ObjectName, SqlOption, TableConstraint, UnaryOperator, Value as Literal,
};

use crate::engine::{
    EngineError, EngineResult,
    catalogue::{
        CheckConstraint, ColumnDefault, ColumnDefinition, ForeignKey, IndexDefinition,
        TableDefinition,
    },
    charsets,
    column_types::ColumnType,
    kinds::Collation,
    sqlite::syntax::last_ident,
};

/// A name in backticks.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// SQLite's index names are per database, MySQL's are per table.
pub(crate) fn index_name(table: &str, index: &str) -> String {
    quoted(&format!("{table}.{index}"))
}

pub(crate) fn last_part(name: &ObjectName) -> String {
    last_ident(name)
        .map(|ident| ident.value.clone())
        .unwrap_or_default()
}

pub(crate) fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    quoted.join(", ")
}

/// The columns of an index; prefix lengths and expressions are not supported.
pub(crate) fn index_columns(columns: &[IndexColumn]) -> EngineResult<Vec<String>> {
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

impl TableDefinition {
    /// Reads a definition.
    pub(crate) fn read(tree: &CreateTable) -> EngineResult<Self> {
        if tree.query.is_some() || tree.like.is_some() || tree.clone.is_some() || tree.temporary {
            return Err(EngineError::unsupported(
                "CREATE TABLE … LIKE, … SELECT or TEMPORARY",
            ));
        }
        let mut table = Self {
            name: last_part(&tree.name),
            ..Self::default()
        };
        table.options(&tree.table_options)?;
        for column in &tree.columns {
            table.add_column(column)?;
        }
        for constraint in &tree.constraints {
            table.constraint(constraint)?;
        }
        table.finish()?;
        Ok(table)
    }

    fn options(&mut self, options: &CreateTableOptions) -> EngineResult<()> {
        let CreateTableOptions::Plain(options) = options else {
            return Ok(());
        };
        for option in options {
            match option {
                SqlOption::KeyValue { key, value } => {
                    let name = value.to_string();
                    match key.value.to_ascii_uppercase().as_str() {
                        "COLLATE" | "DEFAULT COLLATE" => {
                            self.collation = Some(charsets::collation(&name)?);
                        }
                        "CHARSET"
                        | "CHARACTER SET"
                        | "DEFAULT CHARSET"
                        | "DEFAULT CHARACTER SET" => charsets::charset(&name)?,
                        "ENGINE" => charsets::engine(&name)?,
                        "AUTO_INCREMENT" | "ROW_FORMAT" => {}
                        other => {
                            return Err(EngineError::unsupported(&format!("the option {other}")));
                        }
                    }
                }
                SqlOption::Comment(comment) => {
                    let text = comment.to_string();
                    let text = text.trim_start_matches(['=', ' ']);
                    let text = text.strip_prefix("COMMENT").unwrap_or(text);
                    let text = text.trim_start_matches(['=', ' ']);
                    self.comment = Some(text.trim_matches('\'').replace("''", "'"));
                }
                SqlOption::NamedParenthesizedList(list)
                    if list.key.value.eq_ignore_ascii_case("ENGINE") =>
                {
                    charsets::engine(list.name.as_ref().map_or("", |name| &name.value))?;
                }
                other => {
                    return Err(EngineError::unsupported(&format!(
                        "the table's option {other}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Reads a column, including its key options, and adds it at the end.
    pub(crate) fn add_column(&mut self, tree: &ColumnDef) -> EngineResult<()> {
        let name = tree.name.value.clone();
        if self.column(&name).is_some() {
            return Err(EngineError::database(
                1060,
                "42S21",
                format!("Duplicate column name '{name}'"),
            ));
        }
        let declared = tree.data_type.to_string();
        let serial = declared.eq_ignore_ascii_case("SERIAL");
        let kind = ColumnType::parse(if serial { "BIGINT UNSIGNED" } else { &declared });
        kind.check_supported()?;
        let mut column = ColumnDefinition {
            name: name.clone(),
            not_null: serial,
            auto_increment: serial,
            default: None,
            on_update: false,
            collation: self.collation.unwrap_or(Collation::Default),
            comment: None,
            kind,
        };
        let (mut is_key, mut is_unique) = (false, serial);
        for option in &tree.options {
            match &option.option {
                ColumnOption::NotNull => column.not_null = true,
                ColumnOption::Null => {}
                ColumnOption::Default(expr) => column.default = Some(default(expr, &column)?),
                ColumnOption::OnUpdate(expr) => {
                    now(expr, &column).ok_or_else(|| EngineError::unsupported("this ON UPDATE"))?;
                    column.on_update = true;
                }
                ColumnOption::PrimaryKey(_) => is_key = true,
                ColumnOption::Unique(_) => is_unique = true,
                ColumnOption::DialectSpecific(tokens)
                    if tokens
                        .iter()
                        .any(|token| token.to_string().eq_ignore_ascii_case("AUTO_INCREMENT")) =>
                {
                    column.auto_increment = true;
                }
                ColumnOption::Check(check) => {
                    let name = check.name.as_ref().map(|name| name.value.clone());
                    self.check(name, &check.expr);
                }
                // MySQL reads an inline REFERENCES and ignores it.
                ColumnOption::ForeignKey(_) => {}
                ColumnOption::Comment(text) => column.comment = Some(text.clone()),
                ColumnOption::CharacterSet(name) => {
                    charsets::charset(&last_part(name))?;
                    column.collation = Collation::Default;
                }
                ColumnOption::Collation(name) => {
                    column.collation = charsets::collation(&last_part(name))?;
                }
                other => return Err(EngineError::unsupported(&other.to_string())),
            }
        }
        self.columns.push(column);
        if is_key {
            self.only_primary_key()?;
            self.primary_key = vec![name.clone()];
        }
        if is_unique && !is_key {
            self.index(None, vec![name], true);
        }
        Ok(())
    }

    fn only_primary_key(&self) -> EngineResult<()> {
        if self.primary_key.is_empty() {
            return Ok(());
        }
        Err(EngineError::database(
            1068,
            "42000",
            "Multiple primary key defined",
        ))
    }

    fn check(&mut self, name: Option<String>, condition: &Expr) {
        let number = self.checks.len() + 1;
        self.checks.push(CheckConstraint {
            name: name.unwrap_or_else(|| format!("{}_chk_{number}", self.name)),
            condition: condition.to_string(),
        });
    }

    /// Reads a constraint and adds it.
    pub(crate) fn constraint(&mut self, constraint: &TableConstraint) -> EngineResult<()> {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                self.only_primary_key()?;
                self.primary_key = index_columns(&key.columns)?;
            }
            TableConstraint::Unique(unique) => {
                let name = unique.index_name.as_ref().or(unique.name.as_ref());
                self.index(name, index_columns(&unique.columns)?, true);
            }
            TableConstraint::Index(index) => {
                self.index(index.name.as_ref(), index_columns(&index.columns)?, false);
            }
            TableConstraint::ForeignKey(key) => self.foreign_key(key)?,
            TableConstraint::Check(check) => {
                let name = check.name.as_ref().map(|name| name.value.clone());
                self.check(name, &check.expr);
            }
            TableConstraint::FulltextOrSpatial(_) => {
                return Err(EngineError::unsupported("FULLTEXT and SPATIAL"));
            }
            _ => return Err(EngineError::unsupported(&constraint.to_string())),
        }
        Ok(())
    }

    /// Adds an index. Without a name it gets that of its first column, with a number if that is taken, as in MySQL.
    pub(crate) fn index(&mut self, name: Option<&Ident>, columns: Vec<String>, unique: bool) {
        let first = columns.first().cloned().unwrap_or_default();
        let taken = |name: &str| self.indexes.iter().any(|index| index.name == name);
        let name = name.map(|name| name.value.clone()).unwrap_or_else(|| {
            let numbered = (2..).map(|number| format!("{first}_{number}"));
            std::iter::once(first.clone())
                .chain(numbered)
                .find(|name| !taken(name))
                .unwrap_or_default()
        });
        self.indexes.push(IndexDefinition {
            name,
            columns,
            unique,
        });
    }

    fn foreign_key(&mut self, key: &ForeignKeyConstraint) -> EngineResult<()> {
        let values = |names: &[Ident]| names.iter().map(|name| name.value.clone()).collect();
        let number = self.foreign_keys.len() + 1;
        let name = key.name.as_ref().map(|name| name.value.clone());
        let action = |action: &Option<sqlparser::ast::ReferentialAction>| {
            let action = action.as_ref().map(ToString::to_string);
            match action.as_deref() {
                Some("SET DEFAULT") => Err(EngineError::unsupported("SET DEFAULT")),
                _ => Ok(action),
            }
        };
        self.foreign_keys.push(ForeignKey {
            name: name.unwrap_or_else(|| format!("{}_ibfk_{number}", self.name)),
            columns: values(&key.columns),
            table: last_part(&key.foreign_table),
            referred: values(&key.referred_columns),
            on_delete: action(&key.on_delete)?,
            on_update: action(&key.on_update)?,
        });
        Ok(())
    }

    /// Applies what follows from the whole definition: key columns are never NULL, and each foreign key has an index.
    pub(crate) fn finish(&mut self) -> EngineResult<()> {
        let missing = |name: &str| {
            EngineError::database(
                1072,
                "42000",
                format!("Key column '{name}' doesn't exist in table"),
            )
        };
        let all = self.indexes.iter().flat_map(|index| &index.columns);
        let keys = self.foreign_keys.iter().flat_map(|key| &key.columns);
        for name in self.primary_key.iter().chain(all).chain(keys) {
            if self.column(name).is_none() {
                return Err(missing(name));
            }
        }
        for index in 0..self.columns.len() {
            if self.is_key(&self.columns[index].name) {
                self.columns[index].not_null = true;
                self.columns[index]
                    .default
                    .take_if(|default| *default == ColumnDefault::Null);
            }
        }
        let text = |column: &ColumnDefinition| {
            matches!(
                column.kind.name(),
                "JSON" | "TEXT" | "TINYTEXT" | "MEDIUMTEXT" | "LONGTEXT"
            ) || column.kind.name().ends_with("BLOB")
        };
        for column in &self.columns {
            let indexed = self.is_key(&column.name)
                || self
                    .indexes
                    .iter()
                    .any(|index| index.columns.contains(&column.name));
            if text(column) && indexed {
                let message = format!(
                    "BLOB/TEXT column '{}' used in key specification without a key length",
                    column.name
                );
                return Err(EngineError::database(1170, "42000", message));
            }
        }
        for key in self.foreign_keys.clone() {
            let has_index = |columns: &[String]| columns.starts_with(&key.columns);
            if !has_index(&self.primary_key)
                && !self.indexes.iter().any(|index| has_index(&index.columns))
            {
                self.index(Some(&Ident::new(&key.name)), key.columns, false);
            }
        }
        if let Some(column) = self.auto_increment() {
            let name = column.name.clone();
            let only = [name.clone()];
            let unique = self
                .indexes
                .iter()
                .any(|index| index.unique && index.columns == only);
            if self.primary_key != only && !(self.primary_key.is_empty() && unique) {
                return Err(EngineError::unsupported(
                    "AUTO_INCREMENT other than on a key of one column",
                ));
            }
        }
        Ok(())
    }
}

/// The column's CURRENT_TIMESTAMP, if the expression is one.
fn now(expr: &Expr, column: &ColumnDefinition) -> Option<ColumnDefault> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = last_part(&function.name).to_ascii_lowercase();
    let is_clock = matches!(
        name.as_str(),
        "current_timestamp" | "now" | "localtimestamp" | "localtime"
    );
    let digits = function.args.to_string();
    let digits = digits.trim_matches(['(', ')']);
    let digits = if digits.is_empty() { "0" } else { digits };
    let takes = matches!(column.kind.name(), "DATETIME" | "TIMESTAMP");
    (is_clock && takes && digits == column.kind.digits().to_string()).then_some(ColumnDefault::Now)
}

fn default(expr: &Expr, column: &ColumnDefinition) -> EngineResult<ColumnDefault> {
    if let Some(now) = now(expr, column) {
        return Ok(now);
    }
    match expr {
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text) => {
                Ok(ColumnDefault::Text(text.clone()))
            }
            Literal::Null => Ok(ColumnDefault::Null),
            Literal::Number(text, _) => Ok(ColumnDefault::Number(text.clone())),
            Literal::Boolean(value) => Ok(ColumnDefault::Number(u8::from(*value).to_string())),
            _ => Err(EngineError::unsupported("this DEFAULT")),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match default(expr, column)? {
            ColumnDefault::Number(number) => Ok(ColumnDefault::Number(format!("-{number}"))),
            _ => Err(EngineError::unsupported("this DEFAULT")),
        },
        _ => Err(EngineError::unsupported("a DEFAULT that is an expression")),
    }
}
