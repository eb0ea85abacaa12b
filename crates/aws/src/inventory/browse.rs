//! Browses the inventory for a person: pages with packages, words, counts and values to filter by.
//!
//! Nothing is retried: the page that shows the results tries again a second later.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use aws_sdk_rdsdata::types::{Field, SqlParameter};
use fleet_core::{
    inventory::{
        FilterValues, InstanceId, InstanceMatch, InstanceSearch, MAX_FILTER_VALUES, MatchPage,
        PACKAGES_SHOWN, Package, PackageFilter, PackageName, PackageVersion, PageLimit,
    },
    store::StoreError,
};
use tokio::time::Instant;

use super::{
    data_api::{DataApiClient, text},
    errors::FailedCall,
    rows,
    window::{self, PageQuery},
};

/// The time limit of each of these reads.
const WITHIN: Duration = Duration::from_secs(10);
/// How many index entries one page examines: some 20 ms of work, so that a search for a rare word needs few pages.
const EXAMINED: usize = 5_000;

/// One page, with packages.
pub(super) async fn find(
    api: &DataApiClient,
    search: &InstanceSearch,
    after: Option<&InstanceId>,
    limit: PageLimit,
) -> Result<MatchPage, StoreError> {
    let deadline = Instant::now() + WITHIN;
    page(api, search, after, limit, deadline)
        .await
        .map_err(FailedCall::into_store_error)
}

async fn page(
    api: &DataApiClient,
    search: &InstanceSearch,
    after: Option<&InstanceId>,
    limit: PageLimit,
    deadline: Instant,
) -> Result<MatchPage, FailedCall> {
    let search = words_as_filters(api, search, deadline).await?;
    let query = PageQuery {
        filter: &search.filter,
        words: &search.words,
        after,
        limit,
        examined: EXAMINED,
    };
    let (sql, parameters) = query.statement();
    let answer = api.execute(sql, parameters, None, deadline).await?;
    let mut page = rows::page(answer.records, limit)?;
    if after.is_none() && !search.words.is_empty() {
        let (sql, parameters) = query.named_statement();
        let answer = api.execute(sql, parameters, None, deadline).await?;
        let named = rows::page(answer.records, limit)?.records;
        page.records.splice(..0, named);
    }
    let ids: Vec<&InstanceId> = page.records.iter().map(|record| &record.id).collect();
    let mut packages = packages(api, &ids, deadline).await?;
    let found = |summary: fleet_core::inventory::InstanceSummary| {
        let (packages, package_count) = packages.remove(summary.id.as_str()).unwrap_or_default();
        InstanceMatch {
            summary,
            packages,
            package_count,
        }
    };
    Ok(MatchPage {
        records: page.records.into_iter().map(found).collect(),
        next: page.next,
    })
}

/// How many instances match.
pub(super) async fn count(api: &DataApiClient, search: &InstanceSearch) -> Result<u64, StoreError> {
    let deadline = Instant::now() + WITHIN;
    let counted = async {
        let search = words_as_filters(api, search, deadline).await?;
        let (sql, parameters) = count_statement(&search);
        let answer = api.execute(sql, parameters, None, deadline).await?;
        match answer.records().first().map(Vec::as_slice) {
            Some([Field::LongValue(count)]) => Ok(u64::try_from(*count).unwrap_or_default()),
            _ => Err(columns("the count")),
        }
    };
    counted.await.map_err(FailedCall::into_store_error)
}

/// The values to filter by.
pub(super) async fn filter_values(api: &DataApiClient) -> Result<FilterValues, StoreError> {
    let deadline = Instant::now() + WITHIN;
    let values = async {
        let regions = grouped_rows(api, "aws_region", "ec2", deadline);
        let accounts = grouped_rows(api, "aws_account", "ec2", deadline);
        let packages = grouped_rows(
            api,
            "package_name, package_version",
            "ec2_package",
            deadline,
        );
        let (regions, accounts, packages) = tokio::try_join!(regions, accounts, packages)?;
        let one = |row: Vec<Field>| match row.as_slice() {
            [Field::StringValue(value), Field::LongValue(count)] => {
                Ok((value.clone(), u64::try_from(*count).unwrap_or_default()))
            }
            _ => Err(columns("the values to filter by")),
        };
        let pair = |row: Vec<Field>| match row.as_slice() {
            [
                Field::StringValue(name),
                Field::StringValue(version),
                Field::LongValue(count),
            ] => Ok((
                (name.clone(), version.clone()),
                u64::try_from(*count).unwrap_or_default(),
            )),
            _ => Err(columns("the values to filter by")),
        };
        Ok(FilterValues {
            regions: regions.into_iter().map(one).collect::<Result<_, _>>()?,
            accounts: accounts.into_iter().map(one).collect::<Result<_, _>>()?,
            packages: packages.into_iter().map(pair).collect::<Result<_, _>>()?,
        })
    };
    values.await.map_err(FailedCall::into_store_error)
}

async fn grouped_rows(
    api: &DataApiClient,
    columns: &str,
    table: &str,
    deadline: Instant,
) -> Result<Vec<Vec<Field>>, FailedCall> {
    let sql = format!(
        "SELECT {columns}, COUNT(*) AS instances FROM {table} GROUP BY {columns} \
         ORDER BY instances DESC, {columns} LIMIT {MAX_FILTER_VALUES}"
    );
    let answer = api.execute(sql, Vec::new(), None, deadline).await?;
    Ok(answer.records.unwrap_or_default())
}

/// Turns words that are exactly the name and version of a package, as a person copies them from a list, into the filter
/// for that version.
async fn words_as_filters<'a>(
    api: &DataApiClient,
    search: &'a InstanceSearch,
    deadline: Instant,
) -> Result<Cow<'a, InstanceSearch>, FailedCall> {
    if search.filter.package.is_none()
        && let Some((name, version)) = named_version(&search.words)
        && exists(api, &name, &version, deadline).await?
    {
        let mut filter = search.filter.clone();
        filter.package = Some(PackageFilter {
            name,
            version: Some(version),
        });
        return Ok(Cow::Owned(InstanceSearch {
            filter,
            words: Vec::new(),
        }));
    }
    Ok(Cow::Borrowed(search))
}

/// Counts the entries of a single index if possible.
fn count_statement(search: &InstanceSearch) -> (String, Vec<SqlParameter>) {
    let InstanceSearch { filter, words } = search;
    let mut parameters = window::filter_parameters(filter);
    parameters.extend(window::word_parameters(words));
    let sql = match &filter.package {
        Some(package)
            if filter.region.is_none() && filter.account.is_none() && words.is_empty() =>
        {
            format!(
                "SELECT COUNT(DISTINCT p.aws_instance_id) FROM ec2_package p WHERE {}",
                window::of_package(package)
            )
        }
        _ => {
            let filtered = match window::match_conditions(filter, words).as_slice() {
                [] => String::new(),
                conditions => format!(" WHERE {}", conditions.join(" AND ")),
            };
            format!("SELECT COUNT(*) FROM ec2 e{filtered}")
        }
    };
    (sql, parameters)
}

/// The words as a package's name and version; the version is the last word.
fn named_version(words: &[String]) -> Option<(PackageName, PackageVersion)> {
    let (version, name) = words.split_last()?;
    let name = PackageName::parse(name.join(" ")).ok()?;
    Some((name, PackageVersion::parse(version).ok()?))
}

async fn exists(
    api: &DataApiClient,
    name: &PackageName,
    version: &PackageVersion,
    deadline: Instant,
) -> Result<bool, FailedCall> {
    let sql = "SELECT 1 FROM ec2_package WHERE package_name = :name AND package_version = :version LIMIT 1";
    let parameters = vec![
        text("name", name.as_str()),
        text("version", version.as_str()),
    ];
    let answer = api.execute(sql, parameters, None, deadline).await?;
    Ok(!answer.records().is_empty())
}

/// The first packages of each instance, and its number of packages.
///
/// Counted first: a page of instances with 10,000 packages each would exceed one response of the Data API.
async fn packages(
    api: &DataApiClient,
    ids: &[&InstanceId],
    deadline: Instant,
) -> Result<HashMap<String, (Vec<Package>, u64)>, FailedCall> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let (listed, parameters) = id_list(ids);
    let sql = format!(
        "SELECT aws_instance_id, COUNT(*) AS packages FROM ec2_package WHERE aws_instance_id IN ({listed}) GROUP BY aws_instance_id"
    );
    let counted = api.execute(sql, parameters, None, deadline).await?;
    for row in counted.records() {
        match row.as_slice() {
            [Field::StringValue(id), Field::LongValue(count)] => {
                let count = u64::try_from(*count).unwrap_or_default();
                found.insert(id.clone(), (Vec::new(), count));
            }
            _ => return Err(columns("the count of packages")),
        }
    }
    let shown = u64::try_from(PACKAGES_SHOWN).unwrap_or(u64::MAX);
    let has = |id: &&InstanceId, few: bool| {
        found
            .get(id.as_str())
            .is_some_and(|(_, count)| (*count <= shown) == few)
    };
    let few: Vec<&InstanceId> = ids.iter().copied().filter(|id| has(id, true)).collect();
    let many: Vec<&InstanceId> = ids.iter().copied().filter(|id| has(id, false)).collect();
    if !few.is_empty() {
        read_packages(api, &few, "", &mut found, deadline).await?;
    }
    for id in many {
        let limit = format!(" LIMIT {PACKAGES_SHOWN}");
        read_packages(api, &[id], &limit, &mut found, deadline).await?;
    }
    Ok(found)
}

async fn read_packages(
    api: &DataApiClient,
    ids: &[&InstanceId],
    limit: &str,
    found: &mut HashMap<String, (Vec<Package>, u64)>,
    deadline: Instant,
) -> Result<(), FailedCall> {
    let (listed, parameters) = id_list(ids);
    let sql = format!(
        "SELECT 1 AS kind, package_name, package_version, aws_instance_id FROM ec2_package \
         WHERE aws_instance_id IN ({listed}) ORDER BY aws_instance_id, package_name, package_version{limit}"
    );
    let answer = api.execute(sql, parameters, None, deadline).await?;
    let records = answer.records.unwrap_or_default();
    let owners: Vec<Option<String>> = records
        .iter()
        .map(|row| row.last()?.as_string_value().ok().cloned())
        .collect();
    for (owner, package) in owners.into_iter().zip(rows::packages(records)?) {
        let (packages, _) = owner
            .and_then(|owner| found.get_mut(&owner))
            .ok_or_else(|| columns("the packages of a page"))?;
        packages.push(package);
    }
    Ok(())
}

fn id_list(ids: &[&InstanceId]) -> (String, Vec<SqlParameter>) {
    let names: Vec<String> = (0..ids.len())
        .map(|number| format!(":id{number}"))
        .collect();
    let parameters = ids
        .iter()
        .enumerate()
        .map(|(number, id)| text(format!("id{number}"), id.as_str()));
    (names.join(", "), parameters.collect())
}

fn columns(statement: &'static str) -> FailedCall {
    rows::RowError::Columns { statement }.into()
}

#[cfg(test)]
mod tests {
    use fleet_core::inventory::{AccountId, InstanceFilter, Region};

    use super::*;

    #[test]
    fn the_last_word_is_the_version_of_a_package() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let (name, version) = named_version(&words("amazon ssm agent 3.2")).unwrap();
        assert_eq!(
            (name.as_str(), version.as_str()),
            ("amazon ssm agent", "3.2")
        );
        assert!(named_version(&words("nginx")).is_none());
        assert!(named_version(&[]).is_none());
    }

    #[test]
    fn a_package_alone_is_counted_in_its_own_table() {
        let package = InstanceFilter {
            package: PackageName::parse("nginx").ok().map(|name| PackageFilter {
                name,
                version: None,
            }),
            ..Default::default()
        };
        let region = Region::parse("us-east-1").ok();
        let account = AccountId::parse("1").ok();
        let of_instances = "SELECT COUNT(*) FROM ec2 e WHERE ";
        for (filter, words, beginning) in [
            (
                package.clone(),
                "",
                "SELECT COUNT(DISTINCT p.aws_instance_id) FROM ec2_package p WHERE ",
            ),
            (package.clone(), "word", of_instances),
            (
                InstanceFilter {
                    region,
                    ..package.clone()
                },
                "",
                of_instances,
            ),
            (
                InstanceFilter {
                    account,
                    ..package.clone()
                },
                "",
                of_instances,
            ),
            (InstanceFilter::default(), "word", of_instances),
            (InstanceFilter::default(), "", "SELECT COUNT(*) FROM ec2 e"),
        ] {
            let (sql, _) = count_statement(&InstanceSearch::new(filter, words));
            assert!(sql.starts_with(beginning), "{sql}");
        }
    }

    #[test]
    fn a_word_goes_into_a_parameter_only() {
        let search = InstanceSearch::new(Default::default(), "x' y");
        let (sql, parameters) = count_statement(&search);
        assert!(
            sql.contains("INSTR(LOWER(e.aws_instance_id), :word1) > 0"),
            "{sql}"
        );
        assert_eq!(parameters.len(), 2);
    }
}
