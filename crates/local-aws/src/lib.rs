//! The local AWS endpoints, embedded: DynamoDB, the RDS Data API, Secrets Manager and Application Auto Scaling on one
//! loopback address.
//!
//! Any AWS SDK and the AWS CLI talk to it once `AWS_ENDPOINT_URL` is set to [`LocalAws::endpoint_url`].
//! A client in the same process can use [`LocalAws::in_process`], the same service without a connection.
//! Signatures are not verified: any credentials work, so the address must not be reachable from other machines. A
//! request without a signature, or with a `Host` that a web page could have chosen, is refused, so that no web page can
//! reach the data.
//!
//! - DynamoDB is the `dynoxide-rs` crate in full.
//! - The Data API's five operations run on SQLite (the default) or on a real MySQL or MariaDB.
//! - Secrets Manager supports `GetSecretValue` and `DescribeSecret` for the secrets given at startup: the database
//!   owner, plus a reader and a writer with fewer rights.
//! - Application Auto Scaling scales custom resources on this machine, by metrics published with CloudWatch's
//!   `PutMetricData` or read from files; CloudWatch also keeps the alarms for step scaling.
//!
//! How the embedded SQL engine differs from Aurora MySQL: only one transaction writes at a time; a transaction that has
//! read, and then writes after another one has committed, gets a deadlock error (1213). `docs/local-aws.md` lists the
//! other differences. Unsupported statements are refused with MySQL's error 1235. A call without `database` uses the
//! only database.
//!
//! The AWS CLI rejects a `--secret-arn` shorter than 11 characters, so pass the full ARN if the name is short.

/// The services, as named in messages.
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

/// Translates a statement's text for either engine.
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
