//! Lists instances, a page at a time.

use aws_sdk_rdsdata::types::SqlParameter;
use fleet_core::{
    inventory::{InstanceFilter, InstanceId, InstancePage, PageLimit},
    store::StoreError,
};

use super::{
    data_api::{DataApi, text},
    pace::Pace,
    rows,
};
use crate::budget::Budget;

/// One page. It begins after an id, not at a number of rows, so a late page costs what the first one does.
pub(super) async fn list(
    api: &DataApi,
    filter: &InstanceFilter,
    after: Option<&InstanceId>,
    limit: PageLimit,
) -> Result<InstancePage, StoreError> {
    let budget = Budget::start();
    let mut pace = Pace::new(budget);
    loop {
        let (sql, parameters) = select(filter, after, limit);
        let page = match api.execute(sql, parameters, None, budget.work()).await {
            Ok(answer) => rows::page(answer.records, limit),
            Err(failure) => Err(failure),
        };
        match page {
            Ok(page) => return Ok(page),
            Err(failure) => pace.wait(failure).await?,
        }
    }
}

/// The statement, made of the fragments below and a number; what a client sent goes into parameters only. It asks for
/// one row more than the page, which shows whether there is another.
fn select(
    filter: &InstanceFilter,
    after: Option<&InstanceId>,
    limit: PageLimit,
) -> (String, Vec<SqlParameter>) {
    let (conditions, parameters) = conditions(filter, after);
    let filtered = where_all(&conditions);
    let rows = limit.get() + 1;
    let sql = format!(
        "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc FROM ec2 e{filtered} \
         ORDER BY e.aws_instance_id LIMIT {rows}"
    );
    (sql, parameters)
}

/// What a row `e` of `ec2` must fulfil, and the parameters of that.
pub(super) fn conditions(
    filter: &InstanceFilter,
    after: Option<&InstanceId>,
) -> (Vec<String>, Vec<SqlParameter>) {
    let mut conditions = Vec::new();
    let mut parameters = Vec::new();
    let mut hold = |name, condition: &str, value: &str| {
        conditions.push(condition.to_owned());
        parameters.push(text(name, value));
    };
    if let Some(after) = after {
        hold("after", "e.aws_instance_id > :after", after.as_str());
    }
    if let Some(region) = &filter.region {
        hold("region", "e.aws_region = :region", region.as_str());
    }
    if let Some(account) = &filter.account {
        hold("account", "e.aws_account = :account", account.as_str());
    }
    if let Some(package) = &filter.package {
        match &package.version {
            None => hold(
                "package_name",
                "EXISTS (SELECT 1 FROM ec2_package p WHERE p.aws_instance_id = e.aws_instance_id AND p.package_name = :package_name)",
                package.name.as_str(),
            ),
            Some(version) => {
                hold(
                    "package_name",
                    "EXISTS (SELECT 1 FROM ec2_package p WHERE p.aws_instance_id = e.aws_instance_id \
                     AND p.package_name = :package_name AND p.package_version = :package_version)",
                    package.name.as_str(),
                );
                parameters.push(text("package_version", version.as_str()));
            }
        }
    }
    (conditions, parameters)
}

/// The clause of `conditions`, empty where there are none.
pub(super) fn where_all(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

#[cfg(test)]
mod tests {
    use fleet_core::inventory::{AccountId, PackageFilter, PackageName, PackageVersion, Region};

    use super::*;

    fn names(parameters: &[SqlParameter]) -> Vec<&str> {
        parameters.iter().filter_map(SqlParameter::name).collect()
    }

    #[test]
    fn without_filters_the_statement_has_no_condition() {
        let (sql, parameters) = select(&InstanceFilter::default(), None, PageLimit::default());
        assert_eq!(
            sql,
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc FROM ec2 e ORDER BY e.aws_instance_id LIMIT 51"
        );
        assert!(parameters.is_empty());
    }

    #[test]
    fn every_filter_is_a_condition_with_a_parameter() {
        let filter = InstanceFilter {
            region: Some(Region::parse("r").unwrap()),
            account: Some(AccountId::parse("' OR 1=1").unwrap()),
            package: Some(PackageFilter {
                name: PackageName::parse("n").unwrap(),
                version: Some(PackageVersion::parse("v").unwrap()),
            }),
        };
        let after = InstanceId::parse("i").unwrap();
        let (sql, parameters) = select(&filter, Some(&after), PageLimit::parse("100").unwrap());
        assert_eq!(
            sql,
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc FROM ec2 e WHERE e.aws_instance_id > :after \
             AND e.aws_region = :region AND e.aws_account = :account AND EXISTS (SELECT 1 FROM ec2_package p \
             WHERE p.aws_instance_id = e.aws_instance_id AND p.package_name = :package_name AND p.package_version = :package_version) \
             ORDER BY e.aws_instance_id LIMIT 101"
        );
        assert_eq!(
            names(&parameters),
            [
                "after",
                "region",
                "account",
                "package_name",
                "package_version"
            ]
        );
    }
}
