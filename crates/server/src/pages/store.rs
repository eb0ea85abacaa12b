//! What the page at `/` shows, read from the stores themselves: asking the API for a dimension would move it.

use std::{collections::HashMap, error::Error, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_rdsdata::types::{Field, SqlParameter};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleet_aws::{CallFailure, DimensionsSettings, InventorySettings, SdkConfig};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;

/// How many dimensions the page shows at most.
const DIMENSIONS: i32 = 200;
/// How many instances the page shows at most.
const INSTANCES: usize = 50;
/// The longest that a look at a store takes; the page asks again soon.
const WITHIN: Duration = Duration::from_secs(5);

const COLUMNS: &str = "\
SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc, \
(SELECT COUNT(*) FROM ec2_package p WHERE p.aws_instance_id = e.aws_instance_id) AS packages FROM ec2 e";
const SEARCH: &str = "\
WHERE INSTR(LOWER(e.aws_instance_id), LOWER(:search)) > 0 OR INSTR(LOWER(e.aws_region), LOWER(:search)) > 0 \
OR INSTR(LOWER(e.aws_account), LOWER(:search)) > 0 \
OR EXISTS (SELECT 1 FROM ec2_package p WHERE p.aws_instance_id = e.aws_instance_id \
AND (INSTR(LOWER(p.package_name), LOWER(:search)) > 0 OR INSTR(LOWER(p.package_version), LOWER(:search)) > 0))";

/// Why a store was not read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// It did not answer in time.
    #[error("{0} did not answer in time.")]
    TimedOut(&'static str),
    /// It refused, or could not be reached.
    #[error("{store} cannot be read now; the server's log says why.")]
    Failed {
        /// Which one.
        store: &'static str,
        /// What happened.
        #[source]
        source: CallFailure,
    },
}

impl ReadError {
    /// What happened, for the log.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::TimedOut(_) => self.to_string(),
            Self::Failed { source, .. } => format!("{self}: {source}"),
        }
    }
}

/// Reads both stores, and writes to neither.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    dynamodb: aws_sdk_dynamodb::Client,
    data_api: aws_sdk_rdsdata::Client,
    table: String,
    inventory: InventorySettings,
}

impl Reader {
    /// The stores that the settings name, reached as `config` says.
    pub(crate) fn new(
        config: &SdkConfig,
        inventory: InventorySettings,
        dimensions: &DimensionsSettings,
    ) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            data_api: aws_sdk_rdsdata::Client::new(config),
            table: dimensions.table.clone(),
            inventory,
        }
    }

    /// The dimensions that were ever changed, by id, as the table has them.
    pub(crate) async fn dimensions(&self) -> Result<Value, ReadError> {
        let scan = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .limit(DIMENSIONS)
            .consistent_read(true)
            .send();
        let found = within("The table of dimensions", "Scan", scan).await?;
        let mut dimensions: Vec<(String, Value)> =
            found.items().iter().filter_map(dimension).collect();
        dimensions.sort_by(|(one, _), (other, _)| one.cmp(other));
        let dimensions: Vec<Value> = dimensions
            .into_iter()
            .map(|(_, dimension)| dimension)
            .collect();
        Ok(json!({ "dimensions": dimensions, "more": found.last_evaluated_key().is_some() }))
    }

    /// Instances by id, with the number of their packages: those that have `search` in their id, region, account or
    /// packages, in upper or lower case; all where it is empty.
    pub(crate) async fn instances(&self, search: &str) -> Result<Value, ReadError> {
        let (condition, parameter) = match search.trim() {
            "" => ("", None),
            text => (
                SEARCH,
                Some(
                    SqlParameter::builder()
                        .name("search")
                        .value(Field::StringValue(text.to_owned()))
                        .build(),
                ),
            ),
        };
        let call = self
            .data_api
            .execute_statement()
            .resource_arn(&self.inventory.cluster_arn)
            .secret_arn(&self.inventory.secret)
            .database(&self.inventory.database)
            // One more than is shown, to see whether there are more.
            .sql(format!(
                "{COLUMNS} {condition} ORDER BY e.aws_instance_id LIMIT {}",
                INSTANCES + 1
            ))
            .set_parameters(parameter.map(|parameter| vec![parameter]));
        let found = within("The inventory's database", "ExecuteStatement", call.send()).await?;
        let instances: Vec<Value> = found
            .records()
            .iter()
            .filter_map(|row| instance(row))
            .take(INSTANCES)
            .collect();
        Ok(json!({ "instances": instances, "more": found.records().len() > INSTANCES }))
    }
}

async fn within<T, E>(
    store: &'static str,
    operation: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, ReadError>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let answered = timeout(WITHIN, call)
        .await
        .map_err(|_| ReadError::TimedOut(store))?;
    answered.map_err(|error| ReadError::Failed {
        store,
        source: CallFailure::of(operation, &error),
    })
}

/// An item of the table in the words of the API; capacities are kept as text.
fn dimension(item: &HashMap<String, AttributeValue>) -> Option<(String, Value)> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let id = text("scalableTargetDimensionId")?;
    let state = json!({
        "id": id,
        "actualCapacity": number("actualCapacity")?,
        "desiredCapacity": number("desiredCapacity")?,
        "scalingStatus": text("scalingStatus")?,
        "failureReason": text("failureReason"),
    });
    Some((id, state))
}

fn instance(row: &[Field]) -> Option<Value> {
    let [
        Field::StringValue(id),
        Field::StringValue(region),
        Field::StringValue(account),
        Field::StringValue(added),
        Field::LongValue(packages),
    ] = row
    else {
        return None;
    };
    Some(
        json!({ "id": id, "region": region, "account": account, "added": seconds(added), "packages": packages }),
    )
}

/// A date and time without the fraction of its seconds.
fn seconds(text: &str) -> &str {
    text.split_once('.').map_or(text, |(seconds, _)| seconds)
}
