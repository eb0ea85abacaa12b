//! A table's definition as SQLite statements and as MySQL's text.

use crate::engine::{
    catalogue::{
        self, ColumnDefault, ColumnDefinition, ForeignKey, IndexDefinition, TableDefinition,
    },
    charsets, collation,
    column_types::literal,
    definitions::{index_name, list, quoted},
    kinds::{Collation, ValueKind},
};

impl TableDefinition {
    /// The statements that create it in SQLite; `checks` are the conditions of its CHECKs in SQLite's dialect.
    pub(crate) fn statements(&self, checks: &[String]) -> Vec<String> {
        let mut lines: Vec<String> = self.columns.iter().map(sqlite_column).collect();
        for (check, condition) in self.checks.iter().zip(checks) {
            lines.push(format!(
                "CONSTRAINT {} CHECK ({condition})",
                quoted(&check.name)
            ));
        }
        lines.extend(self.foreign_keys.iter().map(ForeignKey::text));
        // The table is clustered by its primary key, as in InnoDB; an AUTO_INCREMENT column is SQLite's row id instead.
        let clustered = !self.primary_key.is_empty() && self.auto_increment().is_none();
        let mut without = "";
        if clustered {
            lines.push(format!("PRIMARY KEY ({})", list(&self.primary_key)));
            without = " WITHOUT ROWID";
        }
        let mut statements = vec![format!(
            "CREATE TABLE {} ({}){without}",
            quoted(&self.name),
            lines.join(", ")
        )];
        statements.extend(self.indexes.iter().map(|index| index.statement(&self.name)));
        statements.push(self.kept());
        statements
    }

    /// The statement that stores its definition.
    pub(crate) fn kept(&self) -> String {
        format!(
            "INSERT OR REPLACE INTO {} VALUES ({}, {})",
            catalogue::TABLE,
            literal(&self.name),
            literal(&self.text())
        )
    }

    /// The text that SHOW CREATE TABLE gives.
    pub(crate) fn text(&self) -> String {
        let mut lines: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.text(self.collation.unwrap_or(Collation::Default)))
            .collect();
        if !self.primary_key.is_empty() {
            lines.push(format!("PRIMARY KEY ({})", compact(&self.primary_key)));
        }
        for index in &self.indexes {
            let unique = if index.unique { "UNIQUE " } else { "" };
            lines.push(format!(
                "{unique}KEY {} ({})",
                quoted(&index.name),
                compact(&index.columns)
            ));
        }
        lines.extend(self.foreign_keys.iter().map(ForeignKey::text));
        for check in &self.checks {
            lines.push(format!(
                "CONSTRAINT {} CHECK ({})",
                quoted(&check.name),
                check.condition
            ));
        }
        let comment = self.comment.as_ref().map_or_else(String::new, |comment| {
            format!(" COMMENT={}", escaped(comment))
        });
        format!(
            "CREATE TABLE {} (\n  {}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={}{comment}",
            quoted(&self.name),
            lines.join(",\n  "),
            charsets::name(self.collation.unwrap_or(Collation::Default)),
        )
    }
}

fn compact(names: &[String]) -> String {
    list(names).replace(", ", ",")
}

/// A text as a MySQL literal.
fn escaped(text: &str) -> String {
    literal(&text.replace('\\', "\\\\"))
}

fn sqlite_column(column: &ColumnDefinition) -> String {
    if column.auto_increment {
        return format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", quoted(&column.name));
    }
    let mut line = format!("{} {}", quoted(&column.name), column.kind.declaration());
    if let ValueKind::Text { collation: of, .. } = column.kind() {
        line.push_str(&format!(" COLLATE {}", collation::name(of)));
    }
    if column.not_null {
        line.push_str(" NOT NULL");
    }
    line
}

impl ColumnDefinition {
    fn text(&self, of_table: Collation) -> String {
        let mut line = format!("{} {}", quoted(&self.name), self.kind.text());
        if self.kind().is_text() && self.collation != of_table {
            line.push_str(&format!(
                " CHARACTER SET utf8mb4 COLLATE {}",
                charsets::name(self.collation)
            ));
        }
        if self.not_null {
            line.push_str(" NOT NULL");
        } else if self.kind.name() == "TIMESTAMP" {
            line.push_str(" NULL");
        }
        if let Some(default) = self.default_text() {
            line.push_str(&format!(" DEFAULT {default}"));
        }
        if self.on_update {
            line.push_str(&format!(" ON UPDATE {}", self.now()));
        }
        if self.auto_increment {
            line.push_str(" AUTO_INCREMENT");
        }
        if let Some(comment) = &self.comment {
            line.push_str(&format!(" COMMENT {}", escaped(comment)));
        }
        line
    }

    /// `CURRENT_TIMESTAMP`, with the column's digits.
    pub(crate) fn now(&self) -> String {
        match self.kind.digits() {
            0 => "CURRENT_TIMESTAMP".into(),
            digits => format!("CURRENT_TIMESTAMP({digits})"),
        }
    }

    fn default_text(&self) -> Option<String> {
        Some(match &self.default {
            None if self.not_null => return None,
            // TEXT and BLOB columns do not show one.
            None if self.kind.name().ends_with("TEXT") || self.kind.name().ends_with("BLOB") => {
                return None;
            }
            None | Some(ColumnDefault::Null) => "NULL".into(),
            Some(ColumnDefault::Text(text)) => escaped(text),
            Some(ColumnDefault::Number(number)) => literal(number),
            Some(ColumnDefault::Now) => self.now(),
        })
    }
}

impl ForeignKey {
    pub(crate) fn text(&self) -> String {
        let mut line = format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
            quoted(&self.name),
            list(&self.columns),
            quoted(&self.table),
            list(&self.referred)
        );
        if let Some(action) = &self.on_delete {
            line.push_str(&format!(" ON DELETE {action}"));
        }
        if let Some(action) = &self.on_update {
            line.push_str(&format!(" ON UPDATE {action}"));
        }
        line
    }
}

impl IndexDefinition {
    /// The statement that creates it.
    pub(crate) fn statement(&self, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        format!(
            "CREATE {unique}INDEX {} ON {} ({})",
            index_name(table, &self.name),
            quoted(table),
            list(&self.columns)
        )
    }
}
