//! The local AWS endpoints: DynamoDB, the RDS Data API, Secrets Manager and Application Auto Scaling on one loopback address,
//! embedded.
//!
//! Any AWS SDK and the AWS CLI talk to it once `AWS_ENDPOINT_URL` names [`LocalAws::endpoint_url`].
//! A client in the same process needs no connection: [`LocalAws::in_process`] is the same service without one.
//! Signatures are not verified: any credentials work, so the address must stay on the machine. A request without a
//! signature, or with a `Host` that a web page could have chosen, is refused, so that no web page can reach the data.
//!
//! - DynamoDB is the whole crate `dynoxide-rs`.
//! - The Data API's five operations run on SQLite (the default) or on a real MySQL or MariaDB.
//! - Secrets Manager answers `GetSecretValue` and `DescribeSecret` for the secrets given at start: the database's owner, and
//!   a reader and a writer who may do less.
//! - Application Auto Scaling scales custom resources of this machine, by metrics that are published to CloudWatch's
//!   `PutMetricData` or stand in files; CloudWatch keeps the alarms of step scaling too.
//!
//! How the embedded SQL engine differs from Aurora MySQL: one transaction writes at a time; a transaction that
//! has read and then writes after another one has committed gets a deadlock error (1213); trailing spaces count in
//! comparisons; `DECIMAL` is held as a double. Statements that it cannot run are refused with MySQL's error 1235.
//! A call without `database` runs in the only database.
//!
//! The AWS CLI itself refuses a `--secret-arn` of fewer than 11 characters, so it needs the ARN if the name is short.

/// The services, as messages name them.
pub const SERVICES: &str = "DynamoDB, the RDS Data API, Secrets Manager, Application Auto Scaling for custom resources, and CloudWatch's PutMetricData and alarms";

mod autoscaling;
mod changes;
mod data_api;
mod data_file;
mod database_file;
mod dynamodb;
mod engine;
mod front;
mod gate;
mod in_process;
mod journal;
mod lock;
mod migrate;
mod options;
mod respond;
mod schema;
mod secrets;
mod start;
mod temporary;

/// Preparing a statement's text for either engine.
pub mod translation {
    pub use crate::engine::translation::{
        Effect, EmbeddedStatement, Parameter, PositionalStatement, StatementRefusal, embedded,
        positional,
    };
}

pub use autoscaling::ScalingPace;
pub use changes::{ChangeReader, ChangeStream, ChangesError, StreamPosition};
pub use data_file::{DataFile, DataFileError};
pub use in_process::{InProcess, InProcessError};
pub use options::{
    Engine, LimitedSecrets, LocalAwsError, LocalAwsOptions, SecretOption, Storage, TableOption,
    Timeouts,
};
pub use schema::{Migration, Schema};
pub use start::{DataFiles, LocalAws, is_in_use};
