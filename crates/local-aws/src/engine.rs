//! Runs the SQL: one vocabulary for the Data API, two engines behind it.

mod analysis;
mod arities;
mod catalogue;
mod charsets;
mod collation;
mod column_types;
mod database;
mod dates;
mod decimals;
mod definitions;
mod errors;
mod extremes;
mod information;
mod json;
mod json_paths;
mod kinds;
mod moments;
mod mysql_functions;
mod numbers;
mod plan;
mod plans;
mod short;
mod statement;
mod stores;
mod sums;
mod variables;
mod wholes;

pub(crate) mod mysql;
pub(crate) mod sqlite;
pub(crate) mod threads;
pub(crate) mod translation;

pub(crate) use database::{Database, DatabaseSession};
pub(crate) use errors::{EngineError, EngineResult, panic_cause, why_unfinished};
pub(crate) use moments::moment_after;
pub(crate) use statement::{
    Meter, Parameters, ResultColumn, Rights, SqlStatement, SqlValue, StatementResult,
};
