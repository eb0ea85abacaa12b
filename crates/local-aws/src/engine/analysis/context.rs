//! A statement under analysis, and its numbered parameters.

use std::collections::HashMap;

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    typed::{Bindings, MomentText, OutputColumn, Slot},
    words::raw,
};
use crate::engine::{EngineError, EngineResult, catalogue::Catalogue, column_types::literal};

/// How the bounds of a BETWEEN are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BetweenBounds {
    /// Neither as numbers nor as texts yet.
    Unknown,
    Numbers,
    Texts,
}

/// A statement under analysis.
pub(crate) struct Analysis<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) database: &'a str,
    pub(super) bindings: Bindings<'a>,
    pub(crate) slots: Vec<Slot>,
    pub(super) numbers: HashMap<String, usize>,
    /// Whether literals stay in the text: a definition has no parameters.
    pub(super) inline: bool,
    /// Whether it writes: strict mode raises errors where a query only gets warnings.
    pub(super) writing: bool,
    /// The texts that are compared with dates and times.
    pub(crate) moments: Vec<MomentText>,
    /// How many DECIMAL parameters there have been.
    pub(super) placed: usize,
    /// The slots of texts that are compared by the default collation.
    pub(crate) texts: Vec<usize>,
    /// The slots of texts that a writing statement compares with numbers.
    pub(crate) numerals: Vec<usize>,
    /// How a BETWEEN's bounds are compared, while its comparisons are being analysed.
    pub(super) between: Option<BetweenBounds>,
    /// Whether the current expression is a part that may not be needed.
    pub(super) lazy: bool,
    /// The clause that MySQL names when a column is missing.
    pub(super) clause: &'static str,
    /// Whether it locks what it reads, as with FOR UPDATE.
    pub(crate) locks: bool,
    /// The WITH queries by name.
    pub(super) named: Vec<(String, Vec<OutputColumn>)>,
    /// The length of their texts with everything that they refer to expanded.
    pub(super) named_sizes: HashMap<String, usize>,
    /// The total length of repeated texts, counting every copy.
    pub(super) expanded: usize,
    /// The total length of information_schema's rows, counted each time that one of its tables is named.
    pub(super) embedded: usize,
    /// The current row of VALUES.
    pub(super) row: usize,
    /// The table that an UPDATE or DELETE writes to.
    pub(super) target: Option<String>,
}

/// The most bytes of repeated texts.
const MAX_EXPANDED: usize = 1024 * 1024;
/// The most bytes of information_schema's rows in one statement: SQLite accepts no longer statement.
const MAX_EMBEDDED: usize = 16 * 1024 * 1024;

/// Adds to a total, and refuses one above the limit.
fn add_within(total: &mut usize, size: usize, most: usize, what: &str) -> EngineResult<()> {
    *total = total.saturating_add(size);
    if *total > most {
        return Err(EngineError::unsupported(what));
    }
    Ok(())
}

impl<'a> Analysis<'a> {
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        database: &'a str,
        bindings: Bindings<'a>,
        writing: bool,
    ) -> Self {
        Self {
            catalogue,
            database,
            bindings,
            slots: Vec::new(),
            numbers: HashMap::new(),
            inline: false,
            writing,
            moments: Vec::new(),
            placed: 0,
            texts: Vec::new(),
            numerals: Vec::new(),
            between: None,
            lazy: false,
            clause: "field list",
            locks: false,
            named: Vec::new(),
            named_sizes: HashMap::new(),
            expanded: 0,
            embedded: 0,
            row: 1,
            target: None,
        }
    }

    /// Counts one more copy of a text. Copies within copies double a statement at each level, both here and when SQLite
    /// prepares it, which cannot be interrupted.
    pub(super) fn expand_by(&mut self, size: usize) -> EngineResult<()> {
        const WHAT: &str = "queries or expressions that are used so often within others";
        add_within(&mut self.expanded, size, MAX_EXPANDED, WHAT)
    }

    /// Counts rows that become part of the statement.
    pub(super) fn embed(&mut self, size: usize) -> EngineResult<()> {
        const WHAT: &str = "so many rows of information_schema in one statement";
        add_within(&mut self.embedded, size, MAX_EMBEDDED, WHAT)
    }

    /// Numbers a slot; each name has one number.
    pub(super) fn slot(&mut self, slot: Slot) -> Literal {
        let number = match &slot {
            Slot::Named(name) => match self.numbers.get(name) {
                Some(number) => *number,
                None => {
                    self.numbers.insert(name.clone(), self.slots.len() + 1);
                    self.slots.push(slot);
                    self.slots.len()
                }
            },
            Slot::Literal(_) => {
                self.slots.push(slot);
                self.slots.len()
            }
        };
        Literal::Placeholder(format!("?{number}"))
    }

    /// A text from the statement.
    pub(super) fn text(&mut self, text: String) -> Expr {
        let value = if self.inline {
            return raw(literal(&text));
        } else {
            self.slot(Slot::Literal(text))
        };
        Expr::Value(value.into())
    }
}
