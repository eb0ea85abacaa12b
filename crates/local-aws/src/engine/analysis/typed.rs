//! What is known of parameters, columns and expressions.

use std::sync::Arc;

use crate::engine::{Parameters, catalogue::TableDefinition, kinds::ValueKind};

/// What is bound to one numbered parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Slot {
    Named(String),
    Literal(String),
}

/// The kinds of the parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bindings<'a> {
    Given(&'a Parameters),
    /// Every name is one of a text.
    AnyText,
}

/// A column of a query's result.
#[derive(Debug, Clone)]
pub(crate) struct OutputColumn {
    pub(crate) name: String,
    pub(crate) kind: ValueKind,
    /// The table's column that it is, where it is one.
    pub(crate) origin: Option<(Arc<TableDefinition>, usize)>,
    /// How long its text is when all that it refers to stands in it.
    pub(crate) size: usize,
}

/// What is known of an expression.
#[derive(Debug, Clone)]
pub(crate) struct ExprType {
    pub(crate) kind: ValueKind,
    /// Whether it is a literal or a parameter.
    pub(crate) constant: bool,
    /// Whether it is a column.
    pub(crate) bare: bool,
    /// Whether that is one of a query within the statement.
    pub(crate) derived: bool,
    /// Whether MySQL has more digits of it than it shows: of a quotient, a mean.
    pub(crate) quotient: bool,
    /// How many digits MySQL's type of a number has before the point, where that is known.
    pub(crate) whole_digits: Option<u32>,
    /// Whether it is made of a parameter that MySQL may type by its place: one of DECIMAL.
    pub(crate) placed: bool,
    /// The table's column that it is.
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

    /// Whether it is a column of YEAR, as which MySQL reads the constants that it is compared with.
    pub(crate) fn is_year(&self) -> bool {
        self.origin
            .as_ref()
            .is_some_and(|(table, index)| table.columns[*index].kind.name() == "YEAR")
    }

    /// Whether it is a column of ENUM or SET, which is a number too.
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
    /// Whether MySQL has an error for one that is no date: a BETWEEN may warn.
    pub(crate) is_error: bool,
}

/// What a SELECT gives, before it is put together with others.
pub(super) type Items = Vec<(OutputColumn, ExprType)>;
