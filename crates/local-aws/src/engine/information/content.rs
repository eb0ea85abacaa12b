//! Rows under names, as a query of SQLite's.

use crate::engine::{
    analysis::Output,
    column_types::literal,
    definitions::quoted,
    kinds::{Collation, Kind, UNSIGNED},
};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Number(i64),
}

impl Cell {
    fn literal(&self) -> String {
        match self {
            Self::Null => "NULL".into(),
            Self::Text(text) => literal(text),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

pub(crate) fn maybe(text: Option<impl Into<String>>) -> Cell {
    text.map_or(Cell::Null, Cell::from)
}

/// Rows under names.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) columns: Vec<(String, Kind)>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// Text of the dictionary's, without case.
pub(crate) const NAME: Kind = Kind::Text {
    collation: Collation::Default,
    implicit: true,
};

impl Content {
    pub(crate) fn new(columns: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        let kind = |index: usize| {
            let number = rows.iter().any(|row| matches!(row[index], Cell::Number(_)));
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

    pub(crate) fn outputs(&self) -> Vec<Output> {
        self.columns
            .iter()
            .map(|(name, kind)| Output {
                name: name.clone(),
                kind: *kind,
                origin: None,
            })
            .collect()
    }

    /// The query of its rows, in parentheses.
    pub(crate) fn text(&self) -> String {
        let collated = |kind: Kind| match kind {
            Kind::Text { collation, .. } => {
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
        let row = |row: &[Cell]| {
            let cells: Vec<String> = row.iter().map(Cell::literal).collect();
            format!("({})", cells.join(", "))
        };
        let (rows, condition) = if self.rows.is_empty() {
            let nulls = vec![Cell::Null; self.columns.len()];
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
