//! A statement ready for SQLite.

use std::{borrow::Cow, sync::Arc};

use crate::engine::{
    EngineError, EngineResult, Parameters, SqlValue,
    analysis::{MomentText, OutputColumn, Slot, WrittenRow},
    catalogue::TableDefinition,
    collation,
    short::ShortQuery,
};

/// A statement ready for SQLite.
#[derive(Debug)]
pub(crate) struct StatementPlan {
    pub(crate) kind: StatementKind,
    /// One text, or several for a definition.
    pub(crate) sql: Vec<String>,
    /// The columns of a query.
    pub(crate) outputs: Vec<OutputColumn>,
    /// The values bound to `?1`, `?2` and so on.
    pub(crate) slots: Vec<Slot>,
    /// The texts that are parsed as dates or times.
    pub(crate) moments: Vec<MomentText>,
    /// The slots of texts that are compared by the default collation.
    pub(crate) texts: Vec<usize>,
    /// The slots of texts that a writing statement compares with numbers.
    pub(crate) numerals: Vec<usize>,
    /// The row that an INSERT, UPDATE or DELETE writes, and its table.
    pub(crate) written: WrittenRow,
    pub(crate) table: Option<Arc<TableDefinition>>,
    /// The statement's first word, in capitals.
    pub(crate) verb: String,
    /// Whether it shows one of several equal texts; it is refused if they differ.
    pub(crate) shows: bool,
    /// For a query that may be short.
    pub(crate) short: Option<ShortQuery>,
    /// Whether the definition recreates a table that others may refer to.
    pub(crate) rebuilds: bool,
}

/// The kind of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// Reads; `locks` if it locks what it reads, as with FOR UPDATE.
    Query { locks: bool },
    /// `replaces` if existing rows may make way for new ones.
    Insert { replaces: bool },
    /// UPDATE or DELETE.
    Change,
    /// DDL, which commits any open transaction, as in MySQL.
    Definition,
    /// Nothing to do.
    Nothing,
}

impl StatementKind {
    /// Whether it needs the single writer slot.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Query { locks: false } | Self::Nothing)
    }
}

impl StatementPlan {
    pub(crate) fn of(kind: StatementKind, sql: Vec<String>) -> Self {
        Self {
            kind,
            shows: sql.iter().any(|sql| sql.contains(collation::SHOWN)),
            sql,
            outputs: Vec::new(),
            slots: Vec::new(),
            moments: Vec::new(),
            texts: Vec::new(),
            numerals: Vec::new(),
            written: WrittenRow::default(),
            table: None,
            verb: String::new(),
            short: None,
            rebuilds: false,
        }
    }

    /// The plan of a definition.
    pub(crate) fn definition(sql: Vec<String>, rebuilds: bool) -> Self {
        Self {
            rebuilds,
            ..Self::of(StatementKind::Definition, sql)
        }
    }

    /// A plan that does nothing.
    pub(crate) fn nothing() -> Self {
        Self::of(StatementKind::Nothing, Vec::new())
    }
}

/// The value of a slot in one execution.
pub(crate) fn bound<'a>(
    slot: &'a Slot,
    parameters: &'a Parameters,
) -> EngineResult<Cow<'a, SqlValue>> {
    match slot {
        Slot::Literal(text) => Ok(Cow::Owned(SqlValue::Text(text.clone()))),
        Slot::Named(name) => parameters
            .get(name)
            .map(Cow::Borrowed)
            .ok_or_else(|| EngineError::MissingParameter(name.clone())),
    }
}
