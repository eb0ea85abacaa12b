//! The local endpoints, through the AWS SDKs.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they did not run"
)]

mod as_mysql;
mod differential;
mod dynamodb;
mod edges;
mod errors;
mod front;
mod in_process;
mod limits;
mod metadata;
mod migrations;
mod mysql;
mod program;
mod secrets;
mod silent;
mod start;
mod statements;
mod support;
mod transactions;
mod users;
mod values;
