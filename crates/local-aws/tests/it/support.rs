//! Starts the endpoints and calls them.

use std::{path::Path, time::Duration};

use aws_sdk_rdsdata::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    operation::execute_statement::{
        ExecuteStatementError, ExecuteStatementOutput, builders::ExecuteStatementFluentBuilder,
    },
    types::{Field, SqlParameter},
};
use fleet_local_aws::{
    Engine, LimitedSecrets, LocalAws, LocalAwsOptions, Migration, Schema, SecretOption, Storage,
    TableOption, Timeouts,
};

pub(crate) const CLUSTER: &str = "arn:aws:rds:us-east-1:000000000000:cluster:fleet";
pub(crate) const DATABASE: &str = "ec2_inventory_db";
pub(crate) const SECRET: &str = "fleet-db";
/// The `Authorization` header of a signed request, for requests that are not sent by an SDK.
pub(crate) const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0";
pub(crate) const TABLE: &str = "fleet-dimensions";
pub(crate) const KEY: &str = "scalableTargetDimensionId";

/// The schema as deployed, plus a table with a column of each type.
pub(crate) fn schema() -> Schema {
    let mut schema = Schema::fleet();
    schema.migrations.push(Migration {
        version: 1000,
        name: "kinds".into(),
        sql: "CREATE TABLE IF NOT EXISTS kinds (
            id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
            flag BOOLEAN, small SMALLINT UNSIGNED, number INT, price DECIMAL(10, 2), ratio DOUBLE,
            name VARCHAR(5) COMMENT 'short', raw VARBINARY(4), day DATE, at DATETIME, doc JSON,
            mood ENUM('good', 'bad') DEFAULT 'good', UNIQUE KEY kinds_by_name (name), CONSTRAINT positive CHECK (number > -100)
        ) ENGINE=InnoDB"
            .into(),
    });
    schema
}

pub(crate) fn options(storage: Storage) -> LocalAwsOptions {
    LocalAwsOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage,
        engine: Engine::Embedded,
        region: "us-east-1".into(),
        account: "000000000000".into(),
        cluster_arn: CLUSTER.into(),
        database: DATABASE.into(),
        secret: SecretOption {
            name: SECRET.into(),
            username: "fleet".into(),
            password: "not-shown".into(),
        },
        limited: Some(LimitedSecrets {
            reader: "fleet-db-reader".into(),
            writer: "fleet-db-writer".into(),
            tables: vec!["ec2".into(), "ec2_package".into()],
        }),
        schema: schema(),
        tables: vec![TableOption {
            name: TABLE.into(),
            partition_key: KEY.into(),
        }],
        timeouts: Timeouts::default(),
        api_url: None,
        pace: fleet_local_aws::ScalingPace::default(),
    }
}

pub(crate) struct Aws {
    pub(crate) local: LocalAws,
    pub(crate) data: Client,
    /// The secret of the user who sends the requests.
    pub(crate) secret: String,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        Self::with(options(Storage::InMemory)).await
    }

    pub(crate) async fn in_folder(folder: &Path) -> Self {
        Self::with(options(Storage::Folder(folder.to_owned()))).await
    }

    pub(crate) async fn with_timeouts(change: impl FnOnce(&mut Timeouts)) -> Self {
        let mut options = options(Storage::InMemory);
        change(&mut options.timeouts);
        Self::with(options).await
    }

    pub(crate) async fn with(options: LocalAwsOptions) -> Self {
        Self::of(LocalAws::start(options).await.unwrap())
    }

    pub(crate) fn of(local: LocalAws) -> Self {
        let config = aws_sdk_rdsdata::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("any", "any", None, None, "tests"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(local.endpoint_url())
            .build();
        Self {
            data: Client::from_conf(config),
            secret: SECRET.into(),
            local,
        }
    }

    /// A statement that has not been sent yet.
    pub(crate) fn statement(
        &self,
        sql: &str,
        parameters: Vec<SqlParameter>,
    ) -> ExecuteStatementFluentBuilder {
        self.data
            .execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(&self.secret)
            .database(DATABASE)
            .sql(sql)
            .set_parameters(Some(parameters))
    }

    /// Runs a statement outside any transaction.
    pub(crate) async fn sql(
        &self,
        sql: &str,
        parameters: &[(&str, Field)],
    ) -> Result<ExecuteStatementOutput, ExecuteStatementError> {
        self.sql_in(None, sql, parameters).await
    }

    /// Runs a statement, in a transaction if one is given.
    pub(crate) async fn sql_in(
        &self,
        transaction: Option<&str>,
        sql: &str,
        parameters: &[(&str, Field)],
    ) -> Result<ExecuteStatementOutput, ExecuteStatementError> {
        let parameters = parameters
            .iter()
            .map(|(name, value)| parameter(name, value.clone()));
        self.statement(sql, parameters.collect())
            .set_transaction_id(transaction.map(Into::into))
            .send()
            .await
            .map_err(aws_sdk_rdsdata::error::SdkError::into_service_error)
    }

    /// Runs a statement outside any transaction, and requests a description of its columns.
    pub(crate) async fn described(
        &self,
        sql: &str,
        parameters: Vec<SqlParameter>,
    ) -> Result<ExecuteStatementOutput, ExecuteStatementError> {
        self.statement(sql, parameters)
            .include_result_metadata(true)
            .send()
            .await
            .map_err(aws_sdk_rdsdata::error::SdkError::into_service_error)
    }

    /// The message of a statement's DatabaseErrorException.
    pub(crate) async fn refusal(&self, sql: &str, parameters: &[(&str, Field)]) -> String {
        match self.sql(sql, parameters).await.unwrap_err() {
            ExecuteStatementError::DatabaseErrorException(error) => {
                error.message().unwrap().to_owned()
            }
            other => panic!("not a DatabaseErrorException: {other:?}"),
        }
    }

    pub(crate) async fn begin(&self) -> String {
        let begun = self
            .data
            .begin_transaction()
            .resource_arn(CLUSTER)
            .secret_arn(&self.secret)
            .database(DATABASE)
            .send()
            .await
            .unwrap();
        begun.transaction_id().unwrap().to_owned()
    }

    pub(crate) async fn commit(&self, id: &str) -> Result<String, String> {
        let sent = self
            .data
            .commit_transaction()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .transaction_id(id)
            .send()
            .await;
        sent.map(|output| output.transaction_status().unwrap().to_owned())
            .map_err(|error| error.code().unwrap_or_default().to_owned())
    }

    pub(crate) async fn rollback(&self, id: &str) -> Result<String, String> {
        let sent = self
            .data
            .rollback_transaction()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .transaction_id(id)
            .send()
            .await;
        sent.map(|output| output.transaction_status().unwrap().to_owned())
            .map_err(|error| error.code().unwrap_or_default().to_owned())
    }

    /// Adds an instance.
    pub(crate) async fn add(
        &self,
        transaction: Option<&str>,
        id: &str,
    ) -> Result<ExecuteStatementOutput, ExecuteStatementError> {
        self.sql_in(transaction, ADD, &instance(id)).await
    }

    /// How many instances there are.
    pub(crate) async fn count(&self, transaction: Option<&str>) -> i64 {
        long(
            &self
                .sql_in(transaction, "SELECT COUNT(*) FROM ec2", &[])
                .await
                .unwrap(),
        )
    }
}

pub(crate) const ADD: &str = "INSERT INTO ec2 (aws_instance_id, aws_region, aws_account, creation_date_utc, add_token) \
                              VALUES (:id, :region, :account, UTC_TIMESTAMP(), :token)";

pub(crate) fn instance(id: &str) -> [(&'static str, Field); 4] {
    [
        ("id", text(id)),
        ("region", text("us-east-1")),
        ("account", text("123456789012")),
        ("token", text("t")),
    ]
}

pub(crate) fn parameter(name: &str, value: Field) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build()
}

pub(crate) fn text(value: &str) -> Field {
    Field::StringValue(value.into())
}

/// The only value of a result.
pub(crate) fn only(output: &ExecuteStatementOutput) -> &Field {
    &output.records()[0][0]
}

pub(crate) fn long(output: &ExecuteStatementOutput) -> i64 {
    *only(output).as_long_value().unwrap()
}

/// A time limit that tests wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

/// Moves the clock of this test's runtime forward. At other times it runs normally, since nothing can wait for events
/// from outside the runtime while it is paused.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
