//! Adds an instance, atomically and only once.

use aws_sdk_rdsdata::types::SqlParameter;
use fleet_core::inventory::{
    AddError, CreationDate, InstanceId, NewInstance, Package, PackageName, PackageVersion,
};
use uuid::Uuid;

use super::{
    data_api::{DataApiClient, OpenTransaction, text},
    errors::{CallVerdict, FailedCall},
    pace::RetryPace,
    write::{self, Attempt, CommitFate},
};
use crate::budget::TimeBudget;

const INSERT_INSTANCE: &str = "INSERT INTO ec2 (aws_instance_id, aws_region, aws_account, creation_date_utc, add_token) \
                               VALUES (:id, :region, :account, UTC_TIMESTAMP(), :token)";

/// The same with a given creation date, for imports.
const RESTORE_INSTANCE: &str = "INSERT INTO ec2 (aws_instance_id, aws_region, aws_account, creation_date_utc, add_token) \
                                VALUES (:id, :region, :account, :created, :token)";

const INSERT_PACKAGES: &str =
    "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) VALUES ";

/// How many packages one statement inserts.
const PACKAGES_PER_STATEMENT: usize = 2_000;

/// The Data API's limits: characters of SQL, and bytes of a request.
const SQL_LIMIT: usize = 65_536;
const REQUEST_LIMIT: usize = 4 * 1024 * 1024;

// A row of SQL is at most `(:id, :n1999, :v1999), ` long.
const WIDEST_SQL: usize =
    INSERT_PACKAGES.len() + PACKAGES_PER_STATEMENT * "(:id, :n1999, :v1999), ".len();
const _: () = assert!(PACKAGES_PER_STATEMENT <= 10_000 && WIDEST_SQL <= SQL_LIMIT);

// A character takes at most 4 bytes in a JSON string: 4 in UTF-8, or 2 as `\"` or `\\`; control characters, which would
// take 6, are not printable. 64 KiB are left for headers, ARNs and the transaction's id, many times what they need.
const BYTES_PER_CHAR: usize = 4;
const PARAMETER: usize = r#"{"name":"n1999","value":{"stringValue":""}},"#.len();
const WIDEST_ROW: usize =
    2 * PARAMETER + BYTES_PER_CHAR * (PackageName::MAX_CHARS + PackageVersion::MAX_CHARS);
const WIDEST_REQUEST: usize = 64 * 1024
    + WIDEST_SQL
    + PARAMETER
    + BYTES_PER_CHAR * InstanceId::MAX_CHARS
    + PACKAGES_PER_STATEMENT * WIDEST_ROW;
const _: () = assert!(WIDEST_REQUEST <= REQUEST_LIMIT);

/// Adds `new` with the given date, or the current time.
pub(super) async fn add(
    api: &DataApiClient,
    new: &NewInstance,
    created: Option<CreationDate>,
) -> Result<(), AddError> {
    let created = created.map(|date| date.to_string());
    let budget = TimeBudget::start();
    let mut pace = RetryPace::new(budget);
    // The same for all attempts: it identifies our own row, even from an attempt whose response was lost.
    let token = Uuid::new_v4().to_string();
    let mut sent = false;
    loop {
        let Err(Attempt { failure, commit }) =
            attempt(api, budget, new, (&token, created.as_deref())).await
        else {
            return Ok(());
        };
        sent |= commit != CommitFate::NotSent;
        if sent {
            match write::stored_token(api, budget, &mut pace, &new.id).await? {
                Some(stored) if stored == token => return Ok(()),
                // The instance may have been stored, seen and removed by another client, and must not come back.
                _ if commit == CommitFate::InDoubt => {
                    return Err(failure.into_store_error().into());
                }
                Some(_) => return Err(AddError::Duplicate),
                None => {}
            }
        } else if failure.verdict == CallVerdict::Duplicate {
            return Err(AddError::Duplicate);
        }
        pace.wait(failure).await?;
    }
}

/// Tries once to store all of `new`.
async fn attempt(
    api: &DataApiClient,
    budget: TimeBudget,
    new: &NewInstance,
    facts: (&str, Option<&str>),
) -> Result<(), Attempt> {
    let transaction = api.begin(budget.work()).await?;
    match fill(api, budget, new, facts, &transaction).await {
        Ok(()) => write::commit(transaction, budget).await,
        Err(failure) => Err(write::undo(transaction, budget, failure).await),
    }
}

/// Inserts everything within `transaction`.
async fn fill(
    api: &DataApiClient,
    budget: TimeBudget,
    new: &NewInstance,
    (token, created): (&str, Option<&str>),
    transaction: &OpenTransaction,
) -> Result<(), FailedCall> {
    let mut parameters = vec![
        text("id", new.id.as_str()),
        text("region", new.region.as_str()),
        text("account", new.account.as_str()),
        text("token", token),
    ];
    let sql = match created {
        None => INSERT_INSTANCE,
        Some(created) => {
            // MySQL's format, which lacks the contract's fraction.
            parameters.push(text("created", created.trim_end_matches(".0")));
            RESTORE_INSTANCE
        }
    };
    api.execute(sql, parameters, Some(transaction), budget.work())
        .await?;
    for packages in new.packages.as_slice().chunks(PACKAGES_PER_STATEMENT) {
        let (sql, parameters) = insert_packages(&new.id, packages);
        api.execute(sql, parameters, Some(transaction), budget.work())
            .await
            .map_err(|mut failure| {
                // The instance is new and its packages differ, so this is not the duplicate that clients learn of.
                if failure.verdict == CallVerdict::Duplicate {
                    failure.verdict = CallVerdict::Fault;
                }
                failure
            })?;
    }
    Ok(())
}

/// The statement that inserts `packages`, at most [`PACKAGES_PER_STATEMENT`] of them.
fn insert_packages(id: &InstanceId, packages: &[Package]) -> (String, Vec<SqlParameter>) {
    let rows: Vec<String> = (0..packages.len())
        .map(|row| format!("(:id, :n{row}, :v{row})"))
        .collect();
    let values = packages.iter().enumerate().flat_map(|(row, package)| {
        [
            text(format!("n{row}"), package.name.as_str()),
            text(format!("v{row}"), package.version.as_str()),
        ]
    });
    (
        format!("{INSERT_PACKAGES}{}", rows.join(", ")),
        std::iter::once(text("id", id.as_str()))
            .chain(values)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A name of maximum size: the most characters, each of them 4 bytes in UTF-8.
    fn widest(n: usize, max: usize) -> String {
        let number = n.to_string();
        format!("{}{number}", "𝕏".repeat(max - number.len()))
    }

    fn package(name: String, version: String) -> Package {
        Package {
            name: PackageName::parse(name).unwrap(),
            version: PackageVersion::parse(version).unwrap(),
        }
    }

    /// The size of the parameters in the request.
    fn json_bytes(parameters: &[SqlParameter]) -> usize {
        parameters
            .iter()
            .map(|parameter| {
                let value = parameter
                    .value()
                    .and_then(|value| value.as_string_value().ok())
                    .unwrap();
                serde_json::json!({ "name": parameter.name(), "value": { "stringValue": value } })
                    .to_string()
                    .len()
                    + 1
            })
            .sum()
    }

    #[test]
    fn the_widest_statement_stays_within_the_limits() {
        let id = InstanceId::parse("𝕏".repeat(InstanceId::MAX_CHARS)).unwrap();
        let packages: Vec<Package> = (0..PACKAGES_PER_STATEMENT)
            .map(|n| package(widest(n, 100), widest(n, 50)))
            .collect();
        let (sql, parameters) = insert_packages(&id, &packages);
        assert!(sql.chars().count() <= WIDEST_SQL, "{}", sql.len());
        assert!(sql.len() + json_bytes(&parameters) <= WIDEST_REQUEST - 64 * 1024);
    }

    #[test]
    fn a_statement_names_each_of_its_parameters() {
        let id = InstanceId::parse("i-1").unwrap();
        let (sql, parameters) = insert_packages(
            &id,
            &[
                package("a".into(), "1".into()),
                package("b".into(), "2".into()),
            ],
        );
        assert_eq!(
            sql,
            "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) VALUES (:id, :n0, :v0), (:id, :n1, :v1)"
        );
        let names: Vec<_> = parameters.iter().filter_map(SqlParameter::name).collect();
        assert_eq!(names, ["id", "n0", "v0", "n1", "v1"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn no_names_bring_a_statement_above_what_is_reckoned_for_its_rows(
            names in proptest::collection::vec(("[^\\p{C}\\p{Z}]{1,100}", r#"["\\]{1,50}"#), 1..50),
        ) {
            let packages: Vec<Package> = names
                .into_iter()
                .filter_map(|(name, version)| {
                    Some(Package { name: PackageName::parse(name).ok()?, version: PackageVersion::parse(version).ok()? })
                })
                .collect();
            let id = InstanceId::parse("i-1").unwrap();
            let (sql, parameters) = insert_packages(&id, &packages);
            prop_assert!(sql.len() <= INSERT_PACKAGES.len() + packages.len() * "(:id, :n1999, :v1999), ".len());
            prop_assert!(json_bytes(&parameters) <= packages.len() * WIDEST_ROW + PARAMETER + 4 * InstanceId::MAX_CHARS);
        }
    }
}
