//! What a statement in MySQL's dialect means: each expression's kind of value, and from it the SQL that makes SQLite
//! behave as MySQL does. Anything without such SQL is refused by name.
//!
//! String literals become bound parameters, so no text is ever quoted again; named parameters become numbered ones.

mod aggregates;
mod arguments;
mod arithmetic;
mod calls;
mod casts;
mod checks;
mod comparisons;
mod context;
mod conversions;
mod documents;
mod expressions;
mod formats;
mod grouping;
mod insert_columns;
mod inserts;
mod labels;
mod literals;
mod operators;
mod orders;
mod queries;
mod recursion;
mod replacements;
mod scalars;
mod scope;
mod selects;
mod shown;
mod sources;
mod stores;
mod typed;
mod words;
mod writes;

#[cfg(test)]
pub(crate) use calls::functions as calls_known;
pub(crate) use context::Analysis;
pub(crate) use insert_columns::{NEXT_ID, SKIPPED};
pub(crate) use recursion::{READ, STEP};
pub(crate) use scope::{Scope, TableReference};
pub(crate) use selects::uneven;
pub(crate) use sources::no_table;
pub(crate) use typed::{Bindings, ExprType, MomentText, OutputColumn, Slot};
pub(crate) use writes::{CHANGES, WrittenRow};
