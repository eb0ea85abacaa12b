//! Rows with column names, as a SQLite query.

use crate::engine::{
    analysis::OutputColumn,
    column_types::literal,
    definitions::quoted,
    kinds::{Collation, UNSIGNED, ValueKind},
};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellValue {
    Null,
    Text(String),
    Number(i64),
}

impl CellValue {
    fn literal(&self) -> String {
        match self {
            Self::Null => "NULL".into(),
            Self::Text(text) => literal(text),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl<T: Into<String>> From<T> for CellValue {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

pub(crate) fn text_or_null(text: Option<impl Into<String>>) -> CellValue {
    text.map_or(CellValue::Null, CellValue::from)
}

/// Rows with column names.
#[derive(Debug, Clone)]
pub(crate) struct TableContent {
    pub(crate) columns: Vec<(String, ValueKind)>,
    pub(crate) rows: Vec<Vec<CellValue>>,
}

/// A case-insensitive text of the data dictionary.
pub(crate) const NAME: ValueKind = ValueKind::Text {
    collation: Collation::Default,
    implicit: true,
};

impl TableContent {
    pub(crate) fn new(columns: &[&str], rows: Vec<Vec<CellValue>>) -> Self {
        let kind = |index: usize| {
            let number = rows
                .iter()
                .any(|row| matches!(row[index], CellValue::Number(_)));
            if number { UNSIGNED } else { NAME }
        };
        Self {
            columns: columns
                .iter()
                .enumerate()
                .map(|(index, name)| ((*name).to_owned(), kind(index)))
                .collect(),
            rows,
        }
    }

    pub(crate) fn outputs(&self) -> Vec<OutputColumn> {
        self.columns
            .iter()
            .map(|(name, kind)| OutputColumn {
                name: name.clone(),
                kind: *kind,
                origin: None,
                size: 0,
            })
            .collect()
    }

    /// The query of its rows, in parentheses.
    pub(crate) fn text(&self) -> String {
        let collated = |kind: ValueKind| match kind {
            ValueKind::Text { collation, .. } => {
                format!(" COLLATE {}", crate::engine::collation::name(collation))
            }
            _ => String::new(),
        };
        let heads: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (name, kind))| {
                format!("column{}{} AS {}", index + 1, collated(*kind), quoted(name))
            })
            .collect();
        let row = |row: &[CellValue]| {
            let cells: Vec<String> = row.iter().map(CellValue::literal).collect();
            format!("({})", cells.join(", "))
        };
        let (rows, condition) = if self.rows.is_empty() {
            let nulls = vec![CellValue::Null; self.columns.len()];
            (row(&nulls), " WHERE false")
        } else {
            let rows: Vec<String> = self.rows.iter().map(|cells| row(cells)).collect();
            (rows.join(", "), "")
        };
        format!(
            "(SELECT {} FROM (VALUES {rows}){condition})",
            heads.join(", ")
        )
    }
}
