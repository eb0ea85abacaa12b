//! Lists over more instances than one page examines. `.ci/mariadb` runs these on MariaDB too.

use std::{cmp::Reverse, collections::BTreeMap};

use aws_sdk_rdsdata::{
    Client,
    types::{Field, SqlParameter},
};
use fleet_core::{
    calls::count_calls,
    inventory::{
        AccountId, AddInstance, BrowseInstances, InstanceFilter, InstanceId, InstanceSearch,
        ListInstances, PACKAGES_SHOWN, PackageFilter, PackageName, PackageVersion, PageLimit,
        Region,
    },
};
use fleet_local_aws::LocalAws;

use crate::{
    canned::test_config,
    local::{Local, instance, settings},
};

/// The number of instances.
pub(crate) const INSTANCES: usize = 3_000;
/// No page needs more than this many entries of an index.
const EXAMINED: usize = 200;

/// The instance with a certain number: id, region, account, and its packages with their versions.
struct SampleInstance {
    id: String,
    region: &'static str,
    account: &'static str,
    packages: [(&'static str, String); 2],
}

fn sample(n: usize) -> SampleInstance {
    let account = match n % 1_000 {
        7 => "rare",
        _ if n < INSTANCES / 2 => "first-half",
        _ => "second-half",
    };
    let region = match n % 1_500 {
        9 => "rare",
        _ if n >= INSTANCES / 2 => "upper",
        _ if n.is_multiple_of(2) => "even",
        _ => "odd",
    };
    let second = if n.is_multiple_of(1_000) {
        "few"
    } else {
        "many"
    };
    SampleInstance {
        // Not in the order of the numbers.
        id: format!("i-{:04}", n * 7_919 % 10_000),
        region,
        account,
        packages: [
            ("agent", format!("{}", n % 3)),
            (second, format!("{}", n % 50)),
        ],
    }
}

fn text(name: &str, value: &str) -> SqlParameter {
    SqlParameter::builder()
        .name(name)
        .value(Field::StringValue(value.to_owned()))
        .build()
}

async fn insert(client: &Client, sql: &str, sets: Vec<Vec<SqlParameter>>) {
    let known = settings();
    for sets in sets.chunks(1_000) {
        client
            .batch_execute_statement()
            .resource_arn(&known.cluster_arn)
            .secret_arn(&known.secret)
            .database(&known.database)
            .sql(sql)
            .set_parameter_sets(Some(sets.to_vec()))
            .send()
            .await
            .unwrap();
    }
}

/// Stores every sample.
pub(crate) async fn fill(aws: &LocalAws) -> Client {
    let client = Client::new(&test_config(&aws.endpoint_url()).build());
    let samples: Vec<SampleInstance> = (0..INSTANCES).map(sample).collect();
    let instance = |sample: &SampleInstance| {
        vec![
            text("id", &sample.id),
            text("region", sample.region),
            text("account", sample.account),
        ]
    };
    insert(
        &client,
        "INSERT INTO ec2 (aws_instance_id, aws_region, aws_account, creation_date_utc, add_token) \
         VALUES (:id, :region, :account, '2019-03-06 02:45:32', 'token')",
        samples.iter().map(instance).collect(),
    )
    .await;
    let packages = |sample: &SampleInstance| {
        let package = |(name, version): &(&str, String)| {
            vec![
                text("id", &sample.id),
                text("name", name),
                text("version", version),
            ]
        };
        sample.packages.iter().map(package).collect::<Vec<_>>()
    };
    insert(
        &client,
        "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) VALUES (:id, :name, :version)",
        samples.iter().flat_map(packages).collect(),
    )
    .await;
    client
}

/// Every combination of filters, with values of many instances, of a few, or of none.
pub(crate) fn filters() -> Vec<InstanceFilter> {
    let mut filters = Vec::new();
    for region in [
        None,
        Some("upper"),
        Some("even"),
        Some("rare"),
        Some("none"),
    ] {
        for account in [None, Some("first-half"), Some("rare"), Some("none")] {
            for (name, version) in [
                (None, None),
                (Some("agent"), None),
                (Some("few"), None),
                (Some("none"), None),
                (Some("agent"), Some("1")),
                (Some("many"), Some("7")),
                (Some("agent"), Some("none")),
            ] {
                filters.push(InstanceFilter {
                    region: region.map(|region| Region::parse(region).unwrap()),
                    account: account.map(|account| AccountId::parse(account).unwrap()),
                    package: name.map(|name| PackageFilter {
                        name: PackageName::parse(name).unwrap(),
                        version: version.map(|version| PackageVersion::parse(version).unwrap()),
                    }),
                });
            }
        }
    }
    filters
}

fn matches(filter: &InstanceFilter, sample: &SampleInstance) -> bool {
    let package = |wanted: &PackageFilter| {
        sample.packages.iter().any(|(name, version)| {
            *name == wanted.name.as_str()
                && wanted
                    .version
                    .as_ref()
                    .is_none_or(|wanted| wanted.as_str() == version)
        })
    };
    filter
        .region
        .as_ref()
        .is_none_or(|region| region.as_str() == sample.region)
        && filter
            .account
            .as_ref()
            .is_none_or(|account| account.as_str() == sample.account)
        && filter.package.as_ref().is_none_or(package)
}

fn matching(filter: &InstanceFilter) -> Vec<String> {
    let mut ids: Vec<String> = (0..INSTANCES)
        .map(sample)
        .filter(|sample| matches(filter, sample))
        .map(|sample| sample.id)
        .collect();
    ids.sort_unstable();
    ids
}

/// The fewest instances that any one condition of the filter leaves: they bound the number of pages.
fn rarest(filter: &InstanceFilter) -> usize {
    let alone = [
        InstanceFilter {
            region: filter.region.clone(),
            account: filter.account.clone(),
            package: None,
        },
        InstanceFilter {
            package: filter.package.clone(),
            ..InstanceFilter::default()
        },
    ];
    let counts = alone.iter().map(|filter| matching(filter).len());
    counts.min().unwrap_or_default()
}

#[tokio::test]
async fn every_combination_of_filters_lists_each_match_once_and_in_order() {
    let local = Local::start().await;
    fill(&local.aws).await;
    let limit = PageLimit::parse("100").unwrap();
    for filter in filters() {
        let (mut listed, mut after, mut pages) = (Vec::new(), None::<InstanceId>, 0);
        loop {
            let (page, calls) =
                count_calls(local.inventory.list(&filter, after.as_ref(), limit)).await;
            let page = page.unwrap();
            assert_eq!(calls, 1);
            assert!(page.records.len() <= limit.get());
            assert!(page.next > after || page.next.is_none(), "{filter:?}");
            listed.extend(page.records.into_iter().map(|one| String::from(one.id)));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected = matching(&filter);
        assert_eq!(listed, expected, "{filter:?}");
        // Each page either examines half of its maximum for the rarest condition, or is full.
        let most = rarest(&filter) / (EXAMINED / 2) + expected.len() / limit.get() + 2;
        assert!(pages <= most, "{pages} of {most} pages: {filter:?}");
    }
    local.aws.stop().await;
}

#[tokio::test]
async fn a_found_instance_shows_its_first_packages_and_how_many_it_has() {
    let local = Local::start().await;
    let versions: Vec<String> = (0..=PACKAGES_SHOWN).map(|n| format!("{n:02}")).collect();
    for (id, packages) in [
        ("few", PACKAGES_SHOWN),
        ("many", PACKAGES_SHOWN + 1),
        ("none", 0),
    ] {
        let packages: Vec<_> = versions[..packages]
            .iter()
            .map(|one| ("agent", one.as_str()))
            .collect();
        let added = local
            .inventory
            .add(&instance(id, "r", "1", &packages))
            .await;
        assert!(added.is_ok());
    }
    let search = InstanceSearch::default();
    let find = local.inventory.find(&search, None, PageLimit::default());
    let (page, calls) = count_calls(find).await;
    let found: Vec<_> = page
        .unwrap()
        .records
        .into_iter()
        .map(|one| {
            let last = one
                .packages
                .last()
                .map(|package| package.version.as_str().to_owned());
            (
                one.summary.id.as_str().to_owned(),
                one.packages.len(),
                last,
                one.package_count,
            )
        })
        .collect();
    let last = Some(versions[PACKAGES_SHOWN - 1].clone());
    assert_eq!(
        found,
        [
            (
                "few".to_owned(),
                PACKAGES_SHOWN,
                last.clone(),
                PACKAGES_SHOWN as u64
            ),
            (
                "many".to_owned(),
                PACKAGES_SHOWN,
                last,
                PACKAGES_SHOWN as u64 + 1
            ),
            ("none".to_owned(), 0, None, 0),
        ]
    );
    // The page, the counts, the packages of instances with few, and those of each other instance.
    assert_eq!(calls, 4);
    local.aws.stop().await;
}

#[tokio::test]
async fn the_values_to_filter_by_come_with_the_number_of_their_instances() {
    let local = Local::start().await;
    fill(&local.aws).await;
    let found = local.inventory.filter_values().await.unwrap();
    let samples = || (0..INSTANCES).map(sample);
    assert_eq!(
        found.regions,
        most_frequent(samples().map(|one| one.region.to_owned()))
    );
    assert_eq!(
        found.accounts,
        most_frequent(samples().map(|one| one.account.to_owned()))
    );
    let packages = samples().flat_map(|one| one.packages);
    assert_eq!(
        found.packages,
        most_frequent(packages.map(|(name, version)| (name.to_owned(), version)))
    );
    local.aws.stop().await;
}

/// Each value with its frequency: the most frequent first, then in the values' own order.
fn most_frequent<V: Ord>(values: impl Iterator<Item = V>) -> Vec<(V, u64)> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

#[tokio::test]
async fn words_are_found_across_short_pages() {
    let local = Local::start().await;
    fill(&local.aws).await;
    for (text, found) in [("I-7919", 1), ("upper RARE", 1), ("few", 3), ("many 7", 60)] {
        let search = InstanceSearch::new(InstanceFilter::default(), text);
        let (mut ids, mut after) = (Vec::new(), None::<InstanceId>);
        loop {
            let limit = PageLimit::default();
            let page = local.inventory.find(&search, after.as_ref(), limit).await;
            let page = page.unwrap();
            assert!(page.records.iter().all(|one| one.package_count == 2));
            ids.extend(
                page.records
                    .into_iter()
                    .map(|one| String::from(one.summary.id)),
            );
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(ids.is_sorted(), "{text}: {ids:?}");
        assert_eq!(ids.len(), found, "{text}: {ids:?}");
        assert_eq!(local.inventory.count(&search).await.unwrap(), found as u64);
    }
    local.aws.stop().await;
}

#[tokio::test]
async fn an_instance_whose_whole_id_is_a_word_comes_first_and_once() {
    let local = Local::start().await;
    for (id, region) in [("a", "of-z-9"), ("z-9", "r"), ("z-99", "r")] {
        let added = local
            .inventory
            .add(&instance(id, region, "1", &[("agent", "1")]))
            .await;
        assert!(added.is_ok());
    }
    let filter = |region: &str| InstanceFilter {
        region: Region::parse(region).ok(),
        ..InstanceFilter::default()
    };
    for (filter, text, found) in [
        (InstanceFilter::default(), "z-9", &["z-9", "a", "z-99"][..]),
        (
            InstanceFilter::default(),
            "AGENT z-9",
            &["z-9", "a", "z-99"],
        ),
        (InstanceFilter::default(), "nothing z-9", &[]),
        (filter("r"), "z-9", &["z-9", "z-99"]),
        (filter("of-z-9"), "z-9", &["a"]),
    ] {
        let search = InstanceSearch::new(filter, text);
        let page = local
            .inventory
            .find(&search, None, PageLimit::default())
            .await;
        let page = page.unwrap();
        let ids: Vec<&str> = page
            .records
            .iter()
            .map(|one| one.summary.id.as_str())
            .collect();
        assert_eq!(ids, found, "{search:?}");
        assert_eq!(
            local.inventory.count(&search).await.unwrap(),
            found.len() as u64
        );
    }
    // A later page does not repeat what the first one shows.
    let search = InstanceSearch::new(InstanceFilter::default(), "z-9");
    let after = InstanceId::parse("b").unwrap();
    let page = local
        .inventory
        .find(&search, Some(&after), PageLimit::default())
        .await;
    let ids: Vec<String> = page
        .unwrap()
        .records
        .into_iter()
        .map(|one| one.summary.id.into())
        .collect();
    assert_eq!(ids, ["z-99"]);
    local.aws.stop().await;
}
