//! Reads an instance with its packages, as of one moment.

use aws_sdk_rdsdata::types::Field;
use fleet_core::{
    inventory::{Instance, InstanceId, Package, Packages},
    store::StoreError,
};

use super::{
    data_api::{DataApiClient, OpenTransaction, text},
    errors::FailedCall,
    pace::RetryPace,
    rows,
};
use crate::budget::TimeBudget;

/// The most rows in one response.
///
/// The Data API refuses a response above 1 MiB. A package's row is at most
/// `[{"longValue":1},{"stringValue":""},{"stringValue":""},{"isNull":true}],` (72 bytes) and 150 characters of 4 bytes
/// (`\"`, `\\` and the `\uXXXX` of a 3-byte character take less or, with 6 bytes, still fit: 972 bytes a row), so
/// 1,001 rows are at most 672,672 bytes; with every character written as `\uXXXX`, 972,972. The instance's own row is
/// shorter than a package's.
const PAGE_ROWS: usize = 1_001;

/// The instance (kind 0) and the first of its packages (kind 1), in one statement and therefore as of one moment.
const SELECT_FIRST: &str = "SELECT 0 AS kind, aws_region, aws_account, creation_date_utc FROM ec2 WHERE aws_instance_id = :id \
                            UNION ALL SELECT 1, package_name, package_version, NULL FROM ec2_package WHERE aws_instance_id = :id \
                            ORDER BY 1, 2, 3 LIMIT 1001";

/// The packages after a given one, in the form of the statement above.
const SELECT_NEXT: &str = "SELECT 1 AS kind, package_name, package_version, NULL AS creation_date_utc FROM ec2_package \
                           WHERE aws_instance_id = :id \
                           AND (package_name > :name OR (package_name = :name AND package_version > :version)) \
                           ORDER BY 2, 3 LIMIT 1001";

pub(super) async fn get(
    api: &DataApiClient,
    id: &InstanceId,
) -> Result<Option<Instance>, StoreError> {
    let budget = TimeBudget::start();
    let mut pace = RetryPace::new(budget);
    loop {
        match attempt(api, budget, id).await {
            Ok(found) => return Ok(found),
            Err(failure) => pace.wait(failure).await?,
        }
    }
}

async fn attempt(
    api: &DataApiClient,
    budget: TimeBudget,
    id: &InstanceId,
) -> Result<Option<Instance>, FailedCall> {
    let records = first(api, budget, id, None).await?;
    if records.len() < PAGE_ROWS {
        return rows::instance(id, records);
    }
    // There may be more packages than fit into one response. All pages must be as of one moment, which a transaction
    // guarantees (REPEATABLE READ, the default: its first read fixes what it sees).
    let transaction = api.begin(budget.work()).await?;
    let read = read_pages(api, budget, id, &transaction).await;
    // Nothing was written, so it only matters that it ends, not how.
    transaction.roll_back(budget.end()).await;
    read
}

async fn read_pages(
    api: &DataApiClient,
    budget: TimeBudget,
    id: &InstanceId,
    transaction: &OpenTransaction,
) -> Result<Option<Instance>, FailedCall> {
    let records = first(api, budget, id, Some(transaction)).await?;
    let mut full = records.len() == PAGE_ROWS;
    let Some(instance) = rows::instance(id, records)? else {
        return Ok(None);
    };
    let mut packages: Vec<Package> = instance.packages.as_slice().to_vec();
    while full && let Some(last) = packages.last() {
        let parameters = vec![
            text("id", id.as_str()),
            text("name", last.name.as_str()),
            text("version", last.version.as_str()),
        ];
        let records = api
            .execute(SELECT_NEXT, parameters, Some(transaction), budget.work())
            .await?
            .records
            .unwrap_or_default();
        full = records.len() == PAGE_ROWS;
        packages.append(&mut rows::packages(records)?);
    }
    let packages = Packages::new(packages).map_err(FailedCall::fault)?;
    Ok(Some(Instance {
        packages,
        ..instance
    }))
}

async fn first(
    api: &DataApiClient,
    budget: TimeBudget,
    id: &InstanceId,
    transaction: Option<&OpenTransaction>,
) -> Result<Vec<Vec<Field>>, FailedCall> {
    let answer = api
        .execute(
            SELECT_FIRST,
            vec![text("id", id.as_str())],
            transaction,
            budget.work(),
        )
        .await?;
    Ok(answer.records.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_statements_ask_for_a_page() {
        for sql in [SELECT_FIRST, SELECT_NEXT] {
            assert!(sql.ends_with(&format!("LIMIT {PAGE_ROWS}")), "{sql}");
        }
    }
}
