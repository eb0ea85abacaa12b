//! What is known about parameters, columns and expressions.

use std::sync::Arc;

use crate::engine::{Parameters, catalogue::TableDefinition, kinds::ValueKind};

/// The value bound to one numbered parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Slot {
    Named(String),
    Literal(String),
}

/// The kinds of the parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bindings<'a> {
    Given(&'a Parameters),
    /// Every parameter is taken as a text.
    AnyText,
}

/// A column of a query's result.
#[derive(Debug, Clone)]
pub(crate) struct OutputColumn {
    pub(crate) name: String,
    pub(crate) kind: ValueKind,
    /// The table column that it is, if any.
    pub(crate) origin: Option<(Arc<TableDefinition>, usize)>,
    /// The length of its text with everything that it refers to expanded.
    pub(crate) size: usize,
}

/// What is known about an expression.
#[derive(Debug, Clone)]
pub(crate) struct ExprType {
    pub(crate) kind: ValueKind,
    /// Whether it is a literal or a parameter.
    pub(crate) constant: bool,
    /// Whether it is a column.
    pub(crate) bare: bool,
    /// Whether that column belongs to a query within the statement.
    pub(crate) derived: bool,
    /// Whether MySQL computes more digits than it shows: for a quotient or a mean.
    pub(crate) quotient: bool,
    /// How many digits MySQL's type for a number has before the point, if known.
    pub(crate) whole_digits: Option<u32>,
    /// Whether it contains a parameter whose type MySQL may infer from its place: a DECIMAL one.
    pub(crate) placed: bool,
    /// The table column that it is, if any.
    pub(crate) origin: Option<(Arc<TableDefinition>, usize)>,
}

impl ExprType {
    pub(crate) fn of(kind: ValueKind) -> Self {
        Self {
            kind,
            constant: false,
            bare: false,
            derived: false,
            quotient: false,
            whole_digits: None,
            placed: false,
            origin: None,
        }
    }

    pub(crate) fn constant(kind: ValueKind) -> Self {
        Self {
            constant: true,
            ..Self::of(kind)
        }
    }

    /// A column of a table or of a query.
    pub(crate) fn column(kind: ValueKind, origin: Option<(Arc<TableDefinition>, usize)>) -> Self {
        let whole_digits = origin
            .as_ref()
            .and_then(|(table, index)| table.columns[*index].kind.whole_digits());
        Self {
            bare: true,
            whole_digits,
            origin,
            ..Self::of(kind)
        }
    }

    /// Whether it is a column whose collation SQLite knows.
    pub(crate) fn is_collated(&self) -> bool {
        self.bare && !self.derived
    }

    /// Whether it is a YEAR column: MySQL reads constants that are compared with it as years.
    pub(crate) fn is_year(&self) -> bool {
        self.origin
            .as_ref()
            .is_some_and(|(table, index)| table.columns[*index].kind.name() == "YEAR")
    }

    /// Whether it is an ENUM or SET column, whose values are numbers, too.
    pub(crate) fn is_member(&self) -> bool {
        self.origin.as_ref().is_some_and(|(table, index)| {
            matches!(table.columns[*index].kind.name(), "ENUM" | "SET")
        })
    }
}

/// A text that is compared with a date or a time. MySQL reads it before any row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MomentText {
    pub(crate) slot: usize,
    pub(crate) is_time: bool,
    /// Whether MySQL raises an error if it is not a date: a BETWEEN may only warn.
    pub(crate) is_error: bool,
}

/// The columns of a SELECT, before they are combined with others.
pub(super) type Items = Vec<(OutputColumn, ExprType)>;
