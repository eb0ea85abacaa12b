//! The local AWS endpoints: DynamoDB, the RDS Data API and Secrets Manager on one loopback address, embedded.
//!
//! Any AWS SDK and the AWS CLI talk to it once `AWS_ENDPOINT_URL` names [`LocalAws::endpoint_url`].
//! Signatures are not verified: any credentials do, so the address must stay on the machine. A request without a
//! signature, or with a `Host` that a web page could have chosen, is refused, so that no page in a browser gets at the data.
//!
//! - DynamoDB is the crate `dynoxide-rs`, whole.
//! - The Data API's five operations run on SQLite (the default) or on a real MySQL or MariaDB.
//! - Secrets Manager answers `GetSecretValue` and `DescribeSecret` for the one secret given at start.
//!
//! What the embedded SQL engine does otherwise than Aurora MySQL: one transaction writes at a time; a transaction that
//! has read and then writes after another one has committed is told of a deadlock (1213); trailing spaces count in
//! comparisons; `DECIMAL` is held as a double. Statements that it cannot run are refused with MySQL's error 1235.
//! A call without `database` runs in the one database there is.
//!
//! The AWS CLI itself refuses a `--secret-arn` of fewer than 11 characters, so it needs the ARN where the name is short.

mod data_api;
mod database_file;
mod dynamodb;
mod engine;
mod front;
mod gate;
mod migrate;
mod options;
mod respond;
mod schema;
mod secrets;
mod start;
mod temporary;

/// What becomes of a statement's text on its way to either engine.
pub mod translation {
    pub use crate::engine::translation::{
        Effect, Embedded, Parameter, Positional, Refused, embedded, positional,
    };
}

pub use options::{Engine, Options, Secret, StartError, Storage, Table, Timeouts};
pub use schema::{Migration, Schema};
pub use start::{LocalAws, is_in_use};
