//! Syntax that is not MySQL's.

use sqlparser::{ast::Ident, tokenizer::Location};

/// Where a statement is not valid in MySQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DialectFault {
    /// The first occurrence of a word or an operator.
    Word(String),
    At(Location),
    /// A LIMIT given by name, which MySQL takes for a variable of a procedure.
    Undeclared(String),
}

impl DialectFault {
    pub(super) fn word(word: impl Into<String>) -> Self {
        Self::Word(word.into())
    }

    pub(super) fn at(name: &Ident) -> Self {
        Self::At(name.span.start)
    }
}
