//! A statement under analysis, and its numbered parameters.

use std::collections::HashMap;

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    typed::{Bindings, MomentText, OutputColumn, Slot},
    words::raw,
};
use crate::engine::{EngineError, EngineResult, catalogue::Catalogue, column_types::literal};

/// As what the bounds of a BETWEEN are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BetweenBounds {
    /// Neither as numbers nor as texts, so far.
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
    /// Whether it writes: strict mode makes errors of what is a warning to a query.
    pub(super) writing: bool,
    /// The texts that are compared with dates and times.
    pub(crate) moments: Vec<MomentText>,
    /// How many parameters of DECIMAL there have been.
    pub(super) placed: usize,
    /// The slots of texts that are compared by the default collation.
    pub(crate) texts: Vec<usize>,
    /// The slots of texts that a statement that writes compares with numbers.
    pub(crate) numerals: Vec<usize>,
    /// How a BETWEEN's bounds are compared, while its comparisons are under analysis.
    pub(super) between: Option<BetweenBounds>,
    /// Whether the expression under analysis is a part that may not be needed.
    pub(super) lazy: bool,
    /// Where MySQL says that a column is missing.
    pub(super) clause: &'static str,
    /// Whether it wants to be the only one to write what it reads.
    pub(crate) locks: bool,
    /// The queries of WITH by name.
    pub(super) named: Vec<(String, Vec<OutputColumn>)>,
    /// How long their texts are when all that they refer to stands in them.
    pub(super) named_sizes: HashMap<String, usize>,
    /// How long the texts are that stand in several places, each time counted.
    pub(super) expanded: usize,
    /// How long the rows of information_schema are, for each time that a table of its is named.
    pub(super) embedded: usize,
    /// The row of VALUES.
    pub(super) row: usize,
    /// The table that an UPDATE or DELETE writes to.
    pub(super) target: Option<String>,
}

/// The most bytes of texts that stand in several places.
const MAX_EXPANDED: usize = 1024 * 1024;
/// The most bytes of information_schema's rows in one statement: SQLite takes no longer one.
const MAX_EMBEDDED: usize = 16 * 1024 * 1024;

/// Adds to a total, and refuses what makes it larger than this.
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

    /// Takes note of a text that stands in one more place. Copies within copies double a statement at each level, here and
    /// where SQLite prepares it, which nothing interrupts.
    pub(super) fn expand_by(&mut self, size: usize) -> EngineResult<()> {
        const WHAT: &str = "queries or expressions that are used so often within others";
        add_within(&mut self.expanded, size, MAX_EXPANDED, WHAT)
    }

    /// Takes note of rows that become part of the statement.
    pub(super) fn embed(&mut self, size: usize) -> EngineResult<()> {
        const WHAT: &str = "so many rows of information_schema in one statement";
        add_within(&mut self.embedded, size, MAX_EMBEDDED, WHAT)
    }

    /// Numbers a slot; one name has one number.
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

    /// A text of the statement's.
    pub(super) fn text(&mut self, text: String) -> Expr {
        let value = if self.inline {
            return raw(literal(&text));
        } else {
            self.slot(Slot::Literal(text))
        };
        Expr::Value(value.into())
    }
}
